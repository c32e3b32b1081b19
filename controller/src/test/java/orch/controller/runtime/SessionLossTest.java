package orch.controller.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import orch.controller.core.Change;
import orch.controller.core.NodeContact;
import orch.controller.core.StateView;
import orch.controller.port.CommittedListener;
import orch.controller.port.Member;
import orch.controller.store.FakeZooKeeper;
import orch.controller.store.LogClient;
import orch.controller.store.VirtualLoop;
import org.junit.jupiter.api.Test;

/** A leader whose session with ZooKeeper is lost, and which hears nothing of a successor. */
final class SessionLossTest {
  private static final Duration SOON = Duration.ofSeconds(5);

  private final VirtualLoop time = new VirtualLoop();
  private final TestController anna =
      new TestController("anna", new FakeZooKeeper(time), time, new TestController.Members());

  @Test
  void agentsAreSentAwayWhenTheSessionIsLostAndTakenInAgainByWhoStillLeads() {
    anna.leader();
    TestController.Agent agent = anna.register("n1");
    anna.zooKeeper.hold();
    time.pass(LogClient.PROOF_AGE.plusSeconds(1));
    assertNull(agent.closed);
    anna.zooKeeper.expire();
    time.run();
    assertNotNull(agent.closed);
    TestController.Agent again = anna.agent("n1");
    time.pass(LoopLimits.LOG_PATIENCE.plusSeconds(2));
    assertNotNull(again.closed);
    anna.zooKeeper.release();
    time.pass(SOON);
    anna.register("n1");
    assertEquals(NodeContact.UP, anna.contact("n1"));
    time.pass(LoopLimits.HEARTBEAT_TIMEOUT.plusSeconds(2));
    assertEquals(NodeContact.UNREACHABLE, anna.contact("n1"));
  }

  @Test
  void aLeaderWhoseSessionIsLostSendsNobodyToItself() {
    anna.leader();
    TestController.Agent agent = anna.register("n1");
    List<String> heard = new ArrayList<>();
    var _ =
        anna.port.addListener(
            new CommittedListener() {
              @Override
              public void committed(
                  long revision, Instant now, List<Change> changes, StateView view) {}

              @Override
              public void rebuilt(long revision, StateView view) {}

              @Override
              public void suspended() {
                heard.add("suspended");
              }
            });
    anna.zooKeeper.hold();
    anna.zooKeeper.expire();
    time.run();
    assertEquals(List.of("suspended"), heard);
    assertNull(anna.port.leadership().leader());
    assertFalse(anna.port.members().getFirst().leader());
    assertNotNull(agent.closed);
    assertEquals("NOT_LEADER", agent.closed.reason());
    assertFalse(agent.closed.message().contains("anna"), agent.closed.message());
    anna.zooKeeper.release();
    time.pass(SOON);
    Member leader = anna.port.leadership().leader();
    assertNotNull(leader);
    assertEquals("anna:7401", leader.grpcAddress());
    assertTrue(anna.port.members().getFirst().leader());
  }
}

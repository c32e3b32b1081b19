package orch.controller.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import orch.api.model.AgentMessage;
import orch.api.model.ControllerMessage;
import orch.controller.store.FakeZooKeeper;
import orch.controller.store.VirtualLoop;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** When a heartbeat is answered with a lease: never before what the node must know first. */
final class LeaseReplyTest {
  private final VirtualLoop time = new VirtualLoop();
  private final TestController anna =
      new TestController("anna", new FakeZooKeeper(time), time, new TestController.Members());

  @BeforeEach
  void lead() {
    anna.leader();
  }

  @AfterEach
  void nothingBroke() {
    assertEquals(List.of(), anna.failures);
  }

  @Test
  void noLeaseComesBeforeTheFullSet() {
    anna.zooKeeper.hold();
    TestController.Agent agent = anna.agent("n1");
    time.run();
    agent.heartbeat(1);
    time.run();
    assertFalse(agent.received.contains(new ControllerMessage.HeartbeatReply(1, true)));
    anna.zooKeeper.release();
    time.run();
    agent.say(new AgentMessage.Inventory(List.of(), true));
    time.run();
    agent.heartbeat(2);
    time.run();
    List<ControllerMessage> received = agent.received;
    assertEquals(new ControllerMessage.HeartbeatReply(2, true), received.getLast());
    assertTrue(
        received.stream().anyMatch(m -> m instanceof ControllerMessage.Desired of && of.full()));
  }

  @Test
  void aLeaseWaitsUntilWhatWasDecidedBeforeItHasCommitted() {
    TestController.Agent agent = anna.agent("n1");
    time.run();
    agent.say(new AgentMessage.Inventory(List.of(), true));
    time.run();
    agent.received.clear();
    anna.zooKeeper.hold();
    CompletableFuture<String> asked = anna.ask("n1");
    agent.heartbeat(1);
    time.run();
    assertEquals(List.of(), agent.received);
    anna.zooKeeper.release();
    time.run();
    assertTrue(asked.isDone());
    assertEquals(List.of(new ControllerMessage.HeartbeatReply(1, true)), agent.received);
  }
}

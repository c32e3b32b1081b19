package orch.controller.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import orch.api.model.AgentMessage;
import orch.api.model.ControllerMessage;
import orch.api.model.NodeDescription;
import orch.controller.port.Role;
import orch.controller.store.FakeZooKeeper;
import orch.controller.store.LogClient;
import orch.controller.store.VirtualLoop;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What sessions are told while decisions about them have not committed. */
final class AgentSessionsTest {
  private final VirtualLoop time = new VirtualLoop();
  private final FakeZooKeeper server = new FakeZooKeeper(time);
  private final TestController.Members members = new TestController.Members();
  private final TestController anna = new TestController("anna", server, time, members);

  @BeforeEach
  void lead() {
    anna.leader();
  }

  @AfterEach
  void nothingBroke() {
    assertEquals(List.of(), anna.failures);
  }

  @Test
  void noLeaseOvertakesWhatWasDecidedWhileTheNodeWasSilent() {
    TestController.Agent agent = registered("n1");
    time.pass(LoopLimits.HEARTBEAT_TIMEOUT.plusSeconds(1));
    agent.received();
    anna.zooKeeper.hold();
    // A cut is over: what the connection held comes at once.
    agent.heartbeat(1);
    agent.heartbeat(2);
    time.run();
    assertEquals(List.of(), agent.received());
    anna.zooKeeper.release();
    time.run();
    assertEquals(List.of("Desired", "HeartbeatReply", "HeartbeatReply"), agent.received());
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
    TestController.Agent agent = registered("n1");
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

  @Test
  void anAnswerWithoutALeaseWaitsForNothing() {
    TestController.Agent agent = registered("n1");
    anna.zooKeeper.hold();
    var _ = anna.ask("nowhere");
    time.pass(LogClient.PROOF_AGE.plusSeconds(1));
    agent.heartbeat(1);
    time.run();
    assertEquals(
        List.of(new ControllerMessage.HeartbeatReply(1, false)), List.copyOf(agent.received));
    anna.zooKeeper.release();
    time.run();
  }

  @Test
  void whoWasRefusedHearsOfItThoughTheRefusalNeverCommits() {
    registered("n1");
    anna.zooKeeper.hold();
    TestController.Agent other = new TestController.Agent();
    other.session = anna.port.openSession(sameNameOtherNode("n1"), other);
    time.run();
    assertNull(other.closed);
    succeed();
    assertNotNull(other.closed);
    assertEquals("NOT_LEADER", other.closed.reason());
  }

  @Test
  void whoWasReplacedHearsOfItThoughTheWelcomeOfTheNextNeverCommits() {
    TestController.Agent first = registered("n1");
    anna.zooKeeper.hold();
    var _ = anna.ask("nowhere");
    TestController.Agent second = anna.agent("n1");
    time.run();
    assertNull(first.closed);
    succeed();
    assertNotNull(first.closed);
    assertNotNull(second.closed);
  }

  /** Another leads, and anna learns of it before anything of hers is written. */
  private void succeed() {
    anna.hints.tell(false);
    new TestController("bert", server, time, members).leader();
    anna.zooKeeper.release();
    time.pass(Duration.ofSeconds(3));
    assertEquals(Role.STANDBY, anna.port.leadership().role());
  }

  private static AgentMessage.Hello sameNameOtherNode(String name) {
    AgentMessage.Hello of = TestController.hello(name);
    NodeDescription node = of.node();
    NodeDescription other =
        new NodeDescription(
            "uid-of-another",
            node.name(),
            "machine-of-another",
            node.bootId(),
            node.agentVersion(),
            node.labels(),
            node.attributes(),
            node.capacity(),
            node.missingLimits(),
            node.user());
    return new AgentMessage.Hello(
        of.protocolVersion(),
        of.clusterId(),
        of.incarnation(),
        of.epoch(),
        of.appliedRevision(),
        other,
        of.inventoryCount(),
        of.inventoryHash(),
        of.highestJobNumber(),
        of.instance());
  }

  private TestController.Agent registered(String node) {
    TestController.Agent agent = anna.agent(node);
    time.run();
    if (agent.received.getFirst() instanceof ControllerMessage.Welcome welcome
        && welcome.wantInventory()) {
      agent.say(new AgentMessage.Inventory(List.of(), true));
      time.run();
    }
    assertTrue(agent.received().contains("Desired"));
    return agent;
  }
}

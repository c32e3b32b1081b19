package orch.controller.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import orch.api.model.AgentMessage;
import orch.controller.store.FakeZooKeeper;
import orch.controller.store.VirtualLoop;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Two agents with one identity, told apart by the names of their processes. */
final class AgentIdentityTest {
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

  private TestController.Agent agent(String instance) {
    AgentMessage.Hello of = TestController.hello("n1");
    AgentMessage.Hello hello =
        new AgentMessage.Hello(
            of.protocolVersion(),
            of.clusterId(),
            of.incarnation(),
            of.epoch(),
            of.appliedRevision(),
            of.node(),
            of.inventoryCount(),
            of.inventoryHash(),
            of.highestJobNumber(),
            instance);
    TestController.Agent agent = new TestController.Agent();
    agent.session = anna.port.openSession(hello, agent);
    time.run();
    return agent;
  }

  private void beats(TestController.Agent agent, Duration time_) {
    for (long i = 0; i < time_.dividedBy(LoopLimits.HEARTBEAT_INTERVAL); i++) {
      agent.heartbeat(i + 1);
      time.pass(LoopLimits.HEARTBEAT_INTERVAL);
    }
  }

  @Test
  void theSecondIsRefusedWhileTheFirstLives() {
    TestController.Agent first = agent("i-1");
    beats(first, Duration.ofSeconds(20));
    TestController.Agent second = agent("i-2");
    assertNotNull(second.closed);
    assertEquals("NODE_DOUBLED", second.closed.reason());
    assertNull(first.closed);
    assertTrue(
        anna.loop.state().cluster().warnings().stream()
            .anyMatch(text -> text.contains("copies of one data directory")));
  }

  @Test
  void anAgentThatComesAgainTakesTheSessionFromItself() {
    TestController.Agent first = agent("i-1");
    TestController.Agent again = agent("i-1");
    assertNull(again.closed);
    assertNotNull(first.closed);
    assertEquals("SESSION_REPLACED", first.closed.reason());
  }

  @Test
  void anAgentThatWasRestartedIsLetInOnceTheOldSessionIsClosed() {
    TestController.Agent first = agent("i-1");
    assertNotNull(first.session);
    first.session.closed();
    assertNull(agent("i-2").closed);
  }

  @Test
  void anAgentThatWasRestartedIsLetInOnceTheOldSessionIsSilent() {
    agent("i-1");
    time.pass(LoopLimits.HEARTBEAT_TIMEOUT.plusSeconds(1));
    assertNull(agent("i-2").closed);
  }

  @Test
  void whatTheCoreAssumesOfADeposedLeaderIsWhatALeaderMayDo() {
    assertEquals(
        orch.controller.store.LogClient.PROOF_AGE, orch.controller.core.LeaseTimes.PROOF_AGE);
  }
}

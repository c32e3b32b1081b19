package orch.controller.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import orch.api.model.AgentMessage;
import orch.api.model.ControllerMessage;
import orch.api.model.DesiredAttempt;
import orch.api.model.ProcessTree;
import orch.controller.port.Member;
import orch.v1.CancelJobRequest;
import orch.v1.GetNodeRequest;
import orch.v1.GetTaskRequest;
import orch.v1.GetTaskStatsRequest;
import orch.v1.GetTaskTreeRequest;
import orch.v1.Node;
import orch.v1.NodeState;
import orch.v1.SignalTarget;
import orch.v1.SignalTaskRequest;
import orch.v1.TaskState;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Agents over a real gRPC connection. */
@Timeout(60)
final class AgentSessionTest {
  private Bench bench;

  @BeforeEach
  void start() throws IOException {
    bench =
        new Bench(
            new GrpcServer.Bounds(
                Watches.MAX_WEIGHT,
                Duration.ofSeconds(15),
                50,
                Duration.ofMillis(200),
                Duration.ofSeconds(1),
                Duration.ofSeconds(1),
                // Longer than anything here takes.
                Duration.ofMinutes(5)));
  }

  @AfterEach
  void stop() {
    bench.close();
  }

  @Test
  void agentThatSaysHelloIsWelcomedAndGetsItsFullSet() {
    try (FakeAgent agent = bench.agent("alpha").connect()) {
      agent.hello(1);
      ControllerMessage.Welcome welcome =
          agent.await(ControllerMessage.Welcome.class, message -> true);
      assertTrue(welcome.heartbeatInterval().isPositive());
      assertTrue(agent.await(ControllerMessage.Desired.class, message -> true).full());
      Node node = bench.nodes().getNode(GetNodeRequest.newBuilder().setName("alpha").build());
      assertEquals(NodeState.NODE_STATE_READY, node.getState());
      assertEquals("uid-alpha", node.getUid());
    }
  }

  @Test
  void attemptGoesFromDesiredToForgotten() {
    try (FakeAgent agent = bench.agent("alpha").join()) {
      long job = bench.submit("web", 1).getNumber();
      ControllerMessage.Desired desired =
          agent.await(ControllerMessage.Desired.class, delta -> !delta.attempts().isEmpty());
      assertEquals("web", desired.specs().getFirst().jobName());
      DesiredAttempt attempt = desired.attempts().getFirst();
      assertEquals("boot-1", attempt.bootId());
      agent.running(attempt, job);
      agent.exited(attempt, job, 0);
      ControllerMessage.Forget forget =
          agent.await(ControllerMessage.Forget.class, message -> true);
      assertEquals(List.of(attempt.uid()), forget.uids());
      assertEquals(
          TaskState.TASK_STATE_SUCCEEDED,
          bench.tasks().getTask(GetTaskRequest.newBuilder().setName("web/0").build()).getState());
    }
  }

  @Test
  void cancelledJobsAttemptIsToldToStop() {
    try (FakeAgent agent = bench.agent("alpha").join()) {
      long job = bench.submit("web", 1).getNumber();
      DesiredAttempt attempt = agent.wanted(0);
      assertNull(attempt.stop());
      agent.running(attempt, job);
      bench.jobs().cancelJob(CancelJobRequest.newBuilder().setName("web").build());
      assertTrue(agent.wanted(0).stop() != null);
    }
  }

  @Test
  void heartbeatIsAnsweredWithItsNumber() {
    try (FakeAgent agent = bench.agent("alpha").join()) {
      agent.say(new AgentMessage.Heartbeat(41, 1));
      assertEquals(
          41, agent.await(ControllerMessage.HeartbeatReply.class, reply -> true).sequence());
    }
  }

  @Test
  void manyReportsAreAllTaken() {
    try (FakeAgent agent = bench.agent("alpha").join()) {
      long job = bench.submit("web", 20).getNumber();
      ControllerMessage.Desired desired =
          agent.await(ControllerMessage.Desired.class, delta -> delta.attempts().size() == 20);
      for (DesiredAttempt attempt : desired.attempts()) {
        agent.running(attempt, job);
        agent.exited(attempt, job, 0);
      }
      // Acks that wait are merged, so that there may be fewer messages than attempts.
      int forgotten = 0;
      while (forgotten < 20) {
        forgotten += agent.await(ControllerMessage.Forget.class, message -> true).uids().size();
      }
    }
    assertEquals(
        20,
        bench
            .jobs()
            .getJob(orch.v1.GetJobRequest.newBuilder().setName("web").build())
            .getTasks()
            .getSucceeded());
  }

  @Test
  void newerSessionOfTheNodeReplacesTheOlder() throws Exception {
    try (FakeAgent older = bench.agent("alpha").join();
        FakeAgent newer = bench.agent("alpha").join()) {
      Bench.Refused why = why(older);
      assertEquals("SESSION_REPLACED", why.reason());
      newer.say(new AgentMessage.Heartbeat(1, 1));
      newer.await(ControllerMessage.HeartbeatReply.class, reply -> true);
    }
  }

  @Test
  void standbySendsTheAgentToTheLeader() throws Exception {
    bench.controller.depose();
    try (FakeAgent agent = bench.agent("alpha").connect()) {
      agent.hello(1);
      Bench.Refused why = why(agent);
      assertEquals(Status.Code.FAILED_PRECONDITION, why.code());
      assertEquals("NOT_LEADER", why.reason());
      assertEquals("10.0.0.2:7401", why.info().getMetadataOrThrow("leader"));
    }
  }

  @Test
  void agentThatCouldNotReachTheLeaderWaitsForItsSuccessor() throws Exception {
    Member lost = InMemoryController.OTHER;
    Member successor = new Member("c3", true, 3, 0, "10.0.0.3:7400", "10.0.0.3:7401", "test", 1);
    bench.controller.follow(lost);
    try (FakeAgent agent = bench.agent("alpha").connectAfter(lost.grpcAddress());
        FakeAgent later = bench.agent("beta").connectAfter(lost.grpcAddress())) {
      awaitWaiting(2);
      bench.controller.follow(null);
      bench.controller.follow(successor);
      for (FakeAgent each : List.of(agent, later)) {
        Bench.Refused why = why(each);
        assertEquals(Status.Code.FAILED_PRECONDITION, why.code());
        assertEquals("NOT_LEADER", why.reason());
        assertEquals(successor.grpcAddress(), why.info().getMetadataOrThrow("leader"));
      }
      assertEquals(0, bench.server.waitingAgents());
    }
  }

  @Test
  void agentWaitsWhileNobodyLeads() throws Exception {
    bench.controller.follow(null);
    try (FakeAgent agent = bench.agent("alpha").connect()) {
      awaitWaiting(1);
      // So that it knows a waiting controller from a frozen one.
      agent.awaitHeaders();
      bench.controller.follow(InMemoryController.OTHER);
      assertEquals("10.0.0.2:7401", why(agent).info().getMetadataOrThrow("leader"));
    }
  }

  @Test
  void agentThatGivesUpWaitsNoMore() throws Exception {
    bench.controller.follow(null);
    try (FakeAgent agent = bench.agent("alpha").connect()) {
      agent.hello(1);
      awaitWaiting(1);
    }
    awaitWaiting(0);
  }

  @Test
  void agentThatWaitedInVainIsSentOnAllTheSame() throws Exception {
    GrpcServer.Bounds usual = GrpcServer.Bounds.DEFAULT;
    try (Bench impatient =
        new Bench(
            new GrpcServer.Bounds(
                usual.watchWeight(),
                usual.bookmarks(),
                usual.outbox(),
                usual.signalTimeout(),
                usual.logPatience(),
                usual.forwardPatience(),
                Duration.ofMillis(1)))) {
      impatient.controller.depose();
      try (FakeAgent agent =
          impatient.agent("alpha").connectAfter(InMemoryController.OTHER.grpcAddress())) {
        assertEquals("10.0.0.2:7401", why(agent).info().getMetadataOrThrow("leader"));
      }
    }
  }

  /** Another thread counts them: there is nothing to wait for but the number. */
  private void awaitWaiting(int agents) {
    while (bench.server.waitingAgents() != agents) {
      Thread.onSpinWait();
    }
  }

  @Test
  void deposedLeaderEndsItsSessions() throws Exception {
    try (FakeAgent agent = bench.agent("alpha").join()) {
      bench.controller.depose();
      assertEquals("NOT_LEADER", why(agent).reason());
    }
  }

  @Test
  void sessionBeginsWithAHelloOfThisProtocol() throws Exception {
    try (FakeAgent rude = bench.agent("rude").connect();
        FakeAgent newer = bench.agent("newer").connect()) {
      rude.say(new AgentMessage.Heartbeat(1, 1));
      assertEquals("NO_HELLO", why(rude).reason());
      newer.hello(9);
      assertEquals("PROTOCOL_VERSION", why(newer).reason());
    }
  }

  @Test
  void malformedMessageEndsTheSession() throws Exception {
    try (FakeAgent agent = bench.agent("alpha").join()) {
      agent.sayProto(
          orch.agent.v1.AgentMessage.newBuilder()
              .setReports(
                  orch.agent.v1.AttemptReports.newBuilder()
                      .addAttempts(orch.agent.v1.AttemptStatus.getDefaultInstance()))
              .build());
      Bench.Refused why = why(agent);
      assertEquals("MALFORMED_MESSAGE", why.reason());
    }
  }

  @Test
  void kindOfANewerAgentIsSkipped() {
    try (FakeAgent agent = bench.agent("alpha").join()) {
      for (int i = 0; i < 20; i++) {
        agent.sayProto(orch.agent.v1.AgentMessage.getDefaultInstance());
      }
      agent.say(new AgentMessage.Heartbeat(5, 1));
      agent.await(ControllerMessage.HeartbeatReply.class, reply -> true);
    }
  }

  @Test
  void brokenConnectionEndsTheSession() {
    FakeAgent agent = bench.agent("alpha").join();
    assertEquals(List.of("uid-alpha"), bench.controller.connected());
    agent.close();
    while (!bench.controller.connected().isEmpty()) {
      Thread.onSpinWait();
    }
  }

  // ---- signals

  @Test
  void signalReachesTheTasksAgentAndItsAnswerTheCaller() throws Exception {
    try (FakeAgent agent = bench.agent("alpha").join()) {
      long job = bench.submit("web", 1).getNumber();
      DesiredAttempt attempt = agent.wanted(0);
      agent.running(attempt, job);
      var answer =
          java.util.concurrent.CompletableFuture.supplyAsync(() -> signalWhenRunning("web/0", 10));
      ControllerMessage.Signal signal =
          agent.await(ControllerMessage.Signal.class, message -> true);
      assertEquals(attempt.uid(), signal.uid());
      assertEquals(10, signal.signal());
      assertEquals(2, signal.target());
      agent.say(new AgentMessage.SignalOutcome(signal.request(), 3, ""));
      assertEquals(3, answer.get(10, TimeUnit.SECONDS));
    }
  }

  @Test
  void signalThatTheAgentCannotSendOrDoesNotAnswerIsAnError() throws Exception {
    try (FakeAgent agent = bench.agent("alpha").join()) {
      long job = bench.submit("web", 1).getNumber();
      agent.running(agent.wanted(0), job);
      var refused =
          java.util.concurrent.CompletableFuture.supplyAsync(
              () -> Bench.refused(() -> signalWhenRunning("web/0", 10)));
      ControllerMessage.Signal signal =
          agent.await(ControllerMessage.Signal.class, message -> true);
      agent.say(new AgentMessage.SignalOutcome(signal.request(), 0, "it has ended"));
      assertEquals("it has ended", refused.get(10, TimeUnit.SECONDS).message());
      Bench.Refused silent = Bench.refused(() -> signalWhenRunning("web/0", 10));
      assertEquals("NODE_UNREACHABLE", silent.reason());
      assertTrue(silent.message().contains("alpha"), silent.message());
    }
  }

  @Test
  void taskWithoutAProcessCannotBeSignalled() {
    bench.submit("web", 1);
    assertEquals("TASK_NOT_RUNNING", Bench.refused(() -> signal("web/0", 15)).reason());
    assertEquals(List.of("signal"), Bench.refused(() -> signal("web/0", 65)).fields());
  }

  // ---- looking

  @Test
  void treeAndStatsComeFromTheTasksAgent() throws Exception {
    try (FakeAgent agent = bench.agent("alpha").join()) {
      long job = bench.submit("web", 1).getNumber();
      DesiredAttempt attempt = agent.wanted(0);
      agent.running(attempt, job);
      awaitRunning("web/0");
      var tree =
          java.util.concurrent.CompletableFuture.supplyAsync(
              () -> bench.tasks().getTaskTree(treeOf("web/0")));
      ControllerMessage.Inspect question =
          agent.await(ControllerMessage.Inspect.class, message -> true);
      assertEquals(attempt.uid(), question.uid());
      assertEquals(false, question.usage());
      agent.say(
          new AgentMessage.Inspected(
              question.request(),
              "",
              new ProcessTree(List.of(), 3, true, ProcessTree.Leader.ALIVE, false, 0),
              null));
      assertEquals(3, tree.get(10, TimeUnit.SECONDS).getTotal());
      assertEquals("alpha", tree.get().getNode());
      assertEquals(1, tree.get().getAttempt());
      var stats =
          java.util.concurrent.CompletableFuture.supplyAsync(() ->
              Bench.refused(() ->
                  bench
                      .tasks()
                      .getTaskStats(GetTaskStatsRequest.newBuilder().setName("web/0").build())));
      question = agent.await(ControllerMessage.Inspect.class, message -> true);
      assertTrue(question.usage());
      agent.say(new AgentMessage.Inspected(question.request(), "it has ended", null, null));
      Bench.Refused refused = stats.get(10, TimeUnit.SECONDS);
      assertEquals("NOT_INSPECTED", refused.reason());
      assertEquals("node alpha: it has ended", refused.message());
    }
  }

  @Test
  void nodeThatDoesNotAnswerAQuestionIsSaidSoInTime() throws Exception {
    try (FakeAgent agent = bench.agent("alpha").join()) {
      long job = bench.submit("web", 1).getNumber();
      agent.running(agent.wanted(0), job);
      awaitRunning("web/0");
      Bench.Refused silent = Bench.refused(() -> bench.tasks().getTaskTree(treeOf("web/0")));
      assertEquals("NODE_UNREACHABLE", silent.reason());
      assertTrue(silent.message().contains("alpha"), silent.message());
    }
  }

  @Test
  void taskWithoutAProcessHasNoTree() {
    bench.submit("web", 1);
    assertEquals(
        "TASK_NOT_RUNNING",
        Bench.refused(() -> bench.tasks().getTaskTree(treeOf("web/0"))).reason());
  }

  private static GetTaskTreeRequest treeOf(String task) {
    return GetTaskTreeRequest.newBuilder().setName(task).build();
  }

  private int signalWhenRunning(String task, int number) {
    awaitRunning(task);
    return signal(task, number);
  }

  private void awaitRunning(String task) {
    while (bench.tasks().getTask(GetTaskRequest.newBuilder().setName(task).build()).getState()
        != TaskState.TASK_STATE_RUNNING) {
      Thread.onSpinWait();
    }
  }

  private int signal(String task, int number) {
    return bench
        .tasks()
        .signalTask(
            SignalTaskRequest.newBuilder()
                .setName(task)
                .setSignal(number)
                .setTarget(SignalTarget.SIGNAL_TARGET_ALL)
                .build())
        .getProcesses();
  }

  private static Bench.Refused why(FakeAgent agent) throws Exception {
    return new Bench.Refused((StatusRuntimeException) agent.ended.get(10, TimeUnit.SECONDS));
  }
}

package orch.controller.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.util.concurrent.TimeUnit;
import orch.agent.v1.AgentServiceGrpc;
import orch.agent.v1.ExecInput;
import orch.agent.v1.ExecOutput;
import orch.api.model.ControllerMessage;
import orch.api.model.DesiredAttempt;
import orch.v1.ExecRequest;
import orch.v1.ExecResponse;
import orch.v1.ExecStart;
import orch.v1.GetTaskRequest;
import orch.v1.Result;
import orch.v1.TaskServiceGrpc;
import orch.v1.TaskState;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Exec between a client and a fake agent, over real gRPC connections. */
@Timeout(60)
final class ExecStreamsTest {
  private Bench bench;

  @BeforeEach
  void start() throws IOException {
    bench = new Bench(GrpcServer.Bounds.DEFAULT);
  }

  @AfterEach
  void stop() {
    bench.close();
  }

  private DesiredAttempt running(FakeAgent agent) {
    long job = bench.submit("web", 1).getNumber();
    DesiredAttempt attempt = agent.wanted(0);
    agent.running(attempt, job);
    while (bench.tasks().getTask(GetTaskRequest.newBuilder().setName("web/0").build()).getState()
        != TaskState.TASK_STATE_RUNNING) {
      Thread.onSpinWait();
    }
    return attempt;
  }

  private static ExecRequest start(String task) {
    return ExecRequest.newBuilder()
        .setStart(ExecStart.newBuilder().setName(task).addCommand("cat").putEnv("A", "b"))
        .build();
  }

  @Test
  void commandsStreamsAreJoinedAndBothEndsHoldEachOtherBack() throws Exception {
    try (FakeAgent agent = bench.agent("alpha").join()) {
      DesiredAttempt attempt = running(agent);
      Heard<ExecResponse> client = new Heard<>();
      StreamObserver<ExecRequest> input = TaskServiceGrpc.newStub(bench.newChannel()).exec(client);
      input.onNext(start("web/0"));
      ControllerMessage.OpenExec order =
          agent.await(ControllerMessage.OpenExec.class, message -> true);
      assertEquals(attempt.uid(), order.uid());
      assertEquals("b", order.env().get("A"));
      Heard<ExecInput> node = new Heard<>();
      StreamObserver<ExecOutput> output =
          AgentServiceGrpc.newStub(bench.newChannel()).serveExec(node);
      output.onNext(ExecOutput.newBuilder().setStream(order.stream()).build());
      assertTrue(((ExecInput) node.next()).getCredit() > 0);
      input.onNext(ExecRequest.newBuilder().setStdin(ByteString.copyFromUtf8("word")).build());
      // Not before the node takes input.
      assertEquals(null, node.all.poll(300, TimeUnit.MILLISECONDS));
      output.onNext(ExecOutput.newBuilder().setCredit(1_000).build());
      assertEquals("word", ((ExecInput) node.next()).getStdin().toStringUtf8());
      output.onNext(ExecOutput.newBuilder().setStdout(ByteString.copyFromUtf8("answer")).build());
      assertEquals("answer", ((ExecResponse) client.next()).getStdout().toStringUtf8());
      assertEquals(6, ((ExecInput) node.next()).getCredit());
      output.onNext(ExecOutput.newBuilder().setResult(Result.newBuilder().setExitCode(3)).build());
      assertEquals(3, ((ExecResponse) client.next()).getResult().getExitCode());
      assertEquals(Heard.END, client.next());
    }
  }

  @Test
  void nodeHearsAtOnceThatTheCallerIsGone() throws Exception {
    try (FakeAgent agent = bench.agent("alpha").join()) {
      running(agent);
      Heard<ExecResponse> client = new Heard<>();
      StreamObserver<ExecRequest> input = TaskServiceGrpc.newStub(bench.newChannel()).exec(client);
      input.onNext(start("web/0"));
      ControllerMessage.OpenExec order =
          agent.await(ControllerMessage.OpenExec.class, message -> true);
      Heard<ExecInput> node = new Heard<>();
      StreamObserver<ExecOutput> output =
          AgentServiceGrpc.newStub(bench.newChannel()).serveExec(node);
      output.onNext(ExecOutput.newBuilder().setStream(order.stream()).build());
      node.next();
      input.onError(Status.CANCELLED.asException());
      assertTrue(node.next() instanceof Throwable, "the stream ends with an error");
    }
  }

  @Test
  void whatNobodyWaitsForIsRefusedAndATaskThatDoesNotRunTakesNoCommand() throws Exception {
    try (FakeAgent _ = bench.agent("alpha").join()) {
      Heard<ExecInput> node = new Heard<>();
      StreamObserver<ExecOutput> output =
          AgentServiceGrpc.newStub(bench.newChannel()).serveExec(node);
      output.onNext(ExecOutput.newBuilder().setStream(-5).build());
      assertEquals(Status.Code.CANCELLED, Status.fromThrowable((Throwable) node.next()).getCode());
      bench.submit("web", 1);
      Heard<ExecResponse> client = new Heard<>();
      TaskServiceGrpc.newStub(bench.newChannel()).exec(client).onNext(start("web/0"));
      assertEquals(
          Status.Code.FAILED_PRECONDITION,
          Status.fromThrowable((Throwable) client.next()).getCode());
      Heard<ExecResponse> empty = new Heard<>();
      TaskServiceGrpc.newStub(bench.newChannel())
          .exec(empty)
          .onNext(
              ExecRequest.newBuilder().setStart(ExecStart.newBuilder().setName("web/0")).build());
      assertEquals(
          Status.Code.INVALID_ARGUMENT, Status.fromThrowable((Throwable) empty.next()).getCode());
    }
  }
}

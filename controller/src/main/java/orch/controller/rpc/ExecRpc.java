package orch.controller.rpc;

import com.google.protobuf.ByteString;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.TreeMap;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BiFunction;
import orch.agent.v1.ExecInput;
import orch.api.model.ControllerMessage;
import orch.api.model.Signal;
import orch.controller.core.AttemptView;
import orch.controller.core.TaskRef;
import orch.controller.core.TaskView;
import orch.v1.AttachRequest;
import orch.v1.AttachResponse;
import orch.v1.AttachStart;
import orch.v1.ExecRequest;
import orch.v1.ExecResponse;
import orch.v1.ExecStart;
import org.jspecify.annotations.Nullable;

/** Exec and Attach of TaskService. */
final class ExecRpc {
  /** Bytes of a command with its environment. */
  private static final int MAX_COMMAND = 1024 * 1024;

  private static final int MAX_SIDE = 10_000;

  private final ExecStreams streams;
  private final BiFunction<String, Caller, CompletionStage<TaskView>> running;

  /**
   * @param running finds a task that runs, or fails
   */
  ExecRpc(ExecStreams streams, BiFunction<String, Caller, CompletionStage<TaskView>> running) {
    this.streams = streams;
    this.running = running;
  }

  // ---- exec

  StreamObserver<ExecRequest> exec(StreamObserver<ExecResponse> observer) {
    var stream = (ServerCallStreamObserver<ExecResponse>) observer;
    Caller caller = Caller.current();
    ExecCall call = open(stream, new ExecClient(stream), () -> {});
    return new ExecCall.Requests<>(
        call, message -> startExec(call, message, caller), ExecRpc::inputOf);
  }

  private record ExecClient(ServerCallStreamObserver<ExecResponse> stream)
      implements ExecCall.ClientSide {
    @Override
    public void stdout(ByteString bytes) {
      stream.onNext(ExecResponse.newBuilder().setStdout(bytes).build());
    }

    @Override
    public void stderr(ByteString bytes) {
      stream.onNext(ExecResponse.newBuilder().setStderr(bytes).build());
    }

    @Override
    public void result(orch.v1.Result result) {
      stream.onNext(ExecResponse.newBuilder().setResult(result).build());
    }
  }

  private void startExec(ExecCall call, ExecRequest message, Caller caller) {
    if (!message.hasStart()) {
      throw Errors.invalid("start", "is missing: the first message names task and command");
    }
    ExecStart start = message.getStart();
    if (start.getCommandCount() == 0 || start.getCommand(0).isEmpty()) {
      throw Errors.invalid("start.command", "is empty: name a program");
    }
    if (start.getSerializedSize() > MAX_COMMAND) {
      throw Errors.invalid("start", "is larger than " + MAX_COMMAND + " bytes");
    }
    for (String text : start.getCommandList()) {
      noNul("start.command", text);
    }
    start
        .getEnvMap()
        .forEach((name, value) -> {
          if (name.isEmpty() || name.indexOf('=') >= 0) {
            throw Errors.invalid("start.env", "'" + name + "' is no name of a variable");
          }
          noNul("start.env", name + value);
        });
    int rows = side("start.size.rows", start.getSize().getRows());
    int columns = side("start.size.columns", start.getSize().getColumns());
    begin(
        call,
        start.getName(),
        caller,
        (task, attempt) ->
            number ->
                new ControllerMessage.OpenExec(
                    number,
                    attempt.uid(),
                    start.getCommandList(),
                    new TreeMap<>(start.getEnvMap()),
                    start.getTty(),
                    rows,
                    columns));
  }

  private static void noNul(String field, String text) {
    if (text.indexOf('\0') >= 0) {
      throw Errors.invalid(field, "contains a NUL character");
    }
  }

  private static int side(String field, int cells) {
    if (cells < 0 || cells > MAX_SIDE) {
      throw Errors.invalid(field, "must be 0 to " + MAX_SIDE + ", not " + cells);
    }
    return cells;
  }

  private static @Nullable ExecInput inputOf(ExecRequest message) {
    return switch (message.getKindCase()) {
      case STDIN -> ExecInput.newBuilder().setStdin(message.getStdin()).build();
      case STDIN_EOF -> ExecInput.newBuilder().setStdinEof(true).build();
      case RESIZE -> ExecInput.newBuilder().setResize(message.getResize()).build();
      case SIGNAL ->
          message.getSignal() < 1 || message.getSignal() > Signal.MAX
              ? null
              : ExecInput.newBuilder().setSignal(message.getSignal()).build();
      case START, KIND_NOT_SET -> null;
    };
  }

  // ---- attach

  StreamObserver<AttachRequest> attach(StreamObserver<AttachResponse> observer) {
    var stream = (ServerCallStreamObserver<AttachResponse>) observer;
    Caller caller = Caller.current();
    AtomicReference<@Nullable Runnable> onBreak = new AtomicReference<>();
    ExecCall call =
        open(
            stream,
            new AttachClient(stream),
            () -> {
              Runnable broken = onBreak.get();
              if (broken != null) {
                broken.run();
              }
            });
    return new ExecCall.Requests<>(
        call, message -> startAttach(call, message, caller, onBreak), ExecRpc::inputOf);
  }

  private record AttachClient(ServerCallStreamObserver<AttachResponse> stream)
      implements ExecCall.ClientSide {
    @Override
    public void attached() {
      stream.onNext(AttachResponse.newBuilder().setAttached(true).build());
    }

    @Override
    public void stdout(ByteString bytes) {
      stream.onNext(AttachResponse.newBuilder().setStdout(bytes).build());
    }

    @Override
    public void stderr(ByteString bytes) {
      stream.onNext(AttachResponse.newBuilder().setStderr(bytes).build());
    }

    @Override
    public void result(orch.v1.Result result) {
      stream.onNext(AttachResponse.newBuilder().setResult(result).build());
    }
  }

  private void startAttach(
      ExecCall call,
      AttachRequest message,
      Caller caller,
      AtomicReference<@Nullable Runnable> onBreak) {
    AttachStart start =
        switch (message.getKindCase()) {
          case START -> message.getStart();
          case NAME -> AttachStart.newBuilder().setName(message.getName()).build();
          case STDIN, STDIN_EOF, RESIZE, KIND_NOT_SET ->
              throw Errors.invalid("start", "is missing: the first message names the task");
        };
    if (start.getTail() < -1) {
      throw Errors.invalid("start.tail", "must be -1 or more, not " + start.getTail());
    }
    Duration patience =
        start.hasStopOnDisconnect()
            ? Duration.ofSeconds(
                start.getStopOnDisconnect().getSeconds(), start.getStopOnDisconnect().getNanos())
            : Duration.ZERO;
    if (patience.isNegative() || patience.compareTo(Duration.ofDays(1)) > 0) {
      throw Errors.invalid("start.stop_on_disconnect", "must be 0 to 24 hours");
    }
    begin(
        call,
        start.getName(),
        caller,
        (task, attempt) -> {
          if (start.getStdin()) {
            TaskRef ref = new TaskRef(task.jobNumber(), task.index());
            streams.attached(ref);
            if (patience.isPositive()) {
              onBreak.set(() -> streams.brokeOff(ref, attempt, caller.principal(), patience));
            }
          }
          return number ->
              new ControllerMessage.OpenAttach(
                  number, attempt.uid(), start.getStdin(), start.getTail(), start.getNoOutput());
        });
  }

  private static @Nullable ExecInput inputOf(AttachRequest message) {
    return switch (message.getKindCase()) {
      case STDIN -> ExecInput.newBuilder().setStdin(message.getStdin()).build();
      case STDIN_EOF -> ExecInput.newBuilder().setStdinEof(true).build();
      case RESIZE -> ExecInput.newBuilder().setResize(message.getResize()).build();
      case NAME, START, KIND_NOT_SET -> null;
    };
  }

  // ---- both

  private ExecCall open(
      ServerCallStreamObserver<?> stream, ExecCall.ClientSide client, Runnable brokenOff) {
    ExecCall call = new ExecCall(streams, client, brokenOff);
    stream.disableAutoRequest();
    stream.setOnReadyHandler(call::clientReady);
    stream.setOnCancelHandler(call::clientGone);
    streams.enter();
    stream.request(1);
    return call;
  }

  private interface Order {
    java.util.function.LongFunction<ControllerMessage> of(TaskView task, AttemptView attempt);
  }

  private void begin(ExecCall call, String name, Caller caller, Order order) {
    running
        .apply(name, caller)
        .whenComplete((task, failure) -> {
          if (failure != null) {
            call.fail(Errors.of(failure));
            return;
          }
          AttemptView attempt = task.attempt();
          if (attempt != null && !call.isOver()) {
            call.begin(attempt, order.of(task, attempt));
          }
        });
  }
}

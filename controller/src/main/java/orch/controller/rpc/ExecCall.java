package orch.controller.rpc;

import com.google.protobuf.ByteString;
import com.google.rpc.Code;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.LongFunction;
import orch.agent.v1.ExecInput;
import orch.agent.v1.ExecOutput;
import orch.api.model.ControllerMessage;
import orch.controller.core.AttemptView;
import org.jspecify.annotations.Nullable;

/**
 * One call of Exec or Attach: a client on one side, the node's stream on the other. Each side is
 * asked for more only when the other takes it, so nothing is gathered here.
 */
final class ExecCall {
  /** Output that may be on its way from the node. */
  private static final long WINDOW = 256 * 1024;

  /** Messages that the client is asked for at a time, while the node takes more. */
  private static final int MAX_ASKED = 8;

  /** What a message usually holds. */
  private static final long PIECE = 32 * 1024;

  /** Of a piece of input. */
  static final int MAX_INPUT = 1024 * 1024;

  private final ExecStreams streams;
  private final ClientSide client;
  private final Runnable brokenOff;

  // Guarded by this.
  private @Nullable ServerCallStreamObserver<ExecInput> agent;
  private String node = "";
  private long number;

  /** Input that the node takes; more is asked for from the client while there is some. */
  private long inputCredit;

  private int asked;
  private boolean inputEnded;
  private long owed;
  private boolean attached;
  private boolean detached;
  private boolean over;

  /** What the two calls have in common on the client's side. */
  interface ClientSide {
    void stdout(ByteString bytes);

    void stderr(ByteString bytes);

    void result(orch.v1.Result result);

    /** Input is taken from now on. */
    default void attached() {}

    ServerCallStreamObserver<?> stream();
  }

  /**
   * @param brokenOff told when the client went away before the end
   */
  ExecCall(ExecStreams streams, ClientSide client, Runnable brokenOff) {
    this.streams = streams;
    this.client = client;
    this.brokenOff = brokenOff;
  }

  /** Asks the node; {@code order} is made of the stream's number. */
  void begin(AttemptView attempt, LongFunction<ControllerMessage> order) {
    long awaited;
    synchronized (this) {
      if (over) {
        return;
      }
      node = attempt.node();
      number = streams.await(this);
      awaited = number;
    }
    streams
        .requests()
        .port()
        .send(attempt.nodeUid(), order.apply(awaited))
        .whenComplete((sent, failure) -> {
          if (failure != null) {
            fail(Errors.of(failure));
          } else if (!sent) {
            fail(unreachable("does not answer; nothing was started"));
          }
        });
    CompletableFuture.delayedExecutor(
            streams.timeout().toMillis(), TimeUnit.MILLISECONDS, streams.requests().executor())
        .execute(() -> {
          if (unopened()) {
            fail(
                unreachable(
                    "did not answer within "
                        + streams.timeout().toSeconds()
                        + " s; its agent may be too old to know the question"));
          }
        });
  }

  private synchronized boolean unopened() {
    return agent == null && !over;
  }

  private RuntimeException unreachable(String what) {
    return Errors.error(Code.UNAVAILABLE, "NODE_UNREACHABLE", "node " + node + " " + what);
  }

  // ---- the node

  /** The node's stream is there; false: nobody waits for it any more. */
  synchronized boolean opened(ServerCallStreamObserver<ExecInput> toAgent) {
    if (over) {
      return false;
    }
    agent = toAgent;
    toAgent.onNext(ExecInput.newBuilder().setCredit(WINDOW).build());
    return true;
  }

  synchronized void received(ExecOutput message) {
    if (over) {
      return;
    }
    switch (message.getKindCase()) {
      case STDOUT -> {
        client.stdout(message.getStdout());
        consumed(message.getStdout().size());
      }
      case STDERR -> {
        client.stderr(message.getStderr());
        consumed(message.getStderr().size());
      }
      case CREDIT -> {
        if (!attached) {
          attached = true;
          client.attached();
        }
        inputCredit += message.getCredit();
        askForInput();
      }
      case RESULT -> {
        client.result(message.getResult());
        end(true);
        client.stream().onCompleted();
      }
      case ERROR -> fail(Errors.error(Code.FAILED_PRECONDITION, "NOT_STARTED", message.getError()));
      case KIND_NOT_SET -> {
        // The first message, or one of a newer agent.
      }
    }
  }

  private void consumed(int bytes) {
    owed += bytes;
    grant();
  }

  /** The client may take more. */
  synchronized void clientReady() {
    grant();
  }

  private void grant() {
    ServerCallStreamObserver<ExecInput> to = agent;
    if (owed > 0 && to != null && !over && client.stream().isReady()) {
      to.onNext(ExecInput.newBuilder().setCredit(owed).build());
      owed = 0;
    }
  }

  /** The node's stream is over. */
  synchronized void agentEnded() {
    fail(
        Errors.error(
            Code.UNAVAILABLE,
            "NODE_UNREACHABLE",
            "the connection to node " + node + " broke off; what was run there is ended"));
  }

  // ---- the client

  private void askForInput() {
    while (asked < MAX_ASKED && inputCredit > asked * PIECE && !over && !detached) {
      asked++;
      client.stream().request(1);
    }
  }

  /** A message of the client after its first one; null: of no kind that is known here. */
  synchronized void said(@Nullable ExecInput message) {
    asked--;
    ServerCallStreamObserver<ExecInput> to = agent;
    if (over || to == null || message == null) {
      askForInput();
      return;
    }
    if (message.getStdin().size() > MAX_INPUT) {
      fail(
          Errors.invalid(
              "stdin", "is at most " + MAX_INPUT + " bytes a message; send it in pieces"));
      return;
    }
    if (message.hasStdin() && inputEnded) {
      fail(Errors.invalid("stdin", "comes after its end"));
      return;
    }
    inputCredit -= message.getStdin().size();
    inputEnded |= message.getStdinEof();
    to.onNext(message);
    askForInput();
  }

  /** The client has no more to say. */
  synchronized void clientCompleted() {
    detached = true;
  }

  synchronized void clientGone() {
    if (!over) {
      end(false);
      if (!detached) {
        brokenOff.run();
      }
    }
  }

  synchronized void fail(RuntimeException why) {
    if (!over) {
      end(false);
      client.stream().onError(why);
    }
  }

  synchronized boolean isOver() {
    return over;
  }

  private void end(boolean orderly) {
    over = true;
    streams.leave();
    streams.forget(number);
    ServerCallStreamObserver<ExecInput> to = agent;
    if (to == null) {
      return;
    }
    try {
      if (orderly) {
        to.onCompleted();
      } else {
        to.onError(Errors.error(Code.CANCELLED, "STREAM_CLOSED", "the caller is gone"));
      }
    } catch (RuntimeException closed) {
      // By the node, at the same moment.
    }
  }

  /** The stream of a client whose first message is taken by {@code first}. */
  static final class Requests<Q> implements StreamObserver<Q> {
    private final ExecCall call;
    private final java.util.function.Consumer<Q> first;
    private final java.util.function.Function<Q, @Nullable ExecInput> input;
    private boolean begun;

    Requests(
        ExecCall call,
        java.util.function.Consumer<Q> first,
        java.util.function.Function<Q, @Nullable ExecInput> input) {
      this.call = call;
      this.first = first;
      this.input = input;
    }

    @Override
    public void onNext(Q message) {
      if (begun) {
        call.said(input.apply(message));
        return;
      }
      begun = true;
      try {
        first.accept(message);
      } catch (RuntimeException failure) {
        call.fail(Errors.of(failure));
      }
    }

    @Override
    public void onError(Throwable failure) {
      call.clientGone();
    }

    @Override
    public void onCompleted() {
      if (begun) {
        call.clientCompleted();
      } else {
        call.fail(Errors.invalid("start", "is missing: the first message names the task"));
      }
    }
  }
}

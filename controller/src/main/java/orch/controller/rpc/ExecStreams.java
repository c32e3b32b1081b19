package orch.controller.rpc;

import com.google.rpc.Code;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import orch.agent.v1.ExecInput;
import orch.agent.v1.ExecOutput;
import orch.controller.core.AttemptView;
import orch.controller.core.Input;
import orch.controller.core.RequestMeta;
import orch.controller.core.TaskRef;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Brings the streams that nodes open for Exec and Attach together with the clients' calls. */
final class ExecStreams {
  /** Calls of Exec and Attach at a time. */
  static final int MAX_CALLS = 1_024;

  private static final Logger LOG = LoggerFactory.getLogger(ExecStreams.class);

  private final Requests requests;
  private final Duration timeout;
  private final AtomicInteger calls = new AtomicInteger();

  /** Negative, so that none is ever that of a log stream. */
  private final AtomicLong numbers = new AtomicLong(-(System.currentTimeMillis() << 16));

  private final Map<Long, ExecCall> awaited = new ConcurrentHashMap<>();

  /** Tasks to be cancelled unless somebody attaches in time, and which wait it is. */
  private final Map<TaskRef, Object> disconnected = new ConcurrentHashMap<>();

  /**
   * @param timeout for a node to open its stream
   */
  ExecStreams(Requests requests, Duration timeout) {
    this.requests = requests;
    this.timeout = timeout;
  }

  Requests requests() {
    return requests;
  }

  Duration timeout() {
    return timeout;
  }

  /** Counts a call in; fails when there are too many. {@link #leave} follows. */
  void enter() {
    if (calls.incrementAndGet() > MAX_CALLS) {
      calls.decrementAndGet();
      throw Errors.error(
          Code.RESOURCE_EXHAUSTED,
          "TOO_MANY_CALLS",
          MAX_CALLS + " clients run commands or are attached already; end some and try again");
    }
  }

  void leave() {
    calls.decrementAndGet();
  }

  /** A new number, under which {@code call} waits for its node's stream. */
  long await(ExecCall call) {
    long number = numbers.decrementAndGet();
    awaited.put(number, call);
    return number;
  }

  void forget(long number) {
    awaited.remove(number);
  }

  /** ServeExec. */
  StreamObserver<ExecOutput> serve(ServerCallStreamObserver<ExecInput> toAgent) {
    Serving serving = new Serving(toAgent);
    toAgent.setOnCancelHandler(serving::ended);
    return serving;
  }

  private final class Serving implements StreamObserver<ExecOutput> {
    private final ServerCallStreamObserver<ExecInput> toAgent;
    private volatile @Nullable ExecCall call;

    Serving(ServerCallStreamObserver<ExecInput> toAgent) {
      this.toAgent = toAgent;
    }

    @Override
    public void onNext(ExecOutput message) {
      ExecCall served = call;
      if (served == null) {
        served = awaited.remove(message.getStream());
        if (served == null || !served.opened(toAgent)) {
          toAgent.onError(
              Errors.error(Code.CANCELLED, "STREAM_CLOSED", "nobody waits for this any more"));
          return;
        }
        call = served;
      }
      served.received(message);
    }

    @Override
    public void onError(Throwable failure) {
      ended();
    }

    @Override
    public void onCompleted() {
      ended();
      try {
        toAgent.onCompleted();
      } catch (RuntimeException closed) {
        LOG.debug("the stream was closed from this side at the same moment", closed);
      }
    }

    void ended() {
      ExecCall served = call;
      if (served != null) {
        served.agentEnded();
      }
    }
  }

  /** Somebody attached to the task with its input. */
  void attached(TaskRef task) {
    disconnected.remove(task);
  }

  /** Whoever was attached broke off: the task is cancelled unless somebody comes in time. */
  void brokeOff(TaskRef task, AttemptView attempt, String principal, Duration patience) {
    Object wait = new Object();
    disconnected.put(task, wait);
    CompletableFuture.delayedExecutor(
            patience.toMillis(), TimeUnit.MILLISECONDS, requests.executor())
        .execute(() -> {
          if (!disconnected.remove(task, wait)) {
            return;
          }
          LOG.info("{} lost its caller for {}: cancels it", attempt.uid(), patience);
          requests
              .submit(
                  new Input.CancelTasks(
                      RequestMeta.of(principal),
                      java.util.List.of(task),
                      "its caller was away for " + patience.toSeconds() + " s"),
                  (_, _, revision) -> revision)
              .whenComplete((_, failure) -> {
                if (failure != null) {
                  LOG.warn("cannot cancel a task whose caller left: {}", failure.toString());
                }
              });
        });
  }
}

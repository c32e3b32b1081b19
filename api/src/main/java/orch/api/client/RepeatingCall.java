package orch.api.client;

import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.Context;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.SynchronizationContext;
import java.time.Duration;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A call with one request, which is made again at another controller while that may help and does
 * no harm: the method reads, or the request carries an id, or the controller says that it did
 * nothing. Of an answer that began nothing is asked for again.
 */
final class RepeatingCall<Q, R> extends ClientCall<Q, R> {
  private static final Logger LOG = LoggerFactory.getLogger(RepeatingCall.class);

  /** Leaders that are followed from one NOT_LEADER to the next without a pause. */
  private static final int MAX_REDIRECTS = 3;

  private final Controllers controllers;
  private final MethodDescriptor<Q, R> method;
  private final CallOptions options;
  private final Context context = Context.current();
  private final SynchronizationContext order =
      new SynchronizationContext((_, failure) -> broken(failure));

  /** What the caller hears, on its own executor: one that waits is woken by nothing else. */
  private final SynchronizationContext heard =
      new SynchronizationContext((_, failure) -> broken(failure));

  // Everything below is used within the order.
  private @Nullable Listener<R> listener;
  private @Nullable Metadata headers;
  private @Nullable Q request;
  private @Nullable ClientCall<Q, R> sent;
  private @Nullable Metadata answerHeaders;
  private int wanted;
  private int attempt;
  private int failures;
  private int redirects;
  private long beganNanos;
  private boolean began;
  private boolean mayHaveHappened;
  private boolean ended;

  RepeatingCall(Controllers controllers, MethodDescriptor<Q, R> method, CallOptions options) {
    this.controllers = controllers;
    this.method = method;
    this.options = options;
  }

  // ---- from the caller

  @Override
  public void start(Listener<R> caller, Metadata sentHeaders) {
    order.execute(() -> {
      listener = caller;
      headers = sentHeaders;
    });
  }

  @Override
  public void request(int messages) {
    order.execute(() -> {
      wanted += messages;
      if (sent != null) {
        sent.request(messages);
      }
    });
  }

  @Override
  public void cancel(@Nullable String message, @Nullable Throwable cause) {
    order.execute(() -> {
      if (ended) {
        return;
      }
      Status status = Status.CANCELLED;
      if (message != null) {
        status = status.withDescription(message);
      }
      if (sent != null) {
        sent.cancel(message, cause);
      }
      end(cause == null ? status : status.withCause(cause), new Metadata());
    });
  }

  @Override
  public void halfClose() {
    order.execute(() -> {
      beganNanos = System.nanoTime();
      send();
    });
  }

  @Override
  public void sendMessage(Q message) {
    order.execute(() -> request = RequestIds.identified(message));
  }

  // ---- within the order

  private void send() {
    Q message = request;
    if (ended || message == null) {
      return;
    }
    String address = controllers.current();
    Metadata copy = new Metadata();
    if (headers != null) {
      copy.merge(headers);
    }
    // Within the caller's context: its deadline and its cancellation hold for every attempt.
    context.run(() -> {
      ClientCall<Q, R> call = controllers.to(address).newCall(method, options);
      sent = call;
      answerHeaders = null;
      call.start(new Answer(address, ++attempt), copy);
      if (wanted > 0) {
        call.request(wanted);
      }
      call.sendMessage(message);
      call.halfClose();
    });
  }

  private void closed(String address, Status status, Metadata trailers) {
    sent = null;
    if (status.isOk() || ended) {
      end(status, trailers);
      return;
    }
    Refusal refusal = Refusal.of(status, trailers);
    if (began) {
      if (refusal.passes()) {
        // Whoever resumes the stream is better off elsewhere.
        controllers.failed(address, refusal.leader());
      }
      end(status, trailers);
      return;
    }
    if (!refusal.passes()) {
      end(status, trailers);
      return;
    }
    mayHaveHappened |= !refusal.nothingWasDone();
    boolean late =
        System.nanoTime() - beganNanos >= controllers.patience().toNanos()
            || options.getDeadline() != null && options.getDeadline().isExpired();
    boolean harmless = refusal.nothingWasDone() || RequestIds.repeatable(method, request(status));
    if (late || !harmless) {
      end(late ? outcome(status) : status, trailers);
      return;
    }
    failures++;
    controllers.failed(address, refusal.leader());
    Duration pause = Controllers.pause(failures);
    if (refusal.leader() != null && redirects++ < MAX_REDIRECTS) {
      pause = Duration.ZERO;
    }
    controllers.after(pause, () -> order.execute(this::send));
  }

  private Object request(Status status) {
    Q message = request;
    return message == null ? status : message;
  }

  /** The last failure, with what it means for a change that was asked for several times. */
  private Status outcome(Status last) {
    if (!mayHaveHappened || RequestIds.reads(method)) {
      return last;
    }
    return Status.UNAVAILABLE.withDescription(
        "outcome unknown: no controller answered for "
            + controllers.patience().toSeconds()
            + " s, the request may have taken effect or not; look before you repeat it (the last"
            + " failure: "
            + last.getDescription()
            + ")");
  }

  private void end(Status status, Metadata trailers) {
    if (!ended) {
      ended = true;
      tellHeaders();
      tell(caller -> caller.onClose(status, trailers));
    }
  }

  private void tellHeaders() {
    Metadata received = answerHeaders;
    if (received != null) {
      answerHeaders = null;
      tell(caller -> caller.onHeaders(received));
    }
  }

  private void tell(Consumer<Listener<R>> what) {
    Listener<R> caller = listener;
    if (caller == null) {
      return;
    }
    Executor executor = options.getExecutor();
    heard.executeLater(() -> what.accept(caller));
    if (executor == null) {
      heard.drain();
      return;
    }
    try {
      executor.execute(heard::drain);
    } catch (RejectedExecutionException gone) {
      // The caller waits no more.
      LOG.debug("an answer came too late for its caller", gone);
    }
  }

  private void broken(Throwable failure) {
    end(Status.fromThrowable(failure), new Metadata());
  }

  /** What comes back from one attempt. */
  private final class Answer extends Listener<R> {
    private final String address;
    private final int number;

    Answer(String address, int number) {
      this.address = address;
      this.number = number;
    }

    private void inOrder(Runnable action) {
      order.execute(() -> {
        if (number == attempt && !ended) {
          action.run();
        }
      });
    }

    @Override
    public void onHeaders(Metadata received) {
      inOrder(() -> answerHeaders = received);
    }

    @Override
    public void onMessage(R message) {
      inOrder(() -> {
        began = true;
        wanted--;
        tellHeaders();
        tell(caller -> caller.onMessage(message));
      });
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
      inOrder(() -> closed(address, status, trailers));
    }

    @Override
    public void onReady() {
      inOrder(() -> tell(Listener::onReady));
    }
  }
}

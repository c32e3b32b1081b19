package orch.controller.rpc;

import com.google.rpc.Code;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.Context;
import io.grpc.ForwardingServerCall;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.SynchronizationContext;
import orch.controller.port.Member;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A call with one request, answered by whoever leads: here, if this controller does, else by the
 * leader. It changes over when leadership does, as long as nothing of the answer has gone out.
 */
final class ForwardedCall<Q, R> extends ServerCall.Listener<Q> {
  private static final Logger LOG = LoggerFactory.getLogger(ForwardedCall.class);

  private final Forwarding forwarding;
  private final ServerCall<Q, R> call;
  private final Metadata headers;
  private final ServerCallHandler<Q, R> next;
  private final Context context = Context.current();
  private final SynchronizationContext order =
      new SynchronizationContext((_, failure) -> broken(failure));

  /** Set while the call is answered here. */
  private volatile ServerCall.@Nullable Listener<Q> local;

  // Everything below is used within the order.
  private @Nullable Q request;
  private @Nullable ClientCall<Q, R> remote;
  private @Nullable Member leader;

  /** Of the answer that counts; those of earlier tries come too late. */
  private int attempt;

  private boolean answered;
  private boolean unknown;
  private boolean ended;
  private boolean counted;
  private boolean owed;
  private long patienceEnds;
  private boolean waited;

  ForwardedCall(
      Forwarding forwarding,
      ServerCall<Q, R> call,
      Metadata headers,
      ServerCallHandler<Q, R> next) {
    this.forwarding = forwarding;
    this.call = call;
    this.headers = headers;
    this.next = next;
  }

  ServerCall.Listener<Q> start() {
    if (forwarding.leader().here()) {
      local = next.startCall(new LocalCall(call), headers);
    } else {
      // Two, so that a second message is noticed, as the services do it.
      call.request(2);
    }
    return this;
  }

  // ---- from the caller

  @Override
  public void onMessage(Q message) {
    ServerCall.Listener<Q> here = local;
    if (here != null) {
      order.execute(() -> request = message);
      here.onMessage(message);
      return;
    }
    order.execute(() -> {
      if (request != null) {
        fail(Errors.error(Code.INTERNAL, "TOO_MANY_REQUESTS", "the method takes one request"));
      } else {
        request = message;
      }
    });
  }

  @Override
  public void onHalfClose() {
    ServerCall.Listener<Q> here = local;
    if (here != null) {
      here.onHalfClose();
    } else {
      order.execute(this::forward);
    }
  }

  @Override
  public void onCancel() {
    order.execute(() -> {
      ClientCall<Q, R> sent = remote;
      if (sent != null) {
        sent.cancel("the caller gave up", null);
      }
      end();
    });
    ServerCall.Listener<Q> here = local;
    if (here != null) {
      here.onCancel();
    }
  }

  @Override
  public void onComplete() {
    ServerCall.Listener<Q> here = local;
    if (here != null) {
      here.onComplete();
    }
  }

  @Override
  public void onReady() {
    ServerCall.Listener<Q> here = local;
    if (here != null) {
      here.onReady();
      return;
    }
    order.execute(() -> {
      ClientCall<Q, R> sent = remote;
      if (owed && sent != null && call.isReady()) {
        owed = false;
        sent.request(1);
      }
    });
  }

  // ---- within the order

  /** Sends the request to whoever leads now; waits for somebody who does. */
  private void forward() {
    Q message = request;
    if (ended || message == null) {
      return;
    }
    if (!waited) {
      waited = true;
      patienceEnds = System.nanoTime() + forwarding.patience().toNanos();
    }
    if (forwarding.leader().here()) {
      answerHere(message);
      return;
    }
    if (!counted && !forwarding.begin()) {
      fail(Forwarding.tooMany());
      return;
    }
    counted = true;
    Member to = forwarding.leader().leader();
    if (to == null) {
      if (System.nanoTime() >= patienceEnds) {
        StatusRuntimeException nobody = forwarding.nobodyLeads();
        Metadata trailers = nobody.getTrailers();
        giveUp(nobody.getStatus(), trailers == null ? new Metadata() : trailers);
      } else {
        later();
      }
      return;
    }
    leader = to;
    context.run(() -> send(to, message));
  }

  private void send(Member to, Q message) {
    // Within the caller's context, so that its deadline and its cancellation hold there too.
    ClientCall<Q, R> sent =
        forwarding.leader().to(to).newCall(call.getMethodDescriptor(), CallOptions.DEFAULT);
    remote = sent;
    owed = false;
    sent.start(new Answer(sent, ++attempt), Forwarding.sent(headers));
    sent.request(call.getMethodDescriptor().getType().serverSendsOneMessage() ? 2 : 1);
    sent.sendMessage(message);
    sent.halfClose();
  }

  private void later() {
    forwarding.later(() -> order.execute(this::forward));
  }

  /** This controller leads by now. */
  private void answerHere(Q message) {
    release();
    context.run(() -> {
      ServerCall.Listener<Q> here = next.startCall(new LocalCall(call), headers);
      local = here;
      here.onMessage(message);
      if (call.isReady()) {
        here.onReady();
      }
      here.onHalfClose();
    });
  }

  private void closed(Status status, Metadata trailers) {
    remote = null;
    Q message = request;
    Member asked = leader;
    if (status.isOk() || message == null || asked == null) {
      close(status, Forwarding.received(trailers));
      return;
    }
    String reason = Errors.reason(status, trailers);
    boolean broke = reason.isEmpty() && Forwarding.broke(status, context.isCancelled());
    boolean repeatable = Forwarding.repeatable(call.getMethodDescriptor(), message);
    unknown |= broke || reason.equals("OUTCOME_UNKNOWN");
    if (!answered && System.nanoTime() < patienceEnds && mayTryAgain(reason, broke, repeatable)) {
      later();
    } else if (broke) {
      fail(forwarding.unanswered(asked, status, repeatable));
    } else if (status.getCode() == Status.Code.UNAVAILABLE) {
      giveUp(status, Forwarding.received(trailers));
    } else {
      close(status, Forwarding.received(trailers));
    }
  }

  /** Ends with an error that passes; it must not say that nothing was done if an early try may. */
  private void giveUp(Status status, Metadata trailers) {
    Q message = request;
    if (unknown && message != null && !Forwarding.reads(call.getMethodDescriptor())) {
      fail(
          Errors.tryAgain(
              Code.UNAVAILABLE,
              "OUTCOME_UNKNOWN",
              "an earlier try may have taken effect or not: repeat the request with the same"
                  + " request id (the last try: "
                  + status.getDescription()
                  + ")"));
    } else {
      close(status, trailers);
    }
  }

  /** NOT_LEADER: nothing was done. The others: it is not known what was. */
  private static boolean mayTryAgain(String reason, boolean broke, boolean repeatable) {
    return reason.equals("NOT_LEADER")
        || repeatable && (broke || reason.equals("OUTCOME_UNKNOWN") || reason.equals("STOPPING"));
  }

  private void fail(StatusRuntimeException why) {
    Metadata trailers = why.getTrailers();
    close(why.getStatus(), trailers == null ? new Metadata() : trailers);
  }

  private void close(Status status, Metadata trailers) {
    if (!ended) {
      end();
      call.close(status, trailers);
    }
  }

  private void end() {
    ended = true;
    release();
  }

  private void release() {
    if (counted) {
      counted = false;
      forwarding.ended();
    }
  }

  private void broken(Throwable failure) {
    if (failure instanceof StatusRuntimeException refused) {
      fail(refused);
      return;
    }
    LOG.error("{} could not be sent on", call.getMethodDescriptor().getFullMethodName(), failure);
    fail(
        Errors.error(
            Code.INTERNAL, "INTERNAL", "this standby failed at the request; its log says more"));
  }

  /** The leader's answer. */
  private final class Answer extends ClientCall.Listener<R> {
    private final ClientCall<Q, R> sent;
    private final int number;

    Answer(ClientCall<Q, R> sent, int number) {
      this.sent = sent;
      this.number = number;
    }

    private boolean counts() {
      return !ended && remote != null && number == attempt;
    }

    @Override
    public void onHeaders(Metadata received) {
      order.execute(() -> {
        if (counts()) {
          answered = true;
          call.sendHeaders(Forwarding.received(received));
        }
      });
    }

    @Override
    public void onMessage(R message) {
      order.execute(() -> {
        if (!counts()) {
          return;
        }
        call.sendMessage(message);
        if (call.isReady()) {
          sent.request(1);
        } else {
          owed = true;
        }
      });
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
      order.execute(() -> {
        if (counts()) {
          closed(status, trailers);
        }
      });
    }
  }

  /** The call as the service here sees it: that it does not lead is nothing for the caller. */
  private final class LocalCall extends ForwardingServerCall.SimpleForwardingServerCall<Q, R> {
    private boolean began;

    LocalCall(ServerCall<Q, R> call) {
      super(call);
    }

    @Override
    public void sendHeaders(Metadata sent) {
      began = true;
      super.sendHeaders(sent);
    }

    @Override
    public void close(Status status, Metadata trailers) {
      if (began || status.isOk()) {
        super.close(status, trailers);
        return;
      }
      String reason = Errors.reason(status, trailers);
      order.execute(() -> {
        Q message = request;
        boolean elsewhere =
            message != null
                && !ended
                && mayTryAgain(
                    reason,
                    false,
                    !reason.equals("STOPPING")
                        && Forwarding.repeatable(call.getMethodDescriptor(), message));
        if (elsewhere && (!waited || System.nanoTime() < patienceEnds)) {
          local = null;
          later();
        } else {
          super.close(status, trailers);
        }
      });
    }
  }
}

package orch.controller.rpc;

import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.concurrent.atomic.AtomicBoolean;
import orch.controller.port.Member;
import org.jspecify.annotations.Nullable;

/**
 * A call with a stream of requests, sent on to the leader as it is. It cannot be told again to
 * another leader, so it ends when the connection to this one does.
 */
final class ForwardedStream<Q, R> extends ServerCall.Listener<Q> {
  private final Forwarding forwarding;
  private final ServerCall<Q, R> call;
  private final ClientCall<Q, R> sent;
  private final Member leader;
  private final AtomicBoolean requestOwed = new AtomicBoolean();
  private final AtomicBoolean answerOwed = new AtomicBoolean();
  private final AtomicBoolean ended = new AtomicBoolean();

  private ForwardedStream(
      Forwarding forwarding, ServerCall<Q, R> call, ClientCall<Q, R> sent, Member leader) {
    this.forwarding = forwarding;
    this.call = call;
    this.sent = sent;
    this.leader = leader;
  }

  static <Q, R> ServerCall.Listener<Q> start(
      Forwarding forwarding, ServerCall<Q, R> call, Metadata headers) {
    Member leader = forwarding.leader().leader();
    StatusRuntimeException refusal =
        leader == null
            ? Errors.notLeader(
                com.google.rpc.Code.UNAVAILABLE,
                "no controller leads at the moment; nothing was done, try again",
                null)
            : forwarding.begin() ? null : Forwarding.tooMany();
    if (leader == null || refusal != null) {
      close(call, refusal);
      return new ServerCall.Listener<>() {};
    }
    // Within the caller's context: its deadline and its cancellation hold there too.
    ClientCall<Q, R> sent =
        forwarding.leader().to(leader).newCall(call.getMethodDescriptor(), CallOptions.DEFAULT);
    ForwardedStream<Q, R> stream = new ForwardedStream<>(forwarding, call, sent, leader);
    sent.start(stream.new Answer(), Forwarding.sent(headers));
    sent.request(1);
    call.request(1);
    return stream;
  }

  private static void close(ServerCall<?, ?> call, @Nullable StatusRuntimeException why) {
    if (why != null) {
      Metadata trailers = why.getTrailers();
      call.close(why.getStatus(), trailers == null ? new Metadata() : trailers);
    }
  }

  @Override
  public void onMessage(Q message) {
    sent.sendMessage(message);
    requestOwed.set(true);
    nextRequest();
  }

  @Override
  public void onHalfClose() {
    sent.halfClose();
  }

  @Override
  public void onCancel() {
    sent.cancel("the caller gave up", null);
    end();
  }

  @Override
  public void onReady() {
    nextAnswer();
  }

  private void nextRequest() {
    if (sent.isReady() && requestOwed.compareAndSet(true, false)) {
      call.request(1);
    }
  }

  private void nextAnswer() {
    if (call.isReady() && answerOwed.compareAndSet(true, false)) {
      sent.request(1);
    }
  }

  private boolean end() {
    boolean first = ended.compareAndSet(false, true);
    if (first) {
      forwarding.ended();
    }
    return first;
  }

  private final class Answer extends ClientCall.Listener<R> {
    @Override
    public void onReady() {
      nextRequest();
    }

    @Override
    public void onHeaders(Metadata received) {
      call.sendHeaders(Forwarding.received(received));
    }

    @Override
    public void onMessage(R message) {
      call.sendMessage(message);
      answerOwed.set(true);
      nextAnswer();
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
      if (!end()) {
        return;
      }
      if (Errors.reason(status, trailers).isEmpty()
          && Forwarding.broke(status, call.isCancelled())) {
        close(call, forwarding.unanswered(leader, status, false));
      } else {
        call.close(status, Forwarding.received(trailers));
      }
    }
  }
}

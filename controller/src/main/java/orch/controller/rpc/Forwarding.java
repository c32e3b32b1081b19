package orch.controller.rpc;

import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import com.google.rpc.Code;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import orch.controller.port.ControllerPort;
import orch.controller.port.Member;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sends what a standby is asked on to the leader and brings the answer back, with the caller's
 * deadline, metadata, errors and cancellation, so that every controller is as good as any other. It
 * stands before the services, so it serves both ports. A call is sent on once only: it carries
 * {@link #HOP}, and a controller that gets such a call and does not lead says NOT_LEADER.
 *
 * <p>While nobody leads, a call waits for a bounded time. A call that the leader did not answer is
 * sent again, to whoever leads then, if that is safe: it only reads, or carries a request id.
 */
final class Forwarding implements ServerInterceptor, AutoCloseable {
  /** Set on a call that was sent on: it must not be sent on again. */
  static final Metadata.Key<String> HOP =
      Metadata.Key.of("orch-forwarded-by", Metadata.ASCII_STRING_MARSHALLER);

  /** How long a call waits for a leader: a session's end, and the election that follows. */
  static final Duration PATIENCE = Duration.ofSeconds(12);

  /** Calls under way to the leader, streams included. */
  static final int MAX_CALLS = 20_000;

  private static final Logger LOG = LoggerFactory.getLogger(Forwarding.class);
  private static final Duration LOOK_AGAIN = Duration.ofMillis(50);
  private static final Duration CHECK_INTERVAL = Duration.ofMillis(200);

  /** What any controller answers by itself. */
  private static final List<String> LOCAL =
      List.of(
          "orch.v1.ClusterService/GetVersion",
          "orch.v1.ClusterService/ListMembers",
          "orch.v1.JobService/ParseSpec",
          "orch.v1.JobService/FormatSpec");

  private static final List<String> READS =
      List.of("Get", "BatchGet", "List", "Watch", "Explain", "Plan", "Stream");

  private final LeaderChannel leader;
  private final Duration patience;
  private final AtomicInteger calls = new AtomicInteger();
  private final ScheduledExecutorService timer =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("rpc-forwarding").factory());
  private final Executor executor;

  Forwarding(ControllerPort controller, Executor executor, Duration patience) {
    this.leader = new LeaderChannel(controller, executor);
    this.executor = executor;
    this.patience = patience;
    var _ =
        timer.scheduleWithFixedDelay(
            this::check,
            CHECK_INTERVAL.toMillis(),
            CHECK_INTERVAL.toMillis(),
            TimeUnit.MILLISECONDS);
  }

  @Override
  public <Q, R> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
    MethodDescriptor<Q, R> method = call.getMethodDescriptor();
    if (headers.containsKey(HOP) || LOCAL.contains(method.getFullMethodName())) {
      return next.startCall(call, headers);
    }
    if (method.getType().clientSendsOneMessage()) {
      return new ForwardedCall<>(this, call, headers, next).start();
    }
    return leader.here()
        ? next.startCall(call, headers)
        : ForwardedStream.start(this, call, headers);
  }

  LeaderChannel leader() {
    return leader;
  }

  Duration patience() {
    return patience;
  }

  /** Whether another call may be sent on; {@link #ended} is to follow. */
  boolean begin() {
    if (calls.incrementAndGet() <= MAX_CALLS) {
      return true;
    }
    calls.decrementAndGet();
    return false;
  }

  void ended() {
    calls.decrementAndGet();
  }

  /** Runs the action a little later, when the leadership may have changed. */
  void later(Runnable action) {
    var _ =
        timer.schedule(
            () -> executor.execute(action), LOOK_AGAIN.toMillis(), TimeUnit.MILLISECONDS);
  }

  /** What goes to the leader: all of the caller's, and that it was sent on. */
  static Metadata sent(Metadata headers) {
    Metadata sent = new Metadata();
    sent.merge(headers);
    sent.put(HOP, "1");
    return sent;
  }

  /** What came from the leader, without what belongs to the connection to it. */
  static Metadata received(Metadata metadata) {
    Metadata received = new Metadata();
    received.merge(metadata);
    for (String key : List.copyOf(metadata.keys())) {
      boolean transport =
          key.equals("content-type")
              || key.startsWith("grpc-") && !key.equals("grpc-status-details-bin");
      if (transport) {
        received.discardAll(Metadata.Key.of(key, Metadata.ASCII_STRING_MARSHALLER));
      }
    }
    return received;
  }

  /**
   * Whether the connection ended the call, when the leader gave no reason of its own.
   *
   * @param cancelled the caller gave up, which ends the call too
   */
  static boolean broke(Status status, boolean cancelled) {
    return status.getCode() == Status.Code.UNAVAILABLE
        || status.getCode() == Status.Code.CANCELLED && !cancelled;
  }

  static boolean reads(MethodDescriptor<?, ?> method) {
    String bare = method.getBareMethodName();
    return bare != null && READS.stream().anyMatch(bare::startsWith);
  }

  /** Whether it does no harm to call the method twice with this request. */
  static boolean repeatable(MethodDescriptor<?, ?> method, Object request) {
    if (reads(method)) {
      return true;
    }
    if (request instanceof Message message) {
      FieldDescriptor field = message.getDescriptorForType().findFieldByName("request_id");
      return field != null && !message.getField(field).equals("");
    }
    return false;
  }

  StatusRuntimeException nobodyLeads() {
    return Errors.tryAgain(
        Code.UNAVAILABLE,
        "NO_LEADER",
        "no controller led for "
            + patience.toSeconds()
            + " s; nothing was done, try again (orchctl cluster members shows who is there)");
  }

  static StatusRuntimeException tooMany() {
    return Errors.tryAgain(
        Code.RESOURCE_EXHAUSTED,
        "OVERLOADED",
        "this standby has " + MAX_CALLS + " calls to the leader under way already; try again");
  }

  /** The connection to the leader failed, so nobody knows what it did. */
  StatusRuntimeException unanswered(Member asked, Status status, boolean repeatable) {
    Member now = leader.leader();
    String how =
        leader.here() || now != null && !now.grpcAddress().equals(asked.grpcAddress())
            ? "it does not lead any more"
            : String.valueOf(status.getDescription());
    return Errors.tryAgain(
        Code.UNAVAILABLE,
        "LEADER_UNREACHABLE",
        "the leader "
            + asked.name()
            + " at "
            + asked.grpcAddress()
            + " does not answer ("
            + how
            + "); "
            + (repeatable
                ? "try again"
                : "the request may have taken effect or not: look before you repeat it"));
  }

  private void check() {
    try {
      leader.check();
    } catch (RuntimeException e) {
      LOG.warn("cannot look whether the leader is still the same", e);
    }
  }

  @Override
  public void close() {
    timer.shutdownNow();
    leader.close();
  }
}

package orch.controller.rpc;

import com.google.rpc.Code;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import orch.agent.v1.AgentServiceGrpc;
import orch.api.convert.LinkConvert;
import orch.controller.port.ControllerPort;
import orch.controller.port.Leadership;
import orch.controller.port.Member;
import orch.controller.port.Role;
import org.jspecify.annotations.Nullable;

/**
 * Keeps agents that found no leader until there is one, then sends them there: they arrive at once,
 * where otherwise each would dial again and again until a lost leader's session ends. A call waits
 * while nobody leads, or only the one that the agent could not reach; after {@code patience} it is
 * sent on all the same, for that one may answer again.
 */
final class LeaderWait implements ServerInterceptor, AutoCloseable {
  /** Less than a session of ZooKeeper: an agent that only lost its way for a moment waits too. */
  static final Duration PATIENCE = Duration.ofSeconds(3);

  static final Metadata.Key<String> UNREACHED =
      Metadata.Key.of(LinkConvert.UNREACHED_HEADER, Metadata.ASCII_STRING_MARSHALLER);

  private static final String SESSION = AgentServiceGrpc.getSessionMethod().getFullMethodName();

  private static final Duration LOOK_AGAIN = Duration.ofMillis(50);

  private final ControllerPort port;
  private final Executor executor;
  private final Duration patience;
  private final Set<Waiting> all = ConcurrentHashMap.newKeySet();
  private final AtomicBoolean looking = new AtomicBoolean();
  private final ScheduledExecutorService timer =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("rpc-leader-wait").factory());

  LeaderWait(ControllerPort port, Executor executor, Duration patience) {
    this.port = port;
    this.executor = executor;
    this.patience = patience;
  }

  @Override
  public <Q, R> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
    if (!call.getMethodDescriptor().getFullMethodName().equals(SESSION)) {
      return next.startCall(call, headers);
    }
    String unreached = headers.get(UNREACHED);
    Leadership now = port.leadership();
    if (now.role() == Role.LEADER && now.leader() != null || known(now.leader(), unreached)) {
      return next.startCall(call, headers);
    }
    Waiting waiting = new Waiting(call, unreached, System.nanoTime() + patience.toNanos());
    all.add(waiting);
    lookLater();
    return new ServerCall.Listener<>() {
      @Override
      public void onCancel() {
        all.remove(waiting);
      }
    };
  }

  /** How many wait. */
  int waiting() {
    return all.size();
  }

  @Override
  public void close() {
    timer.shutdownNow();
  }

  private record Waiting(ServerCall<?, ?> call, @Nullable String unreached, long endsNanos) {
    // Each is one of its own, whatever it consists of.
    @Override
    public boolean equals(@Nullable Object other) {
      return this == other;
    }

    @Override
    public int hashCode() {
      return System.identityHashCode(this);
    }
  }

  private static boolean known(@Nullable Member leader, @Nullable String unreached) {
    return leader != null && !leader.grpcAddress().equals(unreached);
  }

  private void lookLater() {
    if (!timer.isShutdown() && looking.compareAndSet(false, true)) {
      var _ = timer.schedule(this::look, LOOK_AGAIN.toMillis(), TimeUnit.MILLISECONDS);
    }
  }

  private void look() {
    looking.set(false);
    Member leader = port.leadership().leader();
    long now = System.nanoTime();
    // A copy, for whoever goes on is taken out; a cancelled call may be gone meanwhile.
    for (Waiting waiting : List.copyOf(all)) {
      boolean over = known(leader, waiting.unreached) || now - waiting.endsNanos >= 0;
      if (over && all.remove(waiting)) {
        executor.execute(() -> sendOn(waiting.call, leader));
      }
    }
    if (!all.isEmpty()) {
      lookLater();
    }
  }

  private static void sendOn(ServerCall<?, ?> call, @Nullable Member leader) {
    String who =
        leader == null
            ? "no controller leads"
            : leader.name() + " at " + leader.grpcAddress() + " leads";
    StatusRuntimeException why =
        Errors.notLeader(Code.FAILED_PRECONDITION, who + "; nothing was done here", leader);
    call.close(why.getStatus(), Objects.requireNonNullElseGet(why.getTrailers(), Metadata::new));
  }
}

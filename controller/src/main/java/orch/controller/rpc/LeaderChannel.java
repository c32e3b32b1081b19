package orch.controller.rpc;

import com.google.rpc.Code;
import io.grpc.Channel;
import io.grpc.ManagedChannel;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import orch.controller.port.ControllerPort;
import orch.controller.port.Leadership;
import orch.controller.port.Member;
import orch.controller.port.Role;
import org.jspecify.annotations.Nullable;

/**
 * The connection of a standby to the leader. It is closed as soon as another leader is known, so
 * that what waits for one that hangs goes on to its successor.
 */
final class LeaderChannel implements AutoCloseable {
  /** Answers may be long: listings of 1,000 jobs with their specs. */
  private static final int MAX_MESSAGE_BYTES = 256 * 1024 * 1024;

  /** An error may name every field of a spec that is wrong. */
  private static final int MAX_METADATA_BYTES = 1024 * 1024;

  private static final long KEEP_ALIVE_SECONDS = 5;

  private final ControllerPort controller;
  private final Executor executor;

  // Guarded by this.
  private @Nullable String address;
  private @Nullable ManagedChannel channel;
  private boolean closed;

  LeaderChannel(ControllerPort controller, Executor executor) {
    this.controller = controller;
    this.executor = executor;
  }

  /** Whether calls are answered here: this controller leads, or is about to. */
  boolean here() {
    return controller.leadership().role() != Role.STANDBY;
  }

  /** Who leads; null: nobody, this controller, or it is not known. */
  @Nullable Member leader() {
    Leadership leadership = controller.leadership();
    return leadership.role() == Role.STANDBY ? leadership.leader() : null;
  }

  /** A connection to {@code leader}, the last one that was asked for or a new one. */
  synchronized Channel to(Member leader) {
    ManagedChannel open = channel;
    if (open != null && leader.grpcAddress().equals(address)) {
      return open;
    }
    disconnect();
    if (closed) {
      throw Errors.tryAgain(
          Code.UNAVAILABLE, "STOPPING", "this controller is stopping; nothing was done, try again");
    }
    open =
        NettyChannelBuilder.forTarget("dns:///" + leader.grpcAddress())
            .usePlaintext()
            .executor(executor)
            .maxInboundMessageSize(MAX_MESSAGE_BYTES)
            .maxInboundMetadataSize(MAX_METADATA_BYTES)
            .keepAliveTime(KEEP_ALIVE_SECONDS, TimeUnit.SECONDS)
            .keepAliveTimeout(KEEP_ALIVE_SECONDS, TimeUnit.SECONDS)
            .build();
    channel = open;
    address = leader.grpcAddress();
    return open;
  }

  /** Gives a connection up that does not lead to the leader any more; to be called often. */
  synchronized void check() {
    if (channel == null) {
      return;
    }
    Member leader = controller.leadership().leader();
    if (leader != null && !leader.grpcAddress().equals(address)) {
      disconnect();
    }
  }

  private void disconnect() {
    ManagedChannel open = channel;
    channel = null;
    address = null;
    if (open != null) {
      open.shutdownNow();
    }
  }

  @Override
  public synchronized void close() {
    closed = true;
    disconnect();
  }
}

package orch.api.client;

import io.grpc.Channel;
import io.grpc.ManagedChannel;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import java.time.Duration;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** The controllers that a client knows, and which of them it asks at present. */
final class Controllers implements AutoCloseable {
  private static final int MAX_MESSAGE_BYTES = 256 * 1024 * 1024;
  private static final int MAX_METADATA_BYTES = 1024 * 1024;
  private static final long KEEP_ALIVE_SECONDS = 10;

  /** Leaders that were named beside the addresses given; the connections to others are closed. */
  private static final int MAX_CHANNELS = 16;

  private static final Duration FIRST_WAIT = Duration.ofMillis(100);
  private static final Duration LONGEST_WAIT = Duration.ofSeconds(5);

  private final List<String> addresses;
  private final Duration patience;
  private final ScheduledExecutorService timer =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("orch-client").factory());

  // Guarded by this.
  private final TreeMap<String, ManagedChannel> channels = new TreeMap<>();
  private int next;
  private String current;
  private boolean closed;

  /**
   * @param addresses at least one
   * @param patience how long a call is repeated
   */
  Controllers(List<String> addresses, Duration patience) {
    this.addresses = List.copyOf(addresses);
    this.patience = patience;
    this.current = addresses.getFirst();
  }

  Duration patience() {
    return patience;
  }

  /** Address of the controller that is asked now. */
  synchronized String current() {
    return current;
  }

  /** A connection to a controller. */
  synchronized Channel to(String address) {
    if (closed) {
      throw new IllegalStateException("the client is closed");
    }
    ManagedChannel channel = channels.get(address);
    if (channel == null) {
      if (channels.size() >= MAX_CHANNELS) {
        var other = channels.pollFirstEntry();
        other.getValue().shutdown();
      }
      channel =
          NettyChannelBuilder.forTarget("dns:///" + address)
              .usePlaintext()
              .maxInboundMessageSize(MAX_MESSAGE_BYTES)
              .maxInboundMetadataSize(MAX_METADATA_BYTES)
              .keepAliveTime(KEEP_ALIVE_SECONDS, TimeUnit.SECONDS)
              .keepAliveTimeout(KEEP_ALIVE_SECONDS, TimeUnit.SECONDS)
              .build();
      channels.put(address, channel);
    }
    return channel;
  }

  /**
   * A controller failed: another one is asked from now on, unless that was decided already.
   *
   * @param leader where it said to go; null: the next of the list
   */
  synchronized void failed(String address, @Nullable String leader) {
    if (!address.equals(current)) {
      return;
    }
    if (leader != null && !leader.isEmpty() && !leader.equals(address)) {
      current = leader;
    } else {
      int index = addresses.indexOf(address);
      next = (index < 0 ? next : index + 1) % addresses.size();
      current = addresses.get(next);
    }
  }

  /**
   * How long to wait before another attempt: anything from nothing to a bound that doubles, so that
   * many clients do not come back at the same moment.
   *
   * @param failures so far, at least 1
   */
  static Duration pause(int failures) {
    long bound =
        Math.min(LONGEST_WAIT.toNanos(), FIRST_WAIT.toNanos() << Math.min(failures - 1, 10));
    return Duration.ofNanos(ThreadLocalRandom.current().nextLong(bound + 1));
  }

  void after(Duration pause, Runnable action) {
    var _ = timer.schedule(action, pause.toNanos(), TimeUnit.NANOSECONDS);
  }

  @Override
  public void close() {
    synchronized (this) {
      closed = true;
      channels.values().forEach(ManagedChannel::shutdownNow);
      channels.clear();
    }
    timer.shutdownNow();
  }
}

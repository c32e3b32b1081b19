package orch.agent.core;

import java.time.Duration;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * Until when tasks of {@code partition: stop} may run. A leader that lately proved itself answers a
 * heartbeat with a lease; it counts from the moment at which that heartbeat was sent, so it is over
 * here before the leader thinks that it is. All times are of CLOCK_BOOTTIME.
 */
final class Leases {
  /** Heartbeats whose answers are waited for; older ones are answered too late to matter. */
  private static final int SENT = 64;

  private record Sent(long sequence, long bootNanos) {}

  private final ArrayDeque<Sent> sent = new ArrayDeque<>();
  private @Nullable Long base;

  /** To be said before the heartbeat leaves. */
  void sent(long sequence, long bootNanos) {
    if (sent.size() == SENT) {
      sent.removeFirst();
    }
    sent.addLast(new Sent(sequence, bootNanos));
  }

  /** Whether heartbeats before the newest one have no answer yet. */
  boolean overdue() {
    return sent.size() > 1;
  }

  /** The leader answered; a lease lasts from the sending of that heartbeat. */
  void answered(long sequence, boolean lease) {
    while (!sent.isEmpty() && sent.getFirst().sequence() < sequence) {
      sent.removeFirst();
    }
    Sent of = sent.peekFirst();
    if (of == null || of.sequence() != sequence) {
      return;
    }
    sent.removeFirst();
    if (lease && (base == null || of.bootNanos() > base)) {
      base = of.bootNanos();
    }
  }

  /** When a lease of this length ends; null: there was none in this life of the agent. */
  @Nullable Long end(Duration length) {
    return base == null ? null : base + length.toNanos();
  }

  boolean holds(Duration length, long nowBootNanos) {
    Long end = end(length);
    return end != null && end > nowBootNanos;
  }
}

package orch.controller.runtime;

import java.time.Duration;
import java.time.Instant;
import orch.api.seam.Clock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The log's clock: it never goes back, follows the leader's wall clock, and runs no faster than
 * twice and no slower than half as fast as the boot clock. So a wall clock that jumps ahead takes
 * it along no further than by the time for which it is wrong; nor does it stand still until a wall
 * clock that was put back has caught up.
 *
 * <p>A controller that has neither led nor heard of an entry when it was written takes its wall
 * clock as it is: nothing tells it for how long nobody wrote.
 */
final class LogClock {
  private static final Logger LOG = LoggerFactory.getLogger(LogClock.class);

  /** A wall clock that is so far off is worth a word. */
  private static final Duration FAR_OFF = Duration.ofSeconds(10);

  private Instant last = Instant.EPOCH;

  /** Boot clock at {@link #last}, or a little later; null: it is not known how old that is. */
  private @Nullable Long lastBootNanos;

  /** How far the log can have come at {@link #boundBootNanos}; null: nothing is known of it. */
  private @Nullable Instant bound;

  private long boundBootNanos;
  private boolean farOff;

  /** Time of the newest decision or entry. */
  Instant last() {
    return last;
  }

  /** Back to before the first entry; what was learned of time is kept. */
  void reset() {
    last = Instant.EPOCH;
    lastBootNanos = null;
  }

  /** An entry was read; it may be of any age. */
  void read(Instant entry) {
    if (entry.isAfter(last)) {
      last = entry;
    }
    lastBootNanos = null;
  }

  /** An entry came as it was written. */
  void followed(Instant entry, Clock clock) {
    read(entry);
    long boot = clock.bootNanos();
    lastBootNanos = boot;
    Instant expected = bound == null ? last : bound.plusNanos(since(boundBootNanos, boot));
    bound = expected.isAfter(last) ? expected : last;
    boundBootNanos = boot;
  }

  /** The time of a decision that is made now. */
  Instant next(Clock clock) {
    Instant wall = clock.now();
    long boot = clock.bootNanos();
    Instant earliest =
        lastBootNanos == null ? last : last.plusNanos(since(lastBootNanos, boot) / 2);
    Instant next = wall;
    if (bound != null) {
      Instant latest = bound.plusNanos(2 * since(boundBootNanos, boot));
      next = next.isAfter(latest) ? latest : next;
    }
    next = next.isBefore(earliest) ? earliest : next;
    last = next;
    lastBootNanos = boot;
    bound = next;
    boundBootNanos = boot;
    tell(Duration.between(next, wall));
    return next;
  }

  private static long since(long thenNanos, long nowNanos) {
    return Math.max(0, nowNanos - thenNanos);
  }

  private void tell(Duration ahead) {
    boolean far = ahead.abs().compareTo(FAR_OFF) > 0;
    if (far && !farOff) {
      LOG.warn(
          "This host's clock is {} s {} the cluster's, which follows it slowly: if it is wrong, set"
              + " it right",
          ahead.abs().toSeconds(),
          ahead.isNegative() ? "behind" : "ahead of");
    } else if (!far && farOff) {
      LOG.info("This host's clock and the cluster's agree again");
    }
    farOff = far;
  }
}

package orch.controller.restart;

import java.time.Duration;
import orch.api.model.Backoff;
import orch.api.model.Uid;

/** The back-off's delays. */
public final class Backoffs {
  private static final double MANTISSA = 0x1p-53;
  private static final int MANTISSA_BITS = 53;
  private static final double NANOS_A_MILLI = 1e6;

  private Backoffs() {}

  /**
   * Delay before the attempt at {@code step} (from 1) of the row, spread by a hash of the attempt
   * that ended: the same attempt always gets the same delay, and attempts that end together do not
   * come back together.
   */
  public static Duration delay(Backoff backoff, int step, Uid ended) {
    double max = millis(backoff.max());
    double millis = millis(backoff.initial());
    // A loop in place of pow(), whose last bit may differ between compilers.
    for (int i = 1; i < step && millis < max; i++) {
      millis *= backoff.factor();
    }
    millis = Math.min(millis, max);
    double share = (mix(ended) >>> (Long.SIZE - MANTISSA_BITS)) * MANTISSA;
    return Duration.ofMillis(Math.round(millis * (1 + backoff.jitter() * (2 * share - 1))));
  }

  /** With its fraction, which grows with the row. */
  private static double millis(Duration duration) {
    return duration.toNanos() / NANOS_A_MILLI;
  }

  /** Longest delay of the row, spread likewise. */
  static Duration longest(Backoff backoff, Uid ended) {
    return delay(backoff, Integer.MAX_VALUE, ended);
  }

  /** Scatters neighbouring uids over all 64 bits (the finalizer of splitmix64). */
  private static long mix(Uid uid) {
    long z = uid.fencingToken() * 0x9e3779b97f4a7c15L + uid.epoch();
    z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
    z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
    return z ^ (z >>> 31);
  }
}

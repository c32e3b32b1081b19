package orch.api.seam;

import java.time.Instant;

/** Time, as the runtime loops see it. */
public interface Clock {
  /** Wall-clock time; may jump. */
  Instant now();

  /**
   * Nanoseconds on a clock that never jumps and goes on while the host sleeps (CLOCK_BOOTTIME where
   * there is one); only differences mean something.
   */
  long bootNanos();
}

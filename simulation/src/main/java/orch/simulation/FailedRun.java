package orch.simulation;

import java.io.Serial;

/** A run that broke; says how to see it again. */
final class FailedRun extends RuntimeException {
  @Serial private static final long serialVersionUID = 1L;

  private final long seed;

  FailedRun(long seed, long step, long nowNanos, Throwable cause) {
    super(
        "seed "
            + seed
            + " broke at step "
            + step
            + ", second "
            + String.format("%.6f", nowNanos / 1e9)
            + ": "
            + cause.getMessage()
            + "\nsee it again: simulation/run --seed "
            + seed
            + " --trace",
        cause);
    this.seed = seed;
  }

  long seed() {
    return seed;
  }
}

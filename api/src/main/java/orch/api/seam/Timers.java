package orch.api.seam;

import java.time.Duration;

/** Runs things later, on the executor of the loop that asked for it. */
public interface Timers {
  /** Runs {@code action} once after {@code delay}, unless the returned timer is cancelled first. */
  Timer after(Duration delay, Runnable action);

  /** A timer that was set. */
  interface Timer {
    /** Does nothing when the action has run. */
    void cancel();
  }
}

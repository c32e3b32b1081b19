package orch.controller.core;

import java.time.Duration;

/** What leases are counted by. */
public final class LeaseTimes {
  /**
   * How long a leader may go on to grant leases after its last proof of the epoch began: C in the
   * design.
   */
  public static final Duration PROOF_AGE = Duration.ofSeconds(3);

  /** What shim and launcher may need for a kill, and clocks may differ in pace. */
  static final Duration KILL_MARGIN = Duration.ofSeconds(10);

  /** Nothing is lost sooner after a node was heard, or after a leader began. */
  static final Duration GRACE = Duration.ofSeconds(15);

  /** Nodes that fall silent within this time fall silent at once. */
  static final Duration AT_ONCE = Duration.ofMinutes(10);

  private LeaseTimes() {}
}

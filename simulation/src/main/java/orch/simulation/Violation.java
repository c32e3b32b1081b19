package orch.simulation;

import java.io.Serial;

/** An invariant does not hold. */
final class Violation extends RuntimeException {
  @Serial private static final long serialVersionUID = 1L;

  /**
   * @param invariant its number in docs/simulation.md; 0: something that must never be
   */
  Violation(int invariant, String what) {
    super("invariant " + invariant + ": " + what);
  }

  Violation(int invariant, String what, Throwable cause) {
    super("invariant " + invariant + ": " + what, cause);
  }
}

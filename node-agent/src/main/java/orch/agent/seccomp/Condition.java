package orch.agent.seccomp;

/**
 * What an argument of a call must be.
 *
 * @param argument 0 to 5
 * @param mask bits that are looked at
 * @param equal whether they must be {@code value}, or must not be
 */
record Condition(int argument, long mask, boolean equal, long value) {
  /** Arguments of C's type int: the kernel passes over the upper half of the register. */
  static final long INT = 0xFFFF_FFFFL;
}

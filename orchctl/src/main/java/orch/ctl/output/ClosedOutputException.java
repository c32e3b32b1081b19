package orch.ctl.output;

/** Whoever read standard output has gone away, as {@code head} does: nobody is to be told. */
public final class ClosedOutputException extends RuntimeException {
  private static final long serialVersionUID = 1;

  ClosedOutputException() {
    super("standard output was closed", null, false, false);
  }
}

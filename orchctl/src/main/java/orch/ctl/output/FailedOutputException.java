package orch.ctl.output;

import java.io.IOException;

/** Standard output cannot be written, because a disk is full for example. */
public final class FailedOutputException extends RuntimeException {
  private static final long serialVersionUID = 1;

  FailedOutputException(IOException cause) {
    super("cannot write standard output: " + cause.getMessage(), cause, false, false);
  }
}

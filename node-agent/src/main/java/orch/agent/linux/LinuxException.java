package orch.agent.linux;

import java.io.IOException;
import java.io.Serial;

/** A Linux call failed; {@link #errno} says why. */
public final class LinuxException extends IOException {
  @Serial private static final long serialVersionUID = 1L;

  private final int errno;

  /**
   * @param call name of the call
   * @param detail what it was called on; may be empty
   */
  public LinuxException(String call, String detail, int errno) {
    super(call + (detail.isEmpty() ? "" : " " + detail) + ": " + Errno.describe(errno));
    this.errno = errno;
  }

  public int errno() {
    return errno;
  }
}

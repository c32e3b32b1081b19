package orch.ctl.command;

/** The command line, or a file that it names, is wrong; nothing was done. */
final class UsageException extends Exception {
  private static final long serialVersionUID = 1;

  private final boolean whole;

  UsageException(String message) {
    this(message, false);
  }

  private UsageException(String message, boolean whole) {
    super(message);
    this.whole = whole;
  }

  /** Of lines that need no word before them, such as {@code spec.yaml:3:1: count: …}. */
  static UsageException ofLines(String lines) {
    return new UsageException(lines, true);
  }

  /** Whether the message is complete as it stands. */
  boolean whole() {
    return whole;
  }
}

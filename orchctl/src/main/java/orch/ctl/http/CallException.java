package orch.ctl.http;

/** A call that had no good answer; the message is for people. */
public abstract sealed class CallException extends Exception
    permits ApiException, UnreachableException, ConnectionLostException {
  private static final long serialVersionUID = 1;

  CallException(String message) {
    super(message);
  }

  /** What failed and why, without how to mend it. */
  public final String problem() {
    String message = String.valueOf(getMessage());
    int remedy = message.indexOf("; ");
    return remedy < 0 ? message : message.substring(0, remedy);
  }
}

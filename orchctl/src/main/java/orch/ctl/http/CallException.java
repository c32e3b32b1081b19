package orch.ctl.http;

/** A call that had no good answer; the message is for people. */
public abstract sealed class CallException extends Exception
    permits ApiException, UnreachableException, ConnectionLostException {
  private static final long serialVersionUID = 1;

  CallException(String message) {
    super(message);
  }
}

package orch.ctl.http;

/** The connection broke before the answer was whole: whether the request took effect is unknown. */
public final class ConnectionLostException extends CallException {
  private static final long serialVersionUID = 1;

  ConnectionLostException(String message) {
    super(message);
  }
}

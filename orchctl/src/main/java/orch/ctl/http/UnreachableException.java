package orch.ctl.http;

/** No connection came about, or what answers is no controller: nothing was done. */
public final class UnreachableException extends CallException {
  private static final long serialVersionUID = 1;

  UnreachableException(String message) {
    super(message);
  }
}

package orch.controller.core;

/** The state is not what it must be: the process stops, the log is intact. */
public final class InvariantError extends IllegalStateException {
  private static final long serialVersionUID = 1L;

  public InvariantError(String message) {
    super(message);
  }
}

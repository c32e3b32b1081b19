package orch.controller.core;

/** A checkpoint is damaged, or a newer version wrote it: the sentence says which. */
public final class UnreadableStateException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public UnreadableStateException(String message) {
    super(message);
  }
}

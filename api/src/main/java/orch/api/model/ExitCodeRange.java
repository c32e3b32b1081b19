package orch.api.model;

/** Exit codes {@code first} to {@code last}, both included. */
public record ExitCodeRange(int first, int last) {
  public boolean contains(int code) {
    return code >= first && code <= last;
  }
}

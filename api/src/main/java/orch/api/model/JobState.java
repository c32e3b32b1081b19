package orch.api.model;

/** State of a job. */
public enum JobState {
  /** Accepted; no task has started. */
  QUEUED,
  RUNNING,
  SUCCEEDED,
  FAILED,
  CANCELLED,
  /** Starts nothing until it is released. */
  HELD;

  /** Whether no further change of state can follow, but by a retry. */
  public boolean ended() {
    return this == SUCCEEDED || this == FAILED || this == CANCELLED;
  }
}

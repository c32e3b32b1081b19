package orch.api.model;

/** State of a task: one slot of a job. */
public enum TaskState {
  /** Not placed; a reason says for what it waits. */
  WAITING,
  PLACED,
  RUNNING,
  STOPPING,
  SUCCEEDED,
  FAILED,
  /** Ended by a stop that its owner did not ask for. */
  KILLED,
  CANCELLED,
  /** Never ran and never will. */
  DROPPED;

  public boolean ended() {
    return switch (this) {
      case WAITING, PLACED, RUNNING, STOPPING -> false;
      case SUCCEEDED, FAILED, KILLED, CANCELLED, DROPPED -> true;
    };
  }
}

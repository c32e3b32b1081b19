package orch.api.model;

/** State of an attempt: one run of a task on one node. */
public enum AttemptState {
  PLACED,
  /** Known to its agent, not yet executing; volatile, never logged. */
  STARTING,
  RUNNING,
  STOPPING,
  SUCCEEDED,
  FAILED,
  KILLED,
  /** Never ran. */
  DROPPED,
  /** Its node does not answer; it may run still. */
  UNREACHABLE,
  /** Its host is proven dead or was rebooted. */
  LOST;

  /** Whether it holds no resources any more and never will. */
  public boolean ended() {
    return switch (this) {
      case SUCCEEDED, FAILED, KILLED, DROPPED, LOST -> true;
      case PLACED, STARTING, RUNNING, STOPPING, UNREACHABLE -> false;
    };
  }
}

package orch.api.model;

/** How an attempt ended. */
public enum ResultKind {
  /** The leader exited by itself. */
  EXITED,
  /** A signal ended it. */
  SIGNALED,
  OUT_OF_MEMORY,
  TIMED_OUT,
  START_FAILED,
  /** Stopped because its owner or an operator asked for it. */
  STOPPED,
  /** It ended, and nobody can know how. */
  UNKNOWN,
  /** Its host died or was rebooted. */
  LOST,
  /** The node stopped it by itself: no leader could be reached for {@code partition.stopAfter}. */
  NO_LEASE,
  /** Its node stopped it: not ready in time, or its watchdog was missed. */
  UNHEALTHY,
  /** Its node stopped it to free memory. */
  EVICTED
}

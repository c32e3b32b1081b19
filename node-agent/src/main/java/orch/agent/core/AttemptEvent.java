package orch.agent.core;

/** What can happen to an attempt that the agent knows. */
enum AttemptEvent {
  /** The controller wants it to run. */
  WANTED,
  /** The controller wants it to end. */
  STOP_ORDERED,
  /** A full desired set does not name it. */
  UNWANTED,
  /** Its start delay is over. */
  DELAY_OVER,
  /** The launcher answers; every start handed out before was either claimed or never taken. */
  LAUNCHER_READY,
  /** The journal claims it, and its task or shim lives. */
  FOUND_ALIVE,
  /** The launcher answers, and its journal knows nothing of it. */
  FOUND_UNCLAIMED,
  /** The task executes. */
  STARTED,
  /** No task could be made. */
  START_FAILED,
  /** The task ended; durable. */
  EXITED,
  /** It was taken back before a shim had it. */
  TAKEN_BACK,
  /** Processes outlive SIGKILL. */
  STUCK,
  /** The time before its timeout at which it is warned. */
  WARN_DUE,
  /** Its timeout passed. */
  TIMED_OUT,
  /** Its lease is over, and its shim should have ended it by now. */
  LEASE_OVER,
  /** The grace of its stop passed long ago. */
  GRACE_OVER,
  /** The agent ends it: not ready in time, its watchdog missed, or memory is short. */
  SURRENDERED,
  /** The controller has committed its end. */
  FORGOTTEN
}

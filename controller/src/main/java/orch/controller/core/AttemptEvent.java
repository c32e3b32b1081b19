package orch.controller.core;

/** What moves an attempt. */
enum AttemptEvent {
  /** Its agent saw it run. */
  RUNNING,
  /** A stop was ordered. */
  STOP,
  /** Its agent reports an exit that counts as success. */
  SUCCEEDED,
  /** Its agent reports any other end. */
  FAILED,
  /** It ended because it was stopped. */
  KILLED,
  /** Its agent never started it and never will. */
  DROPPED,
  /** Its host is proven dead or was rebooted, or it is given up by lostAfter. */
  LOST
}

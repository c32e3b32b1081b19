package orch.controller.core;

/** What moves a task. */
enum TaskEvent {
  /** An attempt was placed. */
  PLACED,
  /** Its attempt runs. */
  RUNNING,
  /** Its attempt is being stopped. */
  STOPPING,
  /** Its attempt ended and another one is wanted. */
  WAITS,
  SUCCEEDED,
  FAILED,
  /** It ended by a stop that its owner did not ask for. */
  KILLED,
  CANCELLED,
  DROPPED,
  /** It is to run again after its end. */
  RETRIED
}

package orch.controller.core;

/** What moves a job. */
enum JobEvent {
  /** The first task runs. */
  STARTED,
  HELD,
  /** Released before a task has started. */
  RELEASED,
  /** Released after a task has started. */
  RELEASED_STARTED,
  /** It is made to end. */
  STOPPING,
  SUCCEEDED,
  FAILED,
  CANCELLED,
  /** Tasks that had ended run again. */
  RETRIED,
  /** Tasks run again, and one had started before. */
  RETRIED_STARTED,
  VERSIONED
}

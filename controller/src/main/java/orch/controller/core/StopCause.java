package orch.controller.core;

/** Why a single attempt is stopped, which says what becomes of its task. */
public enum StopCause {
  /** The job ends: the task is cancelled. */
  JOB,
  /** The task was cancelled. */
  TASK,
  /** The node is drained: the task is placed anew, uncounted. */
  DRAIN,
  /** The job has a newer version: the task is placed anew with it, uncounted. */
  UPDATE,
  /** A restart was asked for: the task is placed anew, uncounted. */
  RESTART
}

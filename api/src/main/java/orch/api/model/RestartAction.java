package orch.api.model;

/** What a restart rule does. */
public enum RestartAction {
  /** Again on the same node after the back-off. */
  RESTART,
  /** Again wherever there is room. */
  RESCHEDULE,
  /** The task fails at once. */
  FAIL,
  /** The end counts as success. */
  SUCCEED
}

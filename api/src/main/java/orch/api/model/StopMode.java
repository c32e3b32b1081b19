package orch.api.model;

/** Whom the stop signal reaches. */
public enum StopMode {
  /** Every process of the task's tree. */
  GROUP,
  /** The leader; after the grace all are killed. */
  MIXED,
  /** The leader alone. */
  PROCESS
}

package orch.api.model;

/** What runs and until when. */
public enum JobType {
  /** Runs to completion. */
  BATCH,
  /** Kept running until it is cancelled. */
  SERVICE
}

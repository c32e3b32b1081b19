package orch.controller.core;

/** What a submit did. */
public enum SubmitOutcome {
  /** A new job. */
  CREATED,
  /** A new version of a live service. */
  UPDATED,
  /** The live job has this very spec. */
  UNCHANGED
}

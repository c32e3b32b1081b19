package orch.api.model;

/** Whether a task that runs can do its work, as it says itself. */
public enum Readiness {
  /** Its job declares no readiness. */
  UNDECLARED,
  NOT_READY,
  READY
}

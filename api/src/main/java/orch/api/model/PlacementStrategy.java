package orch.api.model;

/** Which feasible node is taken first. */
public enum PlacementStrategy {
  /** The fullest on which the task still fits. */
  BINPACK,
  /** The emptiest. */
  SPREAD
}

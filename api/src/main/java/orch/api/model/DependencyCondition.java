package orch.api.model;

/** What a dependency must have become. */
public enum DependencyCondition {
  SUCCEEDED,
  FAILED,
  FINISHED,
  STARTED
}

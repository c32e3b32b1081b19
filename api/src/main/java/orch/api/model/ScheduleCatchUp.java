package orch.api.model;

/** What happens with slots that were missed. */
public enum ScheduleCatchUp {
  NONE,
  LAST,
  ALL
}

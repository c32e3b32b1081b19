package orch.api.model;

/** What happens when a slot comes while the last one's job lives. */
public enum ScheduleOverlap {
  SKIP,
  ALLOW,
  REPLACE
}

package orch.controller.core;

/** Why a job is made to end before all its tasks have ended by themselves. */
public enum JobEnding {
  /** Its owner or an operator asked for it. */
  CANCELLED,
  /** A submit with replace took its name. */
  REPLACED,
  /** More tasks failed than maxFailures allows. */
  FAILURES,
  /** As many tasks succeeded as succeedWhen asks for. */
  ENOUGH,
  /** Its deadline passed. */
  DEADLINE,
  /** A dependency can never be met. */
  DEPENDENCY
}

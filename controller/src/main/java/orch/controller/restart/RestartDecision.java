package orch.controller.restart;

import java.time.Duration;

/** What becomes of the task. */
public sealed interface RestartDecision {
  /** The end counts as success. */
  record Succeed() implements RestartDecision {}

  /** The task fails; {@code reason} is for people, empty when the result says it all. */
  record Fail(String reason) implements RestartDecision {}

  /**
   * Another attempt.
   *
   * @param here on the same node, if it still takes it
   * @param delay counted by the agent of the next attempt
   * @param counted uses up a retry
   * @param step place of the next attempt in the back-off's row
   * @param anew the retries used so far are forgotten
   * @param memoryBytes limit of the next attempt; 0: as the spec says
   */
  record Again(
      boolean here, Duration delay, boolean counted, int step, boolean anew, long memoryBytes)
      implements RestartDecision {}
}

package orch.controller.core;

import orch.api.model.TaskState;

/** What becomes of a task whose attempt ended. */
public sealed interface Next {
  /** The task has ended with its attempt; {@code reason} empty: the attempt's. */
  record Ends(TaskState state, String reason) implements Next {}

  /**
   * The task waits for another attempt. A restart in place follows in the same entry as a {@link
   * Change.Placed} on the same node.
   *
   * @param delayMillis given to the next attempt, counted by its agent
   * @param counted uses up a retry
   * @param step place of the next attempt in the back-off's row, from 1; 0: no back-off
   * @param anew the retries used so far are forgotten
   * @param elsewhere another node is preferred
   * @param memoryBytes limit of the next attempts in place of the spec's; 0: the spec's
   */
  record Waits(
      long delayMillis,
      boolean counted,
      int step,
      boolean anew,
      boolean elsewhere,
      long memoryBytes)
      implements Next {}
}

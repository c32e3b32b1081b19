package orch.api.model;

import org.jspecify.annotations.Nullable;

/**
 * An attempt as its agent sees it.
 *
 * @param attempt number of the attempt, from 1
 * @param startNanos since the epoch on the node's clock; 0: not yet
 * @param result set in terminal states; durable on the node before it is sent
 * @param statusText what the task says of itself; may be empty
 */
public record AttemptStatus(
    Uid uid,
    Uid jobUid,
    long jobNumber,
    int index,
    int attempt,
    AttemptState state,
    String reason,
    long startNanos,
    long endNanos,
    @Nullable Result result,
    StageTimes stages,
    Readiness readiness,
    String statusText) {
  /** Of a task that says nothing of itself. */
  public AttemptStatus(
      Uid uid,
      Uid jobUid,
      long jobNumber,
      int index,
      int attempt,
      AttemptState state,
      String reason,
      long startNanos,
      long endNanos,
      @Nullable Result result,
      StageTimes stages) {
    this(
        uid,
        jobUid,
        jobNumber,
        index,
        attempt,
        state,
        reason,
        startNanos,
        endNanos,
        result,
        stages,
        Readiness.UNDECLARED,
        "");
  }
}

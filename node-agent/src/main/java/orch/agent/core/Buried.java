package orch.agent.core;

import orch.api.model.AttemptState;
import orch.api.model.Result;
import orch.api.model.ResultKind;
import orch.api.model.Uid;
import org.jspecify.annotations.Nullable;

/**
 * What is kept of an attempt whose end the controller committed: it is never started again, and a
 * controller that was restored from a backup learns from it how it ended.
 *
 * @param kind null: it never ran
 * @param buriedWallNanos since the epoch: when it was forgotten
 */
public record Buried(
    Uid uid,
    AttemptState state,
    @Nullable ResultKind kind,
    int siCode,
    int siStatus,
    long endNanos,
    long buriedWallNanos) {

  static Buried of(Attempt attempt, long wallNanos) {
    Result result = attempt.result;
    return new Buried(
        attempt.uid(),
        attempt.endState,
        result == null ? null : result.kind(),
        result == null ? 0 : result.siCode(),
        result == null ? 0 : result.siStatus(),
        attempt.endNanos,
        wallNanos);
  }

  /** The result without its counters. */
  @Nullable Result result() {
    return kind == null ? null : new Result(kind, siCode, siStatus, null, false, 0, 0, 0, 0, 0, 0);
  }
}

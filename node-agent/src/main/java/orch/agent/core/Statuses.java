package orch.agent.core;

import orch.api.model.AttemptState;
import orch.api.model.AttemptStatus;
import orch.api.model.DesiredAttempt;
import orch.api.model.Result;
import orch.api.model.ResultKind;
import orch.api.model.SpecDefinition;
import orch.api.model.StageTimes;
import org.jspecify.annotations.Nullable;

/** What is said of attempts that the agent does not have (any more). */
final class Statuses {
  private Statuses() {}

  /** An attempt of before a restore, of which nothing is left here. */
  static AttemptStatus unknown(DesiredAttempt order, @Nullable SpecDefinition definition) {
    return new AttemptStatus(
        order.uid(),
        order.jobUid(),
        definition == null ? 0 : definition.jobNumber(),
        order.index(),
        order.attempt(),
        AttemptState.FAILED,
        "placed before the cluster was restored, and unknown to its node: it may have run",
        0,
        0,
        Result.without(ResultKind.UNKNOWN, null),
        StageTimes.NONE);
  }

  /** One that has ended and was forgotten here, yet is wanted. */
  static AttemptStatus of(
      DesiredAttempt order, Buried buried, @Nullable SpecDefinition definition) {
    return new AttemptStatus(
        order.uid(),
        order.jobUid(),
        definition == null ? 0 : definition.jobNumber(),
        order.index(),
        order.attempt(),
        buried.state(),
        "ended earlier; learned again from the node",
        0,
        buried.endNanos(),
        buried.result(),
        StageTimes.NONE);
  }
}

package orch.controller.core;

import java.util.List;
import orch.api.model.AttemptState;
import orch.api.model.Result;
import orch.api.model.StageTimes;
import orch.api.model.Uid;
import org.jspecify.annotations.Nullable;

/** An attempt that has ended and was followed by another. */
record PastAttempt(
    int number,
    Uid uid,
    AttemptState state,
    String reason,
    int node,
    long placeNanos,
    long startNanos,
    long endNanos,
    @Nullable Result result,
    long version,
    List<Integer> ports,
    StageTimes stages) {
  PastAttempt {
    ports = List.copyOf(ports);
  }
}

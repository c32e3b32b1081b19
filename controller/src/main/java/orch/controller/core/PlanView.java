package orch.controller.core;

import java.util.SortedMap;
import orch.api.model.JobSpec;
import org.jspecify.annotations.Nullable;

/**
 * What a submit would do now.
 *
 * @param outcome null: it would be refused, as {@code refusal} says
 * @param present spec of the live job that would change; null: none
 * @param placements tasks that would be placed at once, by node name; of at most {@link
 *     Limits#MAX_PLACEMENTS} tasks
 * @param waiting what keeps the others
 */
public record PlanView(
    @Nullable SubmitOutcome outcome,
    @Nullable Rejection refusal,
    @Nullable JobSpec present,
    SortedMap<String, Integer> placements,
    Explanation waiting) {}

package orch.controller.core;

import orch.api.model.TaskState;
import org.jspecify.annotations.Nullable;

/**
 * A task as it stands.
 *
 * @param reason why it is in its state; of a waiting task what is known without asking the
 *     scheduler ({@link StateView#explainTask} tells more)
 * @param attempt the newest; null: there was none
 * @param attempts so far
 * @param item value of {@code ${task.item}}; empty: none
 */
public record TaskView(
    long jobNumber,
    String jobName,
    String namespace,
    int index,
    TaskState state,
    String reason,
    @Nullable AttemptView attempt,
    int attempts,
    String item) {}

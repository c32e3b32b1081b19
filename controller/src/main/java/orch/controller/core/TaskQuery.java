package orch.controller.core;

import java.util.Collections;
import java.util.EnumSet;
import java.util.Set;
import orch.api.model.TaskState;
import org.jspecify.annotations.Nullable;

/**
 * Tasks of one job to list, in order of the index.
 *
 * @param states empty: any
 * @param node name of the newest attempt's node; empty: any
 * @param after {@link Page#next} of the page before; null: from the first
 * @param limit most tasks in the page, 1 to 1,000
 */
public record TaskQuery(
    long jobNumber, Set<TaskState> states, String node, @Nullable Long after, int limit) {
  public TaskQuery {
    EnumSet<TaskState> copy = EnumSet.noneOf(TaskState.class);
    copy.addAll(states);
    states = Collections.unmodifiableSet(copy);
  }

  /** The first page over all tasks of a job. */
  public static TaskQuery all(long jobNumber, int limit) {
    return new TaskQuery(jobNumber, EnumSet.noneOf(TaskState.class), "", null, limit);
  }
}

package orch.controller.rpc;

import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import orch.controller.core.JobQuery;
import org.jspecify.annotations.Nullable;

/**
 * Where a listing of the tasks of all live jobs goes on.
 *
 * @param jobsAfter cursor before the job; null: the newest
 * @param tasksAfter cursor in the job; null: from its first task
 */
record LiveTasksCursor(@Nullable Long jobsAfter, @Nullable Long tasksAfter) {
  static LiveTasksCursor parse(@Nullable String text) {
    if (text == null) {
      return new LiveTasksCursor(null, null);
    }
    List<String> parts = List.of(text.split(":", 2));
    return new LiveTasksCursor(number(parts.get(0)), number(parts.get(1)));
  }

  /** A page with the next live job. */
  static JobQuery oneJob(String namespace, @Nullable Long after) {
    return new JobQuery(
        namespace, "", new TreeMap<>(), Set.of(), List.of(), "", 0, 0, true, after, 1);
  }

  private static @Nullable Long number(String text) {
    return text.isEmpty() ? null : Long.valueOf(text);
  }

  @Override
  public String toString() {
    return (jobsAfter == null ? "" : jobsAfter) + ":" + (tasksAfter == null ? "" : tasksAfter);
  }
}

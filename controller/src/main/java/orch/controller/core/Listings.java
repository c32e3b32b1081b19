package orch.controller.core;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import orch.api.model.AttemptState;
import orch.api.model.TaskState;
import org.jspecify.annotations.Nullable;

/** Pages of jobs and tasks; a page looks at a bounded number of entries. */
final class Listings {
  private static final int MAX_LOOKED_AT = 20_000;
  private static final int MAX_PAGE = 1_000;

  private final State state;
  private final Views views;

  Listings(State state, Views views) {
    this.state = state;
    this.views = views;
  }

  Page<JobView> jobs(JobQuery query) {
    int limit = Math.clamp(query.limit(), 1, MAX_PAGE);
    List<JobView> found = new ArrayList<>();
    int looked = 0;
    for (Job job : candidates(query)) {
      if (found.size() == limit || looked == MAX_LOOKED_AT) {
        // The page goes on with this job: everything above it was seen.
        return new Page<>(found, job.number + 1);
      }
      looked++;
      if (matches(job, query)) {
        found.add(views.job(job));
      }
    }
    return new Page<>(found, null);
  }

  /** Newest first, below the query's mark. */
  private Iterable<Job> candidates(JobQuery query) {
    long below = query.after() == null ? Long.MAX_VALUE : query.after();
    if (!query.numbers().isEmpty()) {
      List<Job> named = new ArrayList<>();
      for (long number : new TreeSet<>(query.numbers()).descendingSet()) {
        Job job = state.jobs.get(number);
        if (job != null && number < below) {
          named.add(job);
        }
      }
      return named;
    }
    if (!query.jobName().isEmpty() && !query.namespace().equals("-")) {
      List<Long> numbers =
          state.jobsByName.getOrDefault(State.key(query.namespace(), query.jobName()), List.of());
      return numbers.reversed().stream().filter(n -> n < below).map(state::jobOf).toList();
    }
    Map<Long, Job> all =
        (query.live() ? state.liveJobs : state.jobs).headMap(below, false).descendingMap();
    return all.values();
  }

  private static boolean matches(Job job, JobQuery query) {
    return (query.namespace().equals("-") || job.namespace.equals(query.namespace()))
        && (query.owner().isEmpty() || job.owner.equals(query.owner()))
        && (query.states().isEmpty() || query.states().contains(job.state))
        && (query.jobName().isEmpty() || job.name.equals(query.jobName()))
        && (query.submittedAfterNanos() == 0 || job.submitNanos > query.submittedAfterNanos())
        && (query.submittedBeforeNanos() == 0 || job.submitNanos < query.submittedBeforeNanos())
        && (!query.live() || job.live())
        && hasLabels(job, query);
  }

  private static boolean hasLabels(Job job, JobQuery query) {
    for (Map.Entry<String, String> wanted : query.labels().entrySet()) {
      String value = job.spec().labels().get(wanted.getKey());
      if (value == null || !(wanted.getValue().isEmpty() || wanted.getValue().equals(value))) {
        return false;
      }
    }
    return true;
  }

  Page<TaskView> tasks(TaskQuery query) {
    Job job = state.jobs.get(query.jobNumber());
    if (job == null) {
      return new Page<>(List.of(), null);
    }
    int limit = Math.clamp(query.limit(), 1, MAX_PAGE);
    List<TaskView> found = new ArrayList<>();
    int from = query.after() == null ? 0 : Math.clamp(query.after(), 0, job.tasks.size());
    Node node = query.node().isEmpty() ? null : state.nodesByName.get(query.node());
    if (!query.node().isEmpty() && node == null) {
      return new Page<>(List.of(), null);
    }
    for (int ordinal = from; ordinal < job.tasks.size(); ordinal++) {
      if (found.size() == limit || ordinal - from == MAX_LOOKED_AT) {
        return new Page<>(found, (long) ordinal);
      }
      if (matches(job, ordinal, query, node)) {
        found.add(views.task(job, ordinal));
      }
    }
    return new Page<>(found, null);
  }

  private boolean matches(Job job, int ordinal, TaskQuery query, @Nullable Node node) {
    TaskState taskState = job.tasks.state(ordinal);
    if (!query.states().isEmpty() && !query.states().contains(taskState)) {
      return false;
    }
    AttemptState attempt = job.tasks.attemptState(ordinal);
    return node == null || (attempt != null && state.nodeOf(job, ordinal) == node);
  }
}

package orch.controller.core;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.TreeSet;
import orch.api.model.AttemptState;
import orch.api.model.JobState;
import orch.api.model.Result;
import orch.api.model.TaskState;
import org.jspecify.annotations.Nullable;

/**
 * Draws the conclusions for jobs to which something happened: dependencies met or never to be met,
 * limits of failures, enough successes, outdated attempts, the job's end. Which jobs to look at is
 * remembered, and taken in slices of bounded size.
 */
final class Settler {
  /** Jobs looked at in one decision: each may take three changes with a sentence. */
  private static final int MAX_JOBS = 200;

  /** Tasks dropped or stopped in one decision. */
  private static final int MAX_TASKS = 1_000;

  private final State state;
  private final LinkedHashSet<Long> dirty = new LinkedHashSet<>();

  /** Indexes of waiting tasks whose own dependencies are to be judged, by job number. */
  private final LinkedHashMap<Long, TreeSet<Integer>> review = new LinkedHashMap<>();

  Settler(State state) {
    this.state = state;
  }

  /** A new leader looks at every live job once. */
  void begin() {
    dirty.clear();
    review.clear();
    for (Job job : state.liveJobs.values()) {
      job.cursor = 0;
      job.infeasibleAt = -1;
      job.ready = null;
      touch(job);
    }
  }

  boolean pending() {
    return !dirty.isEmpty();
  }

  /** Something happened to the job. */
  void touch(Job job) {
    dirty.add(job.number);
    if (job.ready == null && Dependencies.byIndex(job)) {
      job.ready = new BitSet();
      reviewAll(job);
    }
  }

  /** Something happened to one of its tasks. */
  void touch(Job job, int ordinal) {
    dirty.add(job.number);
    if (job.ready != null && job.tasks.state(ordinal) == TaskState.WAITING) {
      // Under a leader that never saw it wait it is not known to be ready.
      reviewOf(job).add(job.indexOf(ordinal));
    }
    if (job.watchedByIndex) {
      int index = job.indexOf(ordinal);
      for (long number : job.dependents) {
        Job dependent = state.jobOf(number);
        if (dependent.ready != null && dependent.ordinalOf(index) >= 0) {
          reviewOf(dependent).add(index);
          dirty.add(number);
        }
      }
    }
    tellStarted(job);
  }

  /** Something happened to many of its tasks. */
  void touchAll(Job job) {
    dirty.add(job.number);
    if (job.ready != null) {
      reviewAll(job);
    }
    for (long number : job.dependents) {
      Job dependent = state.jobOf(number);
      dirty.add(number);
      if (dependent.ready != null) {
        reviewAll(dependent);
      }
    }
  }

  /** Dependents that wait for its start are told once, at its first. */
  private void tellStarted(Job job) {
    if (job.startNanos == state.decisionNanos) {
      dirty.addAll(job.dependents);
    }
  }

  private TreeSet<Integer> reviewOf(Job job) {
    return review.computeIfAbsent(job.number, _ -> new TreeSet<>());
  }

  private void reviewAll(Job job) {
    TreeSet<Integer> indexes = reviewOf(job);
    for (int at = job.tasks.nextWaiting(0); at >= 0; at = job.tasks.nextWaiting(at + 1)) {
      indexes.add(job.indexOf(at));
    }
  }

  /** Looks at jobs until none is left or the slice is full. */
  void settle(Draft draft) {
    int jobs = MAX_JOBS;
    int tasks = MAX_TASKS;
    while (!dirty.isEmpty() && jobs-- > 0 && tasks > 0) {
      Iterator<Long> iterator = dirty.iterator();
      long number = iterator.next();
      iterator.remove();
      Job job = state.jobs.get(number);
      if (job != null && job.live()) {
        tasks -= settle(draft, job, tasks);
      } else {
        review.remove(number);
      }
    }
  }

  /** Settles one job; returns how many tasks it dropped or stopped. */
  private int settle(Draft draft, Job job, int budget) {
    if (job.blocked && job.ending == null) {
      unblock(draft, job);
    }
    int used = 0;
    if (job.ending == null) {
      used += reviewTasks(draft, job, budget);
      used += stopOutdated(draft, job, budget - used);
      limits(draft, job);
    }
    if (job.tasks.ended() == job.tasks.size()) {
      end(draft, job);
    }
    return used;
  }

  // ---- dependencies

  private void unblock(Draft draft, Job job) {
    if (Dependencies.waitsForPredecessor(state, job)) {
      return;
    }
    for (int i = 0; i < job.dependsOn.size(); i++) {
      var dependency = job.spec().dependsOn().get(i);
      if (dependency.sameIndex()) {
        continue;
      }
      switch (Dependencies.ofJob(state, job, i)) {
        case MET -> {}
        case OPEN -> {
          return;
        }
        case NEVER -> {
          stop(
              draft,
              job,
              JobEnding.DEPENDENCY,
              "depends on "
                  + Sentences.waitsFor(dependency, job.dependsOn.get(i))
                  + ", which can never be: "
                  + ended(job.dependsOn.get(i)));
          return;
        }
      }
    }
    draft.emit(new Change.JobUnblocked(job.number));
  }

  private String ended(long number) {
    Job upstream = state.jobs.get(number);
    return upstream == null
        ? "it was deleted"
        : "it " + upstream.state.name().toLowerCase(Locale.ROOT);
  }

  private int reviewTasks(Draft draft, Job job, int budget) {
    TreeSet<Integer> indexes = review.remove(job.number);
    BitSet ready = job.ready;
    if (indexes == null || ready == null) {
      return 0;
    }
    TreeSet<Integer> never = new TreeSet<>();
    while (!indexes.isEmpty() && never.size() < budget) {
      int index = indexes.removeFirst();
      int ordinal = job.ordinalOf(index);
      if (job.tasks.state(ordinal) != TaskState.WAITING) {
        continue;
      }
      switch (Dependencies.ofTask(state, job, ordinal)) {
        case MET -> {
          ready.set(ordinal);
          job.cursor = Math.min(job.cursor, ordinal);
          job.infeasibleAt = -1;
          state.touched(job);
        }
        case OPEN -> ready.clear(ordinal);
        case NEVER -> never.add(index);
      }
    }
    if (!indexes.isEmpty()) {
      review.put(job.number, indexes);
      dirty.add(job.number);
    }
    if (!never.isEmpty()) {
      draft.emit(
          new Change.TasksDropped(
              job.number,
              JobRequests.ranges(never),
              "the task of the same index that it depends on ended otherwise"));
      tellDependents(job);
    }
    return never.size();
  }

  private void tellDependents(Job job) {
    for (long number : job.dependents) {
      Job dependent = state.jobOf(number);
      dirty.add(number);
      if (dependent.ready != null) {
        reviewAll(dependent);
      }
    }
  }

  // ---- services

  /** Attempts of versions that are outdated, and of tasks that a smaller count took away. */
  private int stopOutdated(Draft draft, Job job, int budget) {
    int width = job.spec().tasks().size();
    boolean narrower = width < job.tasks.size();
    if (!job.service() || !(narrower || hasOutdated(job))) {
      return 0;
    }
    List<AttemptRef> outdated = new ArrayList<>();
    List<AttemptRef> surplus = new ArrayList<>();
    int at = job.tasks.nextLive(0);
    while (at >= 0 && outdated.size() + surplus.size() < budget) {
      boolean stopping = job.tasks.attemptState(at) == AttemptState.STOPPING;
      if (at >= width && !(stopping && causeOf(job, at) == StopCause.TASK)) {
        surplus.add(state.refOf(job, at));
      } else if (!stopping && job.versionOf(at).number < job.minVersion) {
        outdated.add(state.refOf(job, at));
      }
      at = job.tasks.nextLive(at + 1);
    }
    if (at >= 0) {
      dirty.add(job.number);
    }
    long version = job.current().number;
    stopAttempts(draft, outdated, StopCause.UPDATE, "replaced by version " + version);
    stopAttempts(draft, surplus, StopCause.TASK, "scaled down to " + width);
    return outdated.size() + surplus.size();
  }

  private static boolean hasOutdated(Job job) {
    for (Job.Version version : job.versions) {
      if (version.number < job.minVersion && version.live > 0) {
        return true;
      }
    }
    return false;
  }

  static @Nullable StopCause causeOf(Job job, int ordinal) {
    Extra extra = job.tasks.extraOrNull(ordinal);
    return job.ending != null ? StopCause.JOB : extra == null ? null : extra.stopCause;
  }

  private void stopAttempts(Draft draft, List<AttemptRef> refs, StopCause cause, String reason) {
    if (!refs.isEmpty()) {
      draft.emit(new Change.AttemptsStopping(refs, cause, null, reason));
      for (AttemptRef ref : refs) {
        Job job = state.jobOf(ref.jobNumber());
        draft.send(job, job.ordinalOf(ref.index()));
      }
    }
  }

  // ---- the job's end

  private void limits(Draft draft, Job job) {
    if (job.ending != null || job.tasks.ended() == job.tasks.size()) {
      return;
    }
    int maxFailures = job.spec().tasks().maxFailures();
    int failures = job.failures();
    if ((maxFailures > 0 && failures > maxFailures) || (maxFailures < 0 && failures > 0)) {
      stop(
          draft,
          job,
          JobEnding.FAILURES,
          maxFailures < 0
              ? "a task failed: " + firstFailure(job)
              : Sentences.count(failures, "task") + " failed, at most " + maxFailures + " may");
      return;
    }
    int wanted = job.spec().tasks().succeedWhen();
    if (wanted > 0 && job.tasks.count(TaskState.SUCCEEDED) >= wanted) {
      stop(draft, job, JobEnding.ENOUGH, Sentences.count(wanted, "task") + " succeeded");
    }
  }

  /** Makes a live job end. */
  void stop(Draft draft, Job job, JobEnding ending, String reason) {
    List<Integer> live = new ArrayList<>();
    for (int at = job.tasks.nextLive(0); at >= 0; at = job.tasks.nextLive(at + 1)) {
      live.add(at);
    }
    draft.emit(new Change.JobStopping(job.number, ending, Limits.cut(reason)));
    for (int ordinal : live) {
      draft.send(job, ordinal);
    }
    touchAll(job);
  }

  private void end(Draft draft, Job job) {
    JobState end = endState(job);
    draft.emit(
        new Change.JobEnded(
            job.number,
            end,
            Limits.cut(endReason(job, end)),
            end == JobState.SUCCEEDED ? 0 : exitCode(job)));
    job.ready = null;
    review.remove(job.number);
    dirty.addAll(job.dependents);
  }

  private static JobState endState(Job job) {
    int succeeded = job.tasks.count(TaskState.SUCCEEDED);
    if (succeeded == job.tasks.size()) {
      return JobState.SUCCEEDED;
    }
    JobEnding ending = job.ending;
    if (ending != null) {
      return switch (ending) {
        case CANCELLED, REPLACED -> JobState.CANCELLED;
        case ENOUGH -> JobState.SUCCEEDED;
        case FAILURES, DEADLINE, DEPENDENCY -> JobState.FAILED;
      };
    }
    int wanted = job.spec().tasks().succeedWhen();
    if (wanted > 0 && succeeded >= wanted) {
      return JobState.SUCCEEDED;
    }
    return job.failures() > 0 ? JobState.FAILED : JobState.CANCELLED;
  }

  private static String endReason(Job job, JobState end) {
    // With an ending the reason is that of the ending.
    if (end == JobState.SUCCEEDED || job.ending != null) {
      return "";
    }
    int failures = job.failures();
    if (failures == 0) {
      return Sentences.count(job.tasks.count(TaskState.CANCELLED), "task") + " cancelled";
    }
    if (job.tasks.size() == 1) {
      return firstFailure(job);
    }
    return failures + " of " + job.tasks.size() + " tasks failed, first " + firstFailure(job);
  }

  /** The failed task of the lowest index, and why; of a job of one task only why. */
  private static String firstFailure(Job job) {
    for (int ordinal = 0; ordinal < job.tasks.size(); ordinal++) {
      TaskState task = job.tasks.state(ordinal);
      if (task == TaskState.FAILED || task == TaskState.KILLED || task == TaskState.DROPPED) {
        String why = Views.endReason(job, ordinal);
        return job.tasks.size() == 1 ? why : job.taskName(ordinal) + ": " + why;
      }
    }
    return "";
  }

  /**
   * The highest code of the tasks; 124 for the deadline, 125 where no task tells, else at least 1.
   */
  private static int exitCode(Job job) {
    if (job.ending == JobEnding.DEADLINE) {
      return 124;
    }
    int highest = 0;
    for (int ordinal = 0; ordinal < job.tasks.size(); ordinal++) {
      Chunk chunk = job.tasks.readable(ordinal);
      Result result = chunk == null ? null : chunk.result(TaskStore.at(ordinal));
      if (result != null && job.tasks.state(ordinal) != TaskState.SUCCEEDED) {
        highest = Math.max(highest, result.exitCode());
      }
    }
    if (highest > 0) {
      return highest;
    }
    boolean ranAndFailed =
        job.tasks.count(TaskState.FAILED) + job.tasks.count(TaskState.KILLED) > 0;
    return ranAndFailed ? 1 : 125;
  }
}

package orch.controller.core;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.IntConsumer;
import orch.api.model.Dependency;
import orch.api.model.IndexRange;
import orch.api.model.JobSpec;
import orch.api.model.JobState;
import orch.api.model.TaskState;
import orch.api.model.Uid;

/** Applies changes of jobs and of tasks without an attempt. */
final class JobChanges {
  private final State state;

  JobChanges(State state) {
    this.state = state;
  }

  void submitted(Change.JobSubmitted of) {
    if (of.number() < state.nextNumber) {
      throw new InvariantError("job number " + of.number() + " is below " + state.nextNumber);
    }
    state.nextNumber = of.number() + 1;
    Uid uid = state.takeUid();
    Job.Version first = new Job.Version(1, of.spec(), state.nowNanos, of.owner());
    boolean blocked = waitsAsAWhole(of);
    Job job = new Job(of.number(), uid, of, first, state.nowNanos, blocked, state.freeze);
    setDeadline(job);
    state.jobs.put(job.number, job);
    state.jobsBySequence.put(job.uid.sequence(), job);
    state.liveJobs.put(job.number, job);
    add(state.jobsByName, State.key(job.namespace, job.name), job.number);
    add(state.jobsByOwner, State.key(job.namespace, job.owner), job.number);
    state.count(job.state, 1);
    state.taskCount += job.tasks.size();
    link(job);
    state.touched(job);
  }

  private static boolean waitsAsAWhole(Change.JobSubmitted of) {
    return of.afterJob() != 0
        || of.spec().dependsOn().stream().anyMatch(dependency -> !dependency.sameIndex());
  }

  private void setDeadline(Job job) {
    Duration deadline = job.spec().deadline();
    job.deadlineNanos = deadline == null ? 0 : state.nowNanos + deadline.toNanos();
  }

  static void add(Map<String, List<Long>> index, String key, long number) {
    index.computeIfAbsent(key, _ -> new ArrayList<>(1)).add(number);
  }

  private static void remove(Map<String, List<Long>> index, String key, long number) {
    List<Long> numbers = index.get(key);
    if (numbers == null || !numbers.remove(Long.valueOf(number))) {
      throw new InvariantError("job " + number + " is not listed under " + key);
    }
    if (numbers.isEmpty()) {
      index.remove(key);
    }
  }

  /** Tells the jobs that it waits for. */
  void link(Job job) {
    List<Dependency> dependencies = job.spec().dependsOn();
    for (int i = 0; i < job.dependsOn.size(); i++) {
      Job upstream = state.jobs.get(job.dependsOn.get(i));
      if (upstream != null) {
        upstream.dependents.add(job.number);
        upstream.watchedByIndex |= dependencies.get(i).sameIndex();
      }
    }
    Job before = state.jobs.get(job.afterJob);
    if (before != null) {
      before.dependents.add(job.number);
    }
  }

  private void unlink(Job job) {
    for (long number : job.dependsOn) {
      Job upstream = state.jobs.get(number);
      if (upstream != null) {
        upstream.dependents.remove(job.number);
      }
    }
    Job before = state.jobs.get(job.afterJob);
    if (before != null) {
      before.dependents.remove(job.number);
    }
  }

  void versioned(Change.JobVersioned of) {
    Job job = state.jobOf(of.number());
    if (of.version() != job.current().number + 1) {
      throw new InvariantError(
          "job " + job.number + " has version " + job.current().number + ", not the one before");
    }
    JobState _ = Tables.JOB.move(job.state, JobEvent.VERSIONED, String.valueOf(job.number));
    // The priority may change, by which the set is ordered.
    if (job.inRunnable) {
      state.runnable.remove(job);
      job.inRunnable = false;
    }
    int before = job.spec().tasks().size();
    job.versions.add(new Job.Version(of.version(), of.spec(), state.nowNanos, of.principal()));
    if (of.restart()) {
      job.minVersion = of.version();
    }
    resize(job, before, of.spec());
    prune(job);
    job.infeasibleAt = -1;
    state.touched(job);
  }

  private void resize(Job job, int before, JobSpec spec) {
    int wanted = spec.tasks().size();
    int had = job.tasks.size();
    job.tasks.grow(wanted);
    state.taskCount += job.tasks.size() - had;
    for (int ordinal = before; ordinal < Math.min(wanted, had); ordinal++) {
      if (job.tasks.state(ordinal).ended()) {
        retry(job, ordinal);
      }
    }
    for (int ordinal = wanted; ordinal < before; ordinal++) {
      if (job.tasks.state(ordinal) == TaskState.WAITING) {
        end(job, ordinal, TaskEvent.CANCELLED, "scaled down to " + wanted);
      }
    }
    job.cursor = 0;
  }

  private static void prune(Job job) {
    int surplus = job.versions.size() - Limits.MAX_VERSIONS;
    for (int i = 0; surplus > 0 && i < job.versions.size() - 1; ) {
      if (job.versions.get(i).live == 0) {
        job.versions.remove(i);
        surplus--;
      } else {
        i++;
      }
    }
  }

  void unblocked(Change.JobUnblocked of) {
    Job job = state.jobOf(of.number());
    if (!job.blocked) {
      throw new InvariantError("job " + job.number + " waits for nothing");
    }
    job.blocked = false;
    state.touched(job);
  }

  void held(Change.JobHeld of) {
    Job job = state.jobOf(of.number());
    move(job, JobEvent.HELD);
    job.reason = "held by " + of.principal();
    state.touched(job);
  }

  void released(Change.JobReleased of) {
    Job job = state.jobOf(of.number());
    move(job, job.startNanos == 0 ? JobEvent.RELEASED : JobEvent.RELEASED_STARTED);
    job.reason = "";
    state.touched(job);
  }

  void suspended(Change.JobSuspended of) {
    Job job = state.jobOf(of.number());
    if (!job.live() || job.suspended()) {
      throw new InvariantError("job " + job.number + " is not to be suspended");
    }
    job.suspendReason = "suspended by " + of.principal();
    state.touched(job);
  }

  void resumed(Change.JobResumed of) {
    Job job = state.jobOf(of.number());
    if (!job.live() || !job.suspended()) {
      throw new InvariantError("job " + job.number + " is not suspended");
    }
    job.suspendReason = "";
    state.touched(job);
  }

  void stopping(Change.JobStopping of) {
    Job job = state.jobOf(of.number());
    move(job, JobEvent.STOPPING);
    if (job.ending != null) {
      throw new InvariantError("job " + job.number + " is ending already");
    }
    job.ending = of.ending();
    job.endingReason = of.reason();
    job.tasks.endWaiting(
        of.ending() == JobEnding.DEPENDENCY ? TaskEvent.DROPPED : TaskEvent.CANCELLED);
    job.special.clear();
    for (int at = job.tasks.nextLive(0); at >= 0; at = job.tasks.nextLive(at + 1)) {
      job.tasks.moveAttempt(at, AttemptEvent.STOP, job.taskName(at));
      TaskState _ = job.tasks.move(at, TaskEvent.STOPPING, job.taskName(at));
    }
    state.touched(job);
  }

  void ended(Change.JobEnded of) {
    Job job = state.jobOf(of.number());
    if (job.tasks.ended() != job.tasks.size()) {
      throw new InvariantError("tasks of job " + job.number + " have not ended");
    }
    move(
        job,
        switch (of.state()) {
          case SUCCEEDED -> JobEvent.SUCCEEDED;
          case FAILED -> JobEvent.FAILED;
          case CANCELLED -> JobEvent.CANCELLED;
          case QUEUED, RUNNING, HELD ->
              throw new InvariantError("job " + job.number + " cannot end as " + of.state());
        });
    job.reason = of.reason();
    job.exitCode = of.exitCode();
    job.endNanos = state.nowNanos;
    job.blocked = false;
    job.suspendReason = "";
    state.liveJobs.remove(job.number);
    unlink(job);
    state.touched(job);
  }

  void retried(Change.JobRetried of) {
    Job job = state.jobOf(of.number());
    boolean ended = !job.live();
    move(job, job.startNanos == 0 ? JobEvent.RETRIED : JobEvent.RETRIED_STARTED);
    if (ended) {
      job.reason = "";
      job.ending = null;
      job.endingReason = "";
      job.endNanos = 0;
      job.exitCode = 0;
      setDeadline(job);
      state.liveJobs.put(job.number, job);
      link(job);
    }
    if (of.indexes().isEmpty()) {
      job.tasks.retryUnsuccessful(ordinal -> forgetRestarts(job, ordinal));
    } else {
      eachOf(job, of.indexes(), ordinal -> retry(job, ordinal));
    }
    job.cursor = 0;
    job.infeasibleAt = -1;
    state.touched(job);
  }

  private void retry(Job job, int ordinal) {
    TaskState _ = job.tasks.move(ordinal, TaskEvent.RETRIED, job.taskName(ordinal));
    forgetRestarts(job, ordinal);
  }

  private static void forgetRestarts(Job job, int ordinal) {
    Extra extra = job.tasks.extraOrNull(ordinal);
    if (extra != null) {
      extra.forgetRestarts();
    }
    job.special.remove(ordinal);
  }

  void deleted(Change.JobDeleted of) {
    Job job = state.jobOf(of.number());
    if (job.live()) {
      throw new InvariantError("job " + job.number + " lives");
    }
    state.jobs.remove(job.number);
    state.jobsBySequence.remove(job.uid.sequence());
    remove(state.jobsByName, State.key(job.namespace, job.name), job.number);
    remove(state.jobsByOwner, State.key(job.namespace, job.owner), job.number);
    state.count(job.state, -1);
    state.taskCount -= job.tasks.size();
  }

  void endTasks(long number, List<IndexRange> indexes, TaskEvent event, String reason) {
    Job job = state.jobOf(number);
    eachOf(job, indexes, ordinal -> end(job, ordinal, event, reason));
    state.touched(job);
  }

  private static void end(Job job, int ordinal, TaskEvent event, String reason) {
    TaskState _ = job.tasks.move(ordinal, event, job.taskName(ordinal));
    job.tasks.writable(ordinal).extra(TaskStore.at(ordinal)).taskReason = reason;
    job.special.remove(ordinal);
  }

  private static void eachOf(Job job, List<IndexRange> indexes, IntConsumer action) {
    for (IndexRange range : indexes) {
      for (int index = range.first(); index <= range.last(); index += range.step()) {
        int ordinal = job.ordinalOf(index);
        if (ordinal < 0) {
          throw new InvariantError("job " + job.number + " has no task " + index);
        }
        action.accept(ordinal);
      }
    }
  }

  private void move(Job job, JobEvent event) {
    JobState next = Tables.JOB.move(job.state, event, String.valueOf(job.number));
    state.count(job.state, -1);
    job.state = next;
    state.count(job.state, 1);
  }
}

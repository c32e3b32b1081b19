package orch.controller.core;

import orch.api.model.Dependency;
import orch.api.model.DependencyCondition;
import orch.api.model.JobState;
import orch.api.model.TaskState;

/** Whether what a job or a task waits for has come, or never can. */
final class Dependencies {
  /** Judgement on a dependency. */
  enum Verdict {
    MET,
    OPEN,
    /** It can never be met. */
    NEVER
  }

  private Dependencies() {}

  /** The job's dependency number {@code i} on another job as a whole. */
  static Verdict ofJob(State state, Job job, int i) {
    Job upstream = state.jobs.get(job.dependsOn.get(i));
    if (upstream == null) {
      return Verdict.NEVER;
    }
    DependencyCondition condition = job.spec().dependsOn().get(i).condition();
    boolean ended = !upstream.live();
    boolean met =
        switch (condition) {
          case SUCCEEDED -> upstream.state == JobState.SUCCEEDED;
          case FAILED -> upstream.state == JobState.FAILED;
          case FINISHED -> ended;
          case STARTED -> upstream.startNanos != 0;
        };
    return met ? Verdict.MET : ended ? Verdict.NEVER : Verdict.OPEN;
  }

  /** All dependencies of one task that go by the index together. */
  static Verdict ofTask(State state, Job job, int ordinal) {
    Verdict all = Verdict.MET;
    for (int i = 0; i < job.dependsOn.size(); i++) {
      if (job.spec().dependsOn().get(i).sameIndex()) {
        Verdict one = ofTask(state, job, i, ordinal);
        if (one == Verdict.NEVER) {
          return one;
        }
        all = one == Verdict.OPEN ? one : all;
      }
    }
    return all;
  }

  /** The task's dependency number {@code i} on the task of the same index. */
  static Verdict ofTask(State state, Job job, int i, int ordinal) {
    Job upstream = state.jobs.get(job.dependsOn.get(i));
    int other = upstream == null ? -1 : upstream.ordinalOf(job.indexOf(ordinal));
    if (upstream == null || other < 0) {
      return Verdict.NEVER;
    }
    TaskState task = upstream.tasks.state(other);
    boolean met =
        switch (job.spec().dependsOn().get(i).condition()) {
          case SUCCEEDED -> task == TaskState.SUCCEEDED;
          case FAILED -> task == TaskState.FAILED || task == TaskState.KILLED;
          case FINISHED -> task.ended();
          case STARTED -> hasStarted(upstream, other);
        };
    return met ? Verdict.MET : task.ended() ? Verdict.NEVER : Verdict.OPEN;
  }

  private static boolean hasStarted(Job upstream, int ordinal) {
    Chunk chunk = upstream.tasks.readable(ordinal);
    return chunk != null
        && (chunk.startNanos[TaskStore.at(ordinal)] != 0
            || chunk.state(TaskStore.at(ordinal)) == TaskState.RUNNING
            || chunk.attempts[TaskStore.at(ordinal)] > 1);
  }

  /** Whether the job goes by the index in any of its dependencies. */
  static boolean byIndex(Job job) {
    return job.spec().dependsOn().stream().anyMatch(Dependency::sameIndex);
  }

  /** Whether the live job of the same name that the job follows has not ended yet. */
  static boolean waitsForPredecessor(State state, Job job) {
    Job before = state.jobs.get(job.afterJob);
    return before != null && before.live();
  }
}

package orch.controller.core;

import orch.api.model.IndexRange;

/** Tells what a change touched; watches are made from it. Needs no state. */
public final class Touched {
  /** Receives it; a thing may come several times. */
  public interface Sink {
    /** The job's own fields or its counts. */
    void job(long number);

    void task(long jobNumber, int index);

    /** Any number of the job's tasks. */
    void tasksOf(long jobNumber);

    /** {@code number} as in {@link Change.NodeRegistered}; reservations alone are not told. */
    void node(int number);
  }

  private Touched() {}

  public static void by(Change change, Sink sink) {
    switch (change) {
      case Change.ClusterCreated _,
          Change.EpochStarted _,
          Change.FormatRaised _,
          Change.IncarnationRaised _,
          Change.NumbersRaised _,
          Change.RestoreSettled _,
          Change.RequestAnswered _,
          Change.RequestsExpired _,
          Change.FleetBrakeChanged _,
          Change.NodeRefused _,
          Change.NodeRefusalsForgotten _,
          Change.NodeAdmitted _ -> {}
      case Change.JobSubmitted job -> sink.job(job.number());
      case Change.JobVersioned job -> {
        sink.job(job.number());
        sink.tasksOf(job.number());
      }
      case Change.JobUnblocked job -> sink.job(job.number());
      case Change.JobHeld job -> sink.job(job.number());
      case Change.JobReleased job -> sink.job(job.number());
      case Change.JobSuspended job -> {
        sink.job(job.number());
        sink.tasksOf(job.number());
      }
      case Change.JobResumed job -> {
        sink.job(job.number());
        sink.tasksOf(job.number());
      }
      case Change.JobStopping job -> {
        sink.job(job.number());
        sink.tasksOf(job.number());
      }
      case Change.JobEnded job -> sink.job(job.number());
      case Change.JobRetried job -> ranges(job.number(), job.indexes(), sink);
      case Change.JobDeleted job -> sink.job(job.number());
      case Change.TasksCancelled tasks -> ranges(tasks.number(), tasks.indexes(), sink);
      case Change.TasksDropped tasks -> ranges(tasks.number(), tasks.indexes(), sink);
      case Change.AttemptsPlaced placed -> {
        for (Change.Placed attempt : placed.attempts()) {
          task(attempt.number(), attempt.index(), sink);
        }
      }
      case Change.AttemptsRunning running -> {
        for (Change.Started started : running.attempts()) {
          task(started.attempt(), sink);
        }
      }
      case Change.AttemptsReadiness said -> {
        said.ready().forEach(attempt -> task(attempt, sink));
        said.notReady().forEach(attempt -> task(attempt, sink));
      }
      case Change.AttemptsStopping stopping -> {
        for (AttemptRef attempt : stopping.attempts()) {
          task(attempt, sink);
        }
      }
      case Change.AttemptsEnded ends -> {
        for (Change.Ended ended : ends.attempts()) {
          task(ended.attempt(), sink);
        }
      }
      case Change.NodeReconciled node -> sink.node(node.node());
      case Change.AttemptsHeld held -> sink.node(held.node());
      case Change.HeldStopping held -> sink.node(held.node());
      case Change.HeldGone held -> sink.node(held.node());
      case Change.NodeAdopted adopted -> sink.node(adopted.node());
      case Change.AttemptAdopted adopted -> sink.node(adopted.node());
      case Change.NodeRegistered node -> sink.node(node.node());
      case Change.NodeUpdated node -> sink.node(node.node());
      case Change.NodeSettled node -> sink.node(node.node());
      case Change.NodeContactChanged node -> sink.node(node.node());
      case Change.NodeAvailabilityChanged node -> sink.node(node.node());
      case Change.NodeLabelled node -> sink.node(node.node());
      case Change.NodeReplaced node -> sink.node(node.node());
    }
  }

  private static void task(AttemptRef attempt, Sink sink) {
    task(attempt.jobNumber(), attempt.index(), sink);
  }

  private static void task(long jobNumber, int index, Sink sink) {
    sink.job(jobNumber);
    sink.task(jobNumber, index);
  }

  private static void ranges(long jobNumber, Iterable<IndexRange> indexes, Sink sink) {
    sink.job(jobNumber);
    for (IndexRange range : indexes) {
      if (range.first() != range.last()) {
        sink.tasksOf(jobNumber);
        return;
      }
    }
    for (IndexRange range : indexes) {
      sink.task(jobNumber, range.first());
    }
  }
}

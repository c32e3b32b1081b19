package orch.controller.core;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What time brings: deadlines, nodes given up, forgotten answers, jobs whose retention is over. */
final class Timekeeper {
  private static final Duration ANSWERS_KEPT = Limits.REQUEST_ID_AGE.plus(Limits.REQUEST_ID_AHEAD);
  private static final int MAX_DEADLINES = 200;
  private static final int MAX_DELETED = 1_000;
  private static final long RETENTION_PERIOD_NANOS = Duration.ofMinutes(1).toNanos();

  private final State state;
  private final Settler settler;
  private final NodeWork work;
  private final FleetLoss fleetLoss;
  private final RefusedNodes refusals;
  private long retentionCheckedNanos;

  Timekeeper(
      State state, Settler settler, NodeWork work, FleetLoss fleetLoss, RefusedNodes refusals) {
    this.fleetLoss = fleetLoss;
    this.refusals = refusals;
    this.state = state;
    this.settler = settler;
    this.work = work;
  }

  void begin() {
    retentionCheckedNanos = 0;
  }

  void tick(Draft draft, Instant now) {
    long before = now.toEpochMilli() - ANSWERS_KEPT.toMillis();
    if (state.requests.oldestMillis() < before) {
      draft.emit(new Change.RequestsExpired(before));
    }
    long nanos = State.nanos(now);
    deadlines(draft, nanos);
    refusals.expire(draft, nanos);
    // Before anything is given up.
    fleetLoss.look(draft);
    work.lookAtSilent();
    if (nanos - retentionCheckedNanos >= RETENTION_PERIOD_NANOS) {
      retentionCheckedNanos = nanos;
      retention(draft, nanos);
    }
  }

  private void deadlines(Draft draft, long nowNanos) {
    List<Job> late = new ArrayList<>();
    for (Job job : state.liveJobs.values()) {
      if (job.deadlineNanos != 0
          && job.deadlineNanos <= nowNanos
          && job.ending == null
          && late.size() < MAX_DEADLINES) {
        late.add(job);
      }
    }
    for (Job job : late) {
      Duration deadline = job.spec().deadline();
      settler.stop(
          draft,
          job,
          JobEnding.DEADLINE,
          "its deadline of " + (deadline == null ? "" : deadline.toSeconds() + " s ") + "passed");
    }
  }

  private void retention(Draft draft, long nowNanos) {
    List<Long> over = new ArrayList<>();
    for (Job job : state.jobs.values()) {
      if (over.size() == MAX_DELETED) {
        break;
      }
      if (!job.live()
          && nowNanos - job.endNanos >= job.spec().retention().results().toNanos()
          && firstWaiting(state, job) == null) {
        over.add(job.number);
      }
    }
    over.forEach(number -> draft.emit(new Change.JobDeleted(number)));
  }

  /** Number of a live job that still waits for this one; null: none. */
  static @Nullable Long firstWaiting(State state, Job job) {
    for (long number : job.dependents) {
      Job dependent = state.jobOf(number);
      if (dependent.blocked || Dependencies.byIndex(dependent)) {
        return number;
      }
    }
    return null;
  }
}

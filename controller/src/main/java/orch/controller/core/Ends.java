package orch.controller.core;

import java.time.Duration;
import java.util.Arrays;
import orch.api.model.AttemptState;
import orch.api.model.Result;
import orch.api.model.ResultKind;
import orch.api.model.TaskState;
import orch.api.model.Uid;
import orch.controller.restart.AttemptEnd;
import orch.controller.restart.Backoffs;
import orch.controller.restart.RestartDecision;
import orch.controller.restart.RestartHistory;
import orch.controller.restart.RestartRules;
import org.jspecify.annotations.Nullable;

/** What becomes of a task whose attempt ended: an operator's wish goes before the policy. */
final class Ends {
  /** The outcome, and whether a restart is to be tried on the same node. */
  record Outcome(Next next, boolean here) {}

  private Ends() {}

  /**
   * Decides.
   *
   * @param result null for DROPPED only
   */
  static Outcome next(
      State state,
      Job job,
      int ordinal,
      AttemptState end,
      @Nullable Result result,
      long startNanos,
      long endNanos) {
    StopCause cause =
        job.ending != null || job.tasks.attemptState(ordinal) == AttemptState.STOPPING
            ? Settler.causeOf(job, ordinal)
            : null;
    if (cause != null) {
      return switch (cause) {
        case JOB, TASK -> new Outcome(new Next.Ends(endOfStopped(end), ""), false);
        case UPDATE, RESTART -> new Outcome(again(job, ordinal), false);
        case DRAIN ->
            end == AttemptState.SUCCEEDED || end == AttemptState.FAILED
                ? byPolicy(state, job, ordinal, end, result, startNanos, endNanos)
                : new Outcome(again(job, ordinal), false);
      };
    }
    if (end == AttemptState.DROPPED || result == null) {
      return new Outcome(droppedAgain(state, job, ordinal), false);
    }
    return byPolicy(state, job, ordinal, end, result, startNanos, endNanos);
  }

  /** A task that was to end: what ended by itself at the same moment keeps its own end. */
  private static TaskState endOfStopped(AttemptState end) {
    return switch (end) {
      case SUCCEEDED -> TaskState.SUCCEEDED;
      case FAILED -> TaskState.FAILED;
      case KILLED, DROPPED, LOST -> TaskState.CANCELLED;
      case PLACED, STARTING, RUNNING, STOPPING, UNREACHABLE ->
          throw new InvariantError("an attempt cannot end as " + end);
    };
  }

  /** Another attempt that nobody's restarts pay for. */
  private static Next.Waits again(Job job, int ordinal) {
    Extra extra = job.tasks.extraOrNull(ordinal);
    return new Next.Waits(
        0, false, extra == null ? 0 : extra.step, false, false, memory(job, ordinal));
  }

  /** Its agent refused it: elsewhere at once, and slower if that goes on. */
  private static Next.Waits droppedAgain(State state, Job job, int ordinal) {
    Extra extra = job.tasks.extraOrNull(ordinal);
    int step = extra == null ? 0 : extra.step;
    Uid uid = state.uidOf(job, ordinal);
    long delay =
        step == 0 ? 0 : Backoffs.delay(job.spec().restart().backoff(), step, uid).toMillis();
    return new Next.Waits(delay, false, step + 1, false, true, memory(job, ordinal));
  }

  private static long memory(Job job, int ordinal) {
    Extra extra = job.tasks.extraOrNull(ordinal);
    return extra == null ? 0 : extra.memoryBytes;
  }

  private static Outcome byPolicy(
      State state,
      Job job,
      int ordinal,
      AttemptState end,
      @Nullable Result result,
      long startNanos,
      long endNanos) {
    if (result == null) {
      throw new InvariantError(job.taskName(ordinal) + " ended as " + end + " without a result");
    }
    Extra extra = job.tasks.extraOrNull(ordinal);
    RestartHistory history =
        extra == null
            ? RestartHistory.NONE
            : new RestartHistory(
                extra.counted, extra.step, Arrays.stream(extra.times).boxed().toList());
    long spec = job.spec().resources().memoryBytes();
    long own = memory(job, ordinal);
    AttemptEnd ended =
        new AttemptEnd(
            state.uidOf(job, ordinal),
            result,
            startNanos == 0 || endNanos < startNanos
                ? Duration.ZERO
                : Duration.ofNanos(endNanos - startNanos),
            result.kind() == ResultKind.EVICTED,
            own == 0 ? spec : own);
    return switch (RestartRules.decide(job.spec().restart(), ended, history, state.decisionNanos)) {
      case RestartDecision.Succeed _ -> new Outcome(new Next.Ends(TaskState.SUCCEEDED, ""), false);
      case RestartDecision.Fail fail ->
          new Outcome(
              new Next.Ends(
                  end == AttemptState.KILLED || result.kind() == ResultKind.STOPPED
                      ? TaskState.KILLED
                      : TaskState.FAILED,
                  fail.reason()),
              false);
      case RestartDecision.Again again ->
          new Outcome(
              new Next.Waits(
                  again.delay().toMillis(),
                  again.counted(),
                  again.step(),
                  again.anew(),
                  !again.here(),
                  again.memoryBytes() == spec ? 0 : again.memoryBytes()),
              again.here());
    };
  }
}

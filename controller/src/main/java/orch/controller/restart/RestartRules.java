package orch.controller.restart;

import java.time.Duration;
import orch.api.model.ExitCodeRange;
import orch.api.model.RestartAction;
import orch.api.model.RestartPolicy;
import orch.api.model.RestartRule;
import orch.api.model.RestartWhen;
import orch.api.model.Result;
import orch.api.model.ResultKind;
import org.jspecify.annotations.Nullable;

/** Decides by a job's restart policy. */
public final class RestartRules {
  private RestartRules() {}

  /**
   * Decides what becomes of a task whose attempt ended by itself, by its host's death or by a
   * preemption. Ends that were asked for never come here.
   *
   * @param nowNanos the log's clock
   */
  public static RestartDecision decide(
      RestartPolicy policy, AttemptEnd end, RestartHistory history, long nowNanos) {
    RestartRule rule = firstMatch(policy, end);
    if (rule == null) {
      return byWhen(policy, end, history, nowNanos);
    }
    return switch (rule.action()) {
      case SUCCEED -> new RestartDecision.Succeed();
      case FAIL -> new RestartDecision.Fail("");
      case RESTART, RESCHEDULE ->
          again(
              policy,
              end,
              history,
              nowNanos,
              rule.action() == RestartAction.RESTART,
              rule.uncounted(),
              grown(end.memoryBytes(), rule.memoryFactor()));
    };
  }

  private static RestartDecision byWhen(
      RestartPolicy policy, AttemptEnd end, RestartHistory history, long nowNanos) {
    boolean success = end.result().success() && !end.preempted();
    boolean restarts =
        policy.when() == RestartWhen.ALWAYS
            || (policy.when() == RestartWhen.ON_FAILURE && !success);
    if (restarts && end.preempted()) {
      // No fault of the task's: wherever there is room, and no retry is used up.
      return again(policy, end, history, nowNanos, false, true, end.memoryBytes());
    }
    if (restarts) {
      return again(policy, end, history, nowNanos, true, false, end.memoryBytes());
    }
    return success ? new RestartDecision.Succeed() : new RestartDecision.Fail("");
  }

  private static RestartDecision again(
      RestartPolicy policy,
      AttemptEnd end,
      RestartHistory history,
      long nowNanos,
      boolean here,
      boolean uncounted,
      long memoryBytes) {
    int step = nextStep(policy, end, history);
    // What was no fault of the task's gets another place without a delay; but where memory grew
    // short, it would soon do so again.
    Duration delay =
        nodeLost(end.result()) || (end.preempted() && end.result().kind() != ResultKind.EVICTED)
            ? Duration.ZERO
            : Backoffs.delay(policy.backoff(), step, end.uid());
    if (uncounted) {
      return new RestartDecision.Again(here, delay, false, step, false, memoryBytes);
    }
    if (policy.maxRetries() < 0 || used(policy, history, nowNanos) < policy.maxRetries()) {
      return new RestartDecision.Again(here, delay, true, step, false, memoryBytes);
    }
    return exhausted(policy, end, step, delay, memoryBytes);
  }

  private static RestartDecision exhausted(
      RestartPolicy policy, AttemptEnd end, int step, Duration delay, long memoryBytes) {
    return switch (policy.exhausted()) {
      case FAIL -> new RestartDecision.Fail(usedUp(policy));
      case RESCHEDULE -> new RestartDecision.Again(false, delay, false, step, true, memoryBytes);
      case DELAY ->
          new RestartDecision.Again(
              true, Backoffs.longest(policy.backoff(), end.uid()), false, step, false, memoryBytes);
    };
  }

  private static String usedUp(RestartPolicy policy) {
    if (policy.maxRetries() == 0) {
      return "";
    }
    String restarts = policy.maxRetries() == 1 ? "1 restart" : policy.maxRetries() + " restarts";
    Duration window = policy.window();
    return window == null
        ? "its " + restarts + " are used up"
        : "its " + restarts + " within " + window.toSeconds() + " s are used up";
  }

  private static int nextStep(RestartPolicy policy, AttemptEnd end, RestartHistory history) {
    boolean ranLong = end.ran().compareTo(policy.backoff().resetAfter()) >= 0;
    return ranLong ? 1 : Math.addExact(history.step(), 1);
  }

  private static int used(RestartPolicy policy, RestartHistory history, long nowNanos) {
    Duration window = policy.window();
    if (window == null) {
      return history.counted();
    }
    long from = nowNanos - window.toNanos();
    int used = 0;
    for (long time : history.times()) {
      if (time > from) {
        used++;
      }
    }
    return used;
  }

  private static @Nullable RestartRule firstMatch(RestartPolicy policy, AttemptEnd end) {
    for (RestartRule rule : policy.rules()) {
      if (matches(rule, end)) {
        return rule;
      }
    }
    return null;
  }

  private static boolean matches(RestartRule rule, AttemptEnd end) {
    Result result = end.result();
    return (rule.exitCodes().isEmpty() || exitCodeIn(rule, result))
        && (rule.signals().isEmpty() || signalIn(rule, result))
        && (!rule.oom() || result.kind() == ResultKind.OUT_OF_MEMORY || result.oomKilled())
        && (!rule.nodeLost() || nodeLost(result))
        && (!rule.preempted() || end.preempted())
        && (!rule.timedOut() || result.kind() == ResultKind.TIMED_OUT)
        && (!rule.startFailed() || result.kind() == ResultKind.START_FAILED);
  }

  private static boolean exitCodeIn(RestartRule rule, Result result) {
    if (result.kind() != ResultKind.EXITED) {
      return false;
    }
    for (ExitCodeRange range : rule.exitCodes()) {
      if (range.contains(result.siStatus())) {
        return true;
      }
    }
    return false;
  }

  private static boolean signalIn(RestartRule rule, Result result) {
    return result.kind() == ResultKind.SIGNALED && rule.signals().contains(result.siStatus());
  }

  /** The host died or was cut off for too long, or the attempt is gone without a result. */
  private static boolean nodeLost(Result result) {
    return switch (result.kind()) {
      case LOST, UNKNOWN, NO_LEASE -> true;
      case EXITED, SIGNALED, OUT_OF_MEMORY, TIMED_OUT, START_FAILED, STOPPED, UNHEALTHY, EVICTED ->
          false;
    };
  }

  private static long grown(long memoryBytes, double factor) {
    if (memoryBytes == 0 || factor == 0 || factor == 1) {
      return memoryBytes;
    }
    return (long) Math.min(memoryBytes * factor, 0x1p62);
  }

  /** How many times a history of {@code policy} keeps. */
  public static int keptTimes(RestartPolicy policy) {
    return policy.window() == null ? 0 : Math.max(policy.maxRetries(), 0);
  }
}

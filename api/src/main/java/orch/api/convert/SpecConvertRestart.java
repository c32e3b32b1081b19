package orch.api.convert;

import static orch.api.convert.SpecConvertProblems.shown;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import orch.api.model.Backoff;
import orch.api.model.ExitCodeRange;
import orch.api.model.JobType;
import orch.api.model.RestartAction;
import orch.api.model.RestartExhausted;
import orch.api.model.RestartPolicy;
import orch.api.model.RestartRule;
import orch.api.model.Signal;
import orch.api.model.StopMode;
import orch.api.model.StopPolicy;
import orch.api.model.Template;

/** The part of the gate that reads how a task is run again and how it is stopped. */
final class SpecConvertRestart {
  private static final int MAX_RULES = 100;
  private static final int MAX_CODES = 256;
  private static final double MAX_MEMORY_FACTOR = 100;
  private static final double MAX_BACKOFF_FACTOR = 100;

  private SpecConvertRestart() {}

  static RestartPolicy restart(
      orch.v1.RestartPolicy proto, JobType type, SpecConvertProblems problems) {
    RestartPolicy unset =
        type == JobType.SERVICE ? RestartPolicy.SERVICE_DEFAULT : RestartPolicy.BATCH_DEFAULT;
    problems.atMost("restart.rules", proto.getRulesCount(), MAX_RULES);
    List<RestartRule> rules = new ArrayList<>();
    for (int i = 0; i < proto.getRulesCount(); i++) {
      rules.add(rule("restart.rules[" + i + "]", proto.getRules(i), problems));
    }
    return new RestartPolicy(
        problems.constant("restart.when", proto.getWhen(), unset.when()),
        rules,
        backoff(proto.getBackoff(), problems),
        proto.hasMaxRetries()
            ? problems.range("restart.maxRetries", proto.getMaxRetries(), -1, Integer.MAX_VALUE)
            : unset.maxRetries(),
        problems.positiveOrNull("restart.window", proto.hasWindow(), proto.getWindow()),
        problems.constant("restart.exhausted", proto.getExhausted(), RestartExhausted.FAIL));
  }

  private static RestartRule rule(
      String path, orch.v1.RestartRule proto, SpecConvertProblems problems) {
    problems.atMost(path + ".exitCodes", proto.getExitCodesCount(), MAX_CODES);
    List<ExitCodeRange> codes = new ArrayList<>();
    for (int i = 0; i < proto.getExitCodesCount(); i++) {
      orch.v1.ExitCodeRange range = proto.getExitCodes(i);
      String place = path + ".exitCodes[" + i + "]";
      if (range.getFirst() < 0 || range.getLast() > 255 || range.getFirst() > 255) {
        problems.add(
            place,
            "exit codes are 0 to 255, not "
                + (range.getFirst() == range.getLast()
                    ? range.getFirst()
                    : range.getFirst() + "-" + range.getLast()));
      } else if (range.getLast() < range.getFirst()) {
        problems.add(
            place, "ends at " + range.getLast() + ", before it begins at " + range.getFirst());
      }
      codes.add(new ExitCodeRange(range.getFirst(), range.getLast()));
    }
    List<Integer> signals = proto.getSignalsList();
    problems.atMost(path + ".signals", signals.size(), Signal.MAX);
    for (int i = 0; i < signals.size(); i++) {
      problems.range(path + ".signals[" + i + "]", signals.get(i), 1, Signal.MAX);
    }
    if (proto.getAction() == orch.v1.RestartAction.RESTART_ACTION_UNSPECIFIED) {
      problems.add(path + ".action", "is missing: restart, reschedule, fail or succeed");
    }
    double factor = proto.getMemoryFactor() == 0 ? 1 : proto.getMemoryFactor();
    return new RestartRule(
        codes,
        signals,
        proto.getOom(),
        proto.getNodeLost(),
        proto.getPreempted(),
        proto.getTimedOut(),
        proto.getStartFailed(),
        problems.constant(path + ".action", proto.getAction(), RestartAction.RESTART),
        proto.getUncounted(),
        problems.range(path + ".memoryFactor", factor, 1, MAX_MEMORY_FACTOR));
  }

  private static Backoff backoff(orch.v1.Backoff proto, SpecConvertProblems problems) {
    String path = "restart.backoff.";
    Backoff unset = Backoff.DEFAULT;
    Duration initial =
        problems.duration(
            path + "initial", proto.hasInitial(), proto.getInitial(), unset.initial());
    Duration max = problems.duration(path + "max", proto.hasMax(), proto.getMax(), unset.max());
    if (max.compareTo(initial) < 0) {
      problems.add(
          path + (proto.hasMax() ? "max" : "initial"),
          "the longest delay restart.backoff.max ("
              + shown(max)
              + (proto.hasMax() ? "" : ", the default")
              + ") is shorter than the first, restart.backoff.initial ("
              + shown(initial)
              + ")");
    }
    return new Backoff(
        initial,
        problems.range(
            path + "factor",
            proto.getFactor() == 0 ? unset.factor() : proto.getFactor(),
            1,
            MAX_BACKOFF_FACTOR),
        max,
        proto.hasJitter()
            ? problems.range(path + "jitter", proto.getJitter(), 0, 1)
            : unset.jitter(),
        problems.positive(
            path + "resetAfter", proto.hasResetAfter(), proto.getResetAfter(), unset.resetAfter()));
  }

  static StopPolicy stop(
      orch.v1.StopPolicy proto, JobType type, Template.Scope scope, SpecConvertProblems problems) {
    StopPolicy unset =
        type == JobType.SERVICE ? StopPolicy.SERVICE_DEFAULT : StopPolicy.BATCH_DEFAULT;
    problems.command("stop.preStop", proto.getPreStopList(), scope);
    Duration grace =
        problems.duration("stop.grace", proto.hasGrace(), proto.getGrace(), unset.grace());
    Duration maxGrace =
        problems.duration(
            "stop.maxGrace",
            proto.hasMaxGrace(),
            proto.getMaxGrace(),
            StopPolicy.defaultMaxGrace(grace));
    if (maxGrace.compareTo(grace) < 0) {
      problems.add(
          "stop.maxGrace", shown(maxGrace) + " is less than stop.grace (" + shown(grace) + ")");
    }
    return new StopPolicy(
        problems.signal("stop.signal", proto.getSignal(), unset.signal()),
        grace,
        maxGrace,
        proto.getPreStopList(),
        problems.constant("stop.mode", proto.getMode(), StopMode.GROUP));
  }
}

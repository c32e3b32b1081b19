package orch.api.convert;

import static orch.api.convert.SpecConvertProblems.shown;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import orch.api.model.Dependency;
import orch.api.model.DependencyCondition;
import orch.api.model.OnExit;
import orch.api.model.PartitionMode;
import orch.api.model.PartitionPolicy;
import orch.api.model.Retention;
import orch.api.model.Template;
import orch.api.model.TimeoutWarning;
import orch.api.model.UpdatePolicy;
import org.jspecify.annotations.Nullable;

/** The part of the gate that reads what stands around a task's run. */
final class SpecConvertLifecycle {
  /** Two heartbeats of an agent. */
  private static final Duration LEAST_STOP_AFTER = Duration.ofSeconds(4);

  private static final int MAX_DEPENDENCIES = 64;

  private static final Duration ON_EXIT_TIMEOUT = Duration.ofMinutes(5);

  private SpecConvertLifecycle() {}

  static @Nullable TimeoutWarning warn(
      orch.v1.JobSpec job, @Nullable Duration timeout, SpecConvertProblems problems) {
    if (!job.hasWarn()) {
      return null;
    }
    orch.v1.TimeoutWarning proto = job.getWarn();
    int signal = proto.getSignal();
    if (signal == 0) {
      problems.add(
          "warn.signal", "is missing: which signal announces the timeout, for example USR2");
    } else {
      problems.signal("warn.signal", signal, 0);
    }
    Duration before = problems.positiveOrNull("warn.before", proto.hasBefore(), proto.getBefore());
    if (before == null) {
      problems.add("warn.before", "is missing: how long before the timeout, for example 30s");
      before = Duration.ZERO;
    }
    if (timeout == null) {
      problems.add("warn", "announces the timeout, and there is none; set timeout");
    } else if (before.compareTo(timeout) >= 0) {
      problems.add(
          "warn.before",
          "must be shorter than timeout (" + shown(timeout) + "), not " + shown(before));
    }
    return new TimeoutWarning(signal, before, proto.getToAll());
  }

  static @Nullable OnExit onExit(
      orch.v1.JobSpec job, Template.Scope scope, SpecConvertProblems problems) {
    if (!job.hasOnExit()) {
      return null;
    }
    orch.v1.OnExit proto = job.getOnExit();
    if (proto.getCommandCount() == 0) {
      problems.add("onExit.command", "is missing; say what runs after the job's end");
    }
    problems.command("onExit.command", proto.getCommandList(), scope);
    return new OnExit(
        proto.getCommandList(),
        problems.positive(
            "onExit.timeout", proto.hasTimeout(), proto.getTimeout(), ON_EXIT_TIMEOUT));
  }

  static UpdatePolicy update(orch.v1.UpdatePolicy proto, SpecConvertProblems problems) {
    UpdatePolicy unset = UpdatePolicy.DEFAULT;
    int parallel = proto.getMaxParallel() == 0 ? unset.maxParallel() : proto.getMaxParallel();
    Duration healthy =
        problems.duration(
            "update.minHealthy", proto.hasMinHealthy(), proto.getMinHealthy(), unset.minHealthy());
    Duration deadline =
        problems.positive(
            "update.healthyDeadline",
            proto.hasHealthyDeadline(),
            proto.getHealthyDeadline(),
            unset.healthyDeadline());
    if (deadline.compareTo(healthy) <= 0) {
      problems.add(
          proto.hasHealthyDeadline() ? "update.healthyDeadline" : "update.minHealthy",
          "update.healthyDeadline ("
              + shown(deadline)
              + (proto.hasHealthyDeadline() ? "" : ", the default")
              + ") must be longer than update.minHealthy ("
              + shown(healthy)
              + ")");
    }
    return new UpdatePolicy(
        problems.range("update.maxParallel", parallel, 1, Integer.MAX_VALUE),
        healthy,
        deadline,
        problems.range("update.canary", proto.getCanary(), 0, Integer.MAX_VALUE),
        proto.getAutoRollback());
  }

  static PartitionPolicy partition(orch.v1.PartitionPolicy proto, SpecConvertProblems problems) {
    PartitionPolicy unset = PartitionPolicy.DEFAULT;
    PartitionPolicy policy =
        new PartitionPolicy(
            problems.constant("partition.mode", proto.getMode(), PartitionMode.KEEP),
            problems.positive(
                "partition.lostAfter",
                proto.hasLostAfter(),
                proto.getLostAfter(),
                unset.lostAfter()),
            problems.positive(
                "partition.stopAfter",
                proto.hasStopAfter(),
                proto.getStopAfter(),
                unset.stopAfter()));
    if (policy.stopAfter().compareTo(LEAST_STOP_AFTER) < 0) {
      problems.add(
          "partition.stopAfter",
          "must be at least 4s: a leader renews leases every 2 s, so a healthy task would end");
    }
    return policy;
  }

  static List<Dependency> dependsOn(orch.v1.JobSpec job, SpecConvertProblems problems) {
    problems.atMost("dependsOn", job.getDependsOnCount(), MAX_DEPENDENCIES);
    List<Dependency> dependencies = new ArrayList<>();
    Map<String, Integer> seen = new TreeMap<>();
    for (int i = 0; i < job.getDependsOnCount(); i++) {
      String path = "dependsOn[" + i + "]";
      orch.v1.Dependency proto = job.getDependsOn(i);
      String other = proto.getJob();
      if (other.isEmpty()) {
        problems.add(path + ".job", "is missing: the number or name of the job to wait for");
      } else if (!other.matches("[1-9][0-9]{0,17}") && !SpecConvert.NAME.matcher(other).matches()) {
        problems.add(
            path + ".job",
            "'" + SpecConvertProblems.shortened(other) + "' is neither a job's number nor a name");
      } else if (other.equals(job.getName())) {
        problems.add(path + ".job", "the job would wait for itself");
      }
      Integer first = seen.putIfAbsent(other, i);
      if (first != null && !other.isEmpty()) {
        problems.add(path, "waits for '" + other + "' as dependsOn[" + first + "] does; drop one");
      }
      dependencies.add(
          new Dependency(
              other,
              problems.constant(
                  path + ".condition", proto.getCondition(), DependencyCondition.SUCCEEDED),
              proto.getSameIndex()));
    }
    return dependencies;
  }

  static Retention retention(orch.v1.Retention proto, SpecConvertProblems problems) {
    Retention unset = Retention.DEFAULT;
    return new Retention(
        problems.duration(
            "retention.results", proto.hasResults(), proto.getResults(), unset.results()),
        problems.duration("retention.logs", proto.hasLogs(), proto.getLogs(), unset.logs()));
  }
}

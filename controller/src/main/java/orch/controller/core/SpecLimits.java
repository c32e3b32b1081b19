package orch.controller.core;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import orch.api.model.Affinity;
import orch.api.model.Blob;
import orch.api.model.Execution;
import orch.api.model.HealthCheck;
import orch.api.model.IndexRange;
import orch.api.model.JobSpec;
import orch.api.model.JobType;
import orch.api.model.Probe;
import orch.api.model.TaskSet;
import orch.controller.scheduler.Constraint;
import org.jspecify.annotations.Nullable;

/**
 * What the core itself demands of a spec, beyond the gate that every spec has passed: what it
 * cannot run yet, what its limits are, and that constraints can be read.
 */
final class SpecLimits {
  /** Bytes that each text, number or entry may take beside its own characters. */
  private static final int OVERHEAD = 12;

  private SpecLimits() {}

  static @Nullable Rejection check(JobSpec spec) {
    if (spec.schedule() != null || !spec.parameters().isEmpty()) {
      return new Rejection(
          RejectionCode.UNIMPLEMENTED,
          "NO_TEMPLATES",
          spec.schedule() != null ? "spec.schedule" : "spec.parameters",
          "this controller runs no templates yet: submit the job without schedule and parameters");
    }
    Rejection unbuilt = unbuilt(spec);
    if (unbuilt != null) {
      return unbuilt;
    }
    long size = size(spec);
    if (size > Limits.MAX_SPEC_BYTES) {
      return SubmitRules.invalid(
          "SPEC_TOO_LARGE",
          "spec",
          "the spec takes about "
              + size
              + " bytes, at most "
              + Limits.MAX_SPEC_BYTES
              + " are stored; lay large inputs into files on the nodes");
    }
    Rejection wrong = tasks(spec);
    return wrong != null ? wrong : placement(spec);
  }

  /** What would be taken and never done is refused instead. */
  private static @Nullable Rejection unbuilt(JobSpec spec) {
    if (spec.onExit() != null) {
      return unbuilt("spec.on_exit", "runs no onExit commands", "let a job with dependsOn follow");
    }
    for (HealthCheck check :
        Arrays.asList(
            spec.health().startup(), spec.health().readiness(), spec.health().liveness())) {
      if (check != null && !(check.probe() instanceof Probe.Notify)) {
        return unbuilt("spec.health", "runs no probes but notify", "use notify, or leave it out");
      }
    }
    return spec.update().canary() > 0
        ? unbuilt("spec.update.canary", "runs no canaries", "leave canary out")
        : null;
  }

  private static Rejection unbuilt(String field, String what, String instead) {
    return new Rejection(
        RejectionCode.UNIMPLEMENTED,
        "NOT_BUILT",
        field,
        "this controller " + what + " yet: " + instead);
  }

  private static @Nullable Rejection tasks(JobSpec spec) {
    TaskSet tasks = spec.tasks();
    if (tasks.ranges().size() > Limits.MAX_RANGES) {
      return SubmitRules.invalid(
          "TOO_MANY_RANGES", "spec.array", "an array has at most " + Limits.MAX_RANGES + " ranges");
    }
    if (tasks.gang() && tasks.size() > Limits.MAX_GANG) {
      return SubmitRules.invalid(
          "GANG_TOO_LARGE",
          "spec.gang",
          "a gang has at most " + Limits.MAX_GANG + " tasks, this has " + tasks.size());
    }
    if (tasks.gang() && tasks.parallelism() > 0 && tasks.parallelism() < tasks.size()) {
      return SubmitRules.invalid(
          "GANG_NEVER_FITS",
          "spec.parallelism",
          "a gang starts all "
              + tasks.size()
              + " tasks at once, but parallelism allows "
              + tasks.parallelism());
    }
    if (tasks.succeedWhen() > tasks.size()) {
      return SubmitRules.invalid(
          "NEVER_ENOUGH",
          "spec.succeed_when",
          "succeedWhen is " + tasks.succeedWhen() + ", but there are " + tasks.size() + " tasks");
    }
    IndexRange first = tasks.ranges().getFirst();
    boolean fromZero = tasks.ranges().size() == 1 && first.first() == 0 && first.step() == 1;
    if (spec.type() == JobType.SERVICE && !fromZero) {
      return SubmitRules.invalid(
          "SERVICE_ARRAY", "spec.array", "a service has a count, no array of indexes");
    }
    if (spec.type() == JobType.SERVICE && tasks.size() > Limits.MAX_SERVICE_TASKS) {
      return SubmitRules.invalid(
          "TOO_MANY_TASKS",
          "spec.count",
          "a service has at most " + Limits.MAX_SERVICE_TASKS + " tasks");
    }
    if (spec.dependsOn().size() > Limits.MAX_DEPENDENCIES) {
      return SubmitRules.invalid(
          "TOO_MANY_DEPENDENCIES",
          "spec.depends_on",
          "a job depends on at most " + Limits.MAX_DEPENDENCIES + " others");
    }
    return null;
  }

  private static @Nullable Rejection placement(JobSpec spec) {
    if (spec.resources().ports().size() > Limits.MAX_PORTS) {
      return SubmitRules.invalid(
          "TOO_MANY_PORTS",
          "spec.resources.ports",
          "a task has at most " + Limits.MAX_PORTS + " ports");
    }
    List<String> constraints = spec.placement().constraints();
    for (int i = 0; i < constraints.size(); i++) {
      String wrong = unreadable(constraints.get(i));
      if (wrong != null) {
        return SubmitRules.invalid(
            "BAD_CONSTRAINT", "spec.placement.constraints[" + i + "]", wrong);
      }
    }
    List<Affinity> affinity = spec.placement().affinity();
    for (int i = 0; i < affinity.size(); i++) {
      String wrong = unreadable(affinity.get(i).expression());
      if (wrong != null) {
        return SubmitRules.invalid(
            "BAD_CONSTRAINT", "spec.placement.affinity[" + i + "].expression", wrong);
      }
    }
    return null;
  }

  private static @Nullable String unreadable(String constraint) {
    try {
      Constraint _ = Constraint.parse(constraint);
      return null;
    } catch (IllegalArgumentException wrong) {
      return Limits.cut(String.valueOf(wrong.getMessage()));
    }
  }

  /** An upper bound of the bytes of a spec in the log, in what may be large. */
  static long size(JobSpec spec) {
    Execution execution = spec.execution();
    long size =
        texts(execution.command())
            + texts(spec.tasks().items())
            + texts(execution.env())
            + texts(spec.labels())
            + bytes(execution.script())
            + text(spec.name())
            + text(spec.title())
            + text(execution.stdin())
            + text(execution.stdout())
            + text(execution.stderr())
            + text(execution.user())
            + text(execution.workingDirectory())
            + texts(execution.capabilities())
            + texts(spec.stop().preStop())
            + texts(spec.placement().constraints())
            + texts(spec.placement().spread())
            + texts(spec.resources().ports())
            + texts(List.copyOf(spec.resources().devices().keySet()))
            + texts(List.copyOf(spec.resources().licenses().keySet()))
            + 32L * spec.tasks().ranges().size();
    for (Map.Entry<String, Blob> file : execution.files().entrySet()) {
      size += text(file.getKey()) + bytes(file.getValue());
    }
    for (Affinity affinity : spec.placement().affinity()) {
      size += text(affinity.expression()) + OVERHEAD;
    }
    // All else is numbers, and texts of the health checks, restart rules and dependencies.
    return size + texts(List.of(rest(spec)));
  }

  private static String rest(JobSpec spec) {
    return spec.restart().toString()
        + spec.health()
        + spec.dependsOn()
        + spec.onExit()
        + execution(spec.execution());
  }

  private static String execution(Execution execution) {
    return execution.rlimits().toString()
        + execution.sockets()
        + execution.seccomp()
        + execution.fileAccess();
  }

  private static long texts(List<String> texts) {
    long size = 0;
    for (String text : texts) {
      size += text(text);
    }
    return size;
  }

  private static long texts(Map<String, String> texts) {
    long size = 0;
    for (Map.Entry<String, String> entry : texts.entrySet()) {
      size += text(entry.getKey()) + text(entry.getValue());
    }
    return size;
  }

  /** Bytes of a text in UTF-8, with what stands around it. */
  private static long text(String text) {
    return (long) Limits.utf8Length(text) + OVERHEAD;
  }

  private static long bytes(Blob blob) {
    return (long) blob.size() + OVERHEAD;
  }
}

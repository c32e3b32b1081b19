package orch.controller.core;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import orch.api.model.Dependency;
import orch.api.model.JobSpec;
import orch.api.model.JobType;
import orch.api.model.TaskSet;
import orch.controller.scheduler.Demand;
import org.jspecify.annotations.Nullable;

/** What a submit means: a new job, a new version, nothing, or a refusal. Changes nothing. */
final class SubmitRules {
  /** The meaning of a submit. */
  sealed interface Meaning {
    record Refused(Rejection rejection) implements Meaning {}

    record Unchanged(Job job) implements Meaning {}

    /** A new version of a live service. */
    record Update(Job job, JobSpec spec, boolean restart) implements Meaning {}

    /**
     * A new job.
     *
     * @param after live job of the name that must end first; null: none
     * @param replaced whether that one is to be stopped now
     */
    record Create(JobSpec spec, List<Long> dependsOn, @Nullable Job after, boolean replaced)
        implements Meaning {
      public Create {
        dependsOn = List.copyOf(dependsOn);
      }
    }
  }

  private static final Pattern NAME = Pattern.compile("[a-z]([a-z0-9.-]{0,61}[a-z0-9])?");
  private static final Pattern NOT_OF_A_NAME = Pattern.compile("[^a-z0-9.-]+");
  private static final Pattern EDGES = Pattern.compile("^[^a-z]+|[^a-z0-9]+$");
  private static final int MAX_BASE_LENGTH = 40;

  private final State state;

  SubmitRules(State state) {
    this.state = state;
  }

  Meaning of(String namespace, JobSpec given, boolean replace, long expectedVersion) {
    Rejection wrong = SpecLimits.check(given);
    if (wrong == null && !NAME.matcher(namespace).matches()) {
      wrong = invalid("BAD_NAMESPACE", "parent", badName("namespace", namespace));
    }
    if (wrong == null && !given.name().isEmpty()) {
      wrong = checkName(given.name());
    }
    if (wrong != null) {
      return new Meaning.Refused(wrong);
    }
    List<Long> dependsOn = new ArrayList<>();
    wrong = resolve(namespace, given, dependsOn);
    if (wrong != null) {
      return new Meaning.Refused(wrong);
    }
    JobSpec spec = onEveryNode(given);
    if (spec == null) {
      return new Meaning.Refused(
          new Rejection(
              RejectionCode.FAILED_PRECONDITION,
              "NO_MATCHING_NODE",
              "spec.placement.every_node",
              "no node matches the placement, so there is nowhere to put a task on every node;"
                  + " check constraints and pool"));
    }
    if (spec.name().isEmpty()) {
      return create(spec.withName(nameFor(namespace, spec)), dependsOn, null, false);
    }
    Job newest = state.newestJobNamed(namespace, spec.name());
    if (newest == null || !newest.live()) {
      return expectedVersion == 0
          ? create(spec, dependsOn, null, false)
          : new Meaning.Refused(versionMismatch(spec.name(), 0, expectedVersion));
    }
    return onLive(newest, spec, dependsOn, replace, expectedVersion);
  }

  private Meaning onLive(
      Job live, JobSpec spec, List<Long> dependsOn, boolean replace, long expectedVersion) {
    if (expectedVersion != 0 && expectedVersion != live.current().number) {
      return new Meaning.Refused(
          versionMismatch(live.name, live.current().number, expectedVersion));
    }
    if (live.ending != null) {
      return create(spec, dependsOn, live, false);
    }
    if (spec.equals(live.spec()) && dependsOn.equals(live.dependsOn)) {
      return new Meaning.Unchanged(live);
    }
    if (live.service() && spec.type() == JobType.SERVICE) {
      boolean countOnly = spec.withTasks(live.spec().tasks()).equals(live.spec());
      return new Meaning.Update(live, spec, !countOnly);
    }
    if (replace) {
      return create(spec, dependsOn, live, true);
    }
    return new Meaning.Refused(
        new Rejection(
            RejectionCode.ALREADY_EXISTS,
            "JOB_NAME_IN_USE",
            "spec.name",
            "job "
                + live.number
                + " named "
                + live.name
                + " is "
                + live.state.name().toLowerCase(Locale.ROOT)
                + "; wait for its end, cancel it, submit with replace, or take another name"));
  }

  private Meaning create(
      JobSpec spec, List<Long> dependsOn, @Nullable Job after, boolean replaced) {
    if (state.jobs.size() >= Limits.MAX_JOBS) {
      return new Meaning.Refused(
          exhausted("TOO_MANY_JOBS", "the cluster holds " + Limits.MAX_JOBS + " jobs"));
    }
    if (state.taskCount + spec.tasks().size() > Limits.MAX_TASKS) {
      return new Meaning.Refused(
          exhausted("TOO_MANY_TASKS", "the cluster holds " + state.taskCount + " tasks"));
    }
    return new Meaning.Create(spec, dependsOn, after, replaced);
  }

  private static Rejection exhausted(String reason, String what) {
    return new Rejection(
        RejectionCode.RESOURCE_EXHAUSTED,
        reason,
        "",
        what + ", which is its limit; delete finished jobs and try again");
  }

  private @Nullable Rejection checkName(String name) {
    if (name.equals("last")) {
      return invalid(
          "RESERVED_NAME", "spec.name", "the name 'last' means the newest job; take another");
    }
    return NAME.matcher(name).matches()
        ? null
        : invalid("BAD_NAME", "spec.name", badName("job", name));
  }

  private static String badName(String what, String name) {
    return "'"
        + Limits.cut(name)
        + "' is no "
        + what
        + " name: at most 63 of a-z, 0-9, '.' and '-', a letter first, no '.' or '-' last";
  }

  private static Rejection versionMismatch(String name, long present, long expected) {
    return new Rejection(
        RejectionCode.ABORTED,
        "VERSION_MISMATCH",
        "expected_version",
        present == 0
            ? "no live job is named " + name + ", so it has no version " + expected
            : name + " is at version " + present + ", not " + expected + "; read it and try again");
  }

  static Rejection invalid(String reason, String field, String message) {
    return new Rejection(RejectionCode.INVALID_ARGUMENT, reason, field, message);
  }

  /** From the first word of the command; with the number when a live job has it. */
  private String nameFor(String namespace, JobSpec spec) {
    List<String> command = spec.execution().command();
    String word = command.isEmpty() ? "script" : command.getFirst();
    String base = word.substring(word.lastIndexOf('/') + 1).toLowerCase(Locale.ROOT);
    base = NOT_OF_A_NAME.matcher(base).replaceAll("-");
    base = base.substring(0, Math.min(base.length(), MAX_BASE_LENGTH));
    base = EDGES.matcher(base).replaceAll("");
    if (base.isEmpty() || base.equals("last")) {
      base = "job";
    }
    Job same = state.newestJobNamed(namespace, base);
    return same == null || !same.live() ? base : base + "-" + state.nextNumber;
  }

  private @Nullable Rejection resolve(String namespace, JobSpec spec, List<Long> numbers) {
    for (int i = 0; i < spec.dependsOn().size(); i++) {
      Dependency dependency = spec.dependsOn().get(i);
      Job upstream = find(namespace, dependency.job());
      if (upstream == null) {
        return invalid(
            "UNKNOWN_DEPENDENCY",
            "spec.depends_on[" + i + "].job",
            "there is no job '"
                + Limits.cut(dependency.job())
                + "' in namespace "
                + namespace
                + "; submit it first");
      }
      numbers.add(upstream.number);
    }
    return null;
  }

  private @Nullable Job find(String namespace, String job) {
    if (!job.isEmpty() && job.length() < 19 && job.chars().allMatch(Character::isDigit)) {
      Job numbered = state.jobs.get(Long.parseLong(job));
      return numbered == null || !numbered.namespace.equals(namespace) ? null : numbered;
    }
    return state.newestJobNamed(namespace, job);
  }

  /** With a task for every node that matches now; null: there is none. */
  private @Nullable JobSpec onEveryNode(JobSpec spec) {
    if (!spec.placement().everyNode()) {
      return spec;
    }
    int count = Demand.of(spec).countMatching(state.fleet);
    return count == 0 ? null : spec.withTasks(withCount(spec.tasks(), count));
  }

  static TaskSet withCount(TaskSet tasks, int count) {
    return new TaskSet(
        TaskSet.count(count).ranges(),
        List.of(),
        tasks.parallelism(),
        tasks.maxFailures(),
        tasks.succeedWhen(),
        tasks.gang());
  }
}

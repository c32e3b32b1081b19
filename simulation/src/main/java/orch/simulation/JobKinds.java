package orch.simulation;

import java.time.Duration;
import java.util.List;
import java.util.TreeMap;
import orch.api.model.Backoff;
import orch.api.model.Dependency;
import orch.api.model.DependencyCondition;
import orch.api.model.Execution;
import orch.api.model.ExitCodeRange;
import orch.api.model.IoLimits;
import orch.api.model.JobSpec;
import orch.api.model.JobType;
import orch.api.model.PartitionMode;
import orch.api.model.PartitionPolicy;
import orch.api.model.Placement;
import orch.api.model.PlacementStrategy;
import orch.api.model.Resources;
import orch.api.model.RestartAction;
import orch.api.model.RestartExhausted;
import orch.api.model.RestartPolicy;
import orch.api.model.RestartRule;
import orch.api.model.RestartWhen;
import orch.api.model.StopPolicy;
import orch.api.model.TaskSet;
import org.jspecify.annotations.Nullable;

/** Draws job specs of every kind there is. Each fits on a node of its own, so none must starve. */
final class JobKinds {
  private static final long MIB = 1L << 20;
  private static final List<TaskProfile> BATCH =
      List.of(
          TaskProfile.SHORT,
          TaskProfile.SHORT,
          TaskProfile.LONG,
          TaskProfile.FLAKY,
          TaskProfile.FAILING,
          TaskProfile.TEMPORARY,
          TaskProfile.CRASHING,
          TaskProfile.MISSING);
  private static final List<String> CONSTRAINTS =
      List.of("rack = a", "rack = b", "rack in (a, b)", "disk != slow");

  private final World world;

  JobKinds(World world) {
    this.world = world;
  }

  /** A batch job. */
  JobSpec batch(String name, String operation, @Nullable Long upstream) {
    int count = world.chance(0.5) ? 1 : 1 + world.below(8);
    boolean gang = count > 1 && upstream == null && world.chance(0.15);
    TaskSet tasks =
        new TaskSet(
            TaskSet.count(count).ranges(),
            List.of(),
            count > 2 && !gang && world.chance(0.4) ? 1 + world.below(3) : 0,
            world.chance(0.15) ? -1 : 0,
            count > 2 && world.chance(0.1) ? 1 + world.below(count) : 0,
            gang);
    List<Dependency> dependsOn =
        upstream == null
            ? List.of()
            : List.of(
                new Dependency(
                    upstream.toString(),
                    world.pick(List.of(DependencyCondition.values())),
                    world.chance(0.3)));
    return spec(
        name,
        operation,
        JobType.BATCH,
        tasks,
        world.pick(BATCH),
        restart(false),
        world.chance(0.1) ? world.millis(500, 10_000) : null,
        world.chance(0.05) ? world.millis(2_000, 30_000) : null,
        dependsOn);
  }

  /** A service. */
  JobSpec service(String name, String operation) {
    return spec(
        name,
        operation,
        JobType.SERVICE,
        TaskSet.count(1 + world.below(3)),
        world.chance(0.8) ? TaskProfile.SERVICE : TaskProfile.STUBBORN,
        restart(true),
        null,
        null,
        List.of());
  }

  private RestartPolicy restart(boolean service) {
    Backoff backoff =
        new Backoff(
            world.millis(100, 1_000), 2, Duration.ofSeconds(5), 0.2, Duration.ofMinutes(10));
    if (service) {
      return new RestartPolicy(
          RestartWhen.ALWAYS, List.of(), backoff, -1, null, RestartExhausted.FAIL);
    }
    List<RestartRule> rules =
        world.chance(0.5)
            ? List.of()
            : List.of(
                new RestartRule(
                    List.of(new ExitCodeRange(Workload.TEMPORARY_CODE, Workload.TEMPORARY_CODE)),
                    List.of(),
                    false,
                    false,
                    false,
                    false,
                    false,
                    world.chance(0.5) ? RestartAction.RESTART : RestartAction.RESCHEDULE,
                    true,
                    1),
                new RestartRule(
                    List.of(),
                    List.of(),
                    false,
                    true,
                    false,
                    false,
                    false,
                    RestartAction.RESCHEDULE,
                    true,
                    1));
    return new RestartPolicy(
        world.chance(0.2) ? RestartWhen.NEVER : RestartWhen.ON_FAILURE,
        rules,
        backoff,
        world.below(4),
        null,
        RestartExhausted.FAIL);
  }

  private JobSpec spec(
      String name,
      String operation,
      JobType type,
      TaskSet tasks,
      TaskProfile profile,
      RestartPolicy restart,
      @Nullable Duration timeout,
      @Nullable Duration deadline,
      List<Dependency> dependsOn) {
    TreeMap<String, String> labels = new TreeMap<>();
    labels.put(Ledger.OPERATION, operation);
    JobSpec plain = JobSpec.batch(name, tasks, List.of("/bin/task"));
    return new JobSpec(
        name,
        "",
        labels,
        type,
        tasks,
        Execution.command(profile.command()),
        resources(),
        placement(type == JobType.SERVICE && world.chance(0.15)),
        restart,
        StopPolicy.after(world.millis(200, 5_000)),
        timeout,
        deadline,
        null,
        null,
        plain.health(),
        plain.update(),
        new PartitionPolicy(
            world.pick(List.of(PartitionMode.values())),
            world.millis(3_000, 20_000),
            world.millis(4_000, 15_000)),
        dependsOn,
        null,
        List.of(),
        plain.retention(),
        world.below(101),
        plain.logs());
  }

  private Resources resources() {
    return new Resources(
        50 + world.below(10) * 50,
        0,
        world.chance(0.5) ? 0 : (64 + world.below(400)) * MIB,
        0,
        null,
        0,
        IoLimits.NONE,
        world.chance(0.2) ? List.of("http") : List.of(),
        new TreeMap<>(),
        new TreeMap<>(),
        0,
        "");
  }

  private Placement placement(boolean everyNode) {
    // There are nodes enough for one on each only if any will do.
    List<String> constraints =
        !everyNode && world.chance(0.3) ? List.of(world.pick(CONSTRAINTS)) : List.of();
    return new Placement(
        constraints,
        List.of(),
        world.chance(0.2) ? List.of("rack") : List.of(),
        world.pick(List.of(PlacementStrategy.values())),
        everyNode,
        "default");
  }
}

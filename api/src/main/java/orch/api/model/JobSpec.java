package orch.api.model;

import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A job as its owner wants it, checked and with every default filled in. Made by the validation
 * gate {@code orch.api.convert} from the API's message; field meanings as in {@code
 * orch/v1/spec.proto}.
 *
 * @param name empty: the controller makes one
 * @param timeout of an attempt; null: none
 * @param deadline of the whole job; null: none
 * @param priority 0 to 100, higher goes first
 */
public record JobSpec(
    String name,
    String title,
    SortedMap<String, String> labels,
    JobType type,
    TaskSet tasks,
    Execution execution,
    Resources resources,
    Placement placement,
    RestartPolicy restart,
    StopPolicy stop,
    @Nullable Duration timeout,
    @Nullable Duration deadline,
    @Nullable TimeoutWarning warn,
    @Nullable OnExit onExit,
    HealthChecks health,
    UpdatePolicy update,
    PartitionPolicy partition,
    List<Dependency> dependsOn,
    @Nullable Schedule schedule,
    List<Parameter> parameters,
    Retention retention,
    int priority,
    LogPolicy logs) {
  public static final int DEFAULT_PRIORITY = 50;

  public JobSpec {
    labels = Collections.unmodifiableSortedMap(new TreeMap<>(labels));
    dependsOn = List.copyOf(dependsOn);
    parameters = List.copyOf(parameters);
  }

  /** A batch job of {@code tasks} that runs {@code command}, everything else at its default. */
  public static JobSpec batch(String name, TaskSet tasks, List<String> command) {
    return new JobSpec(
        name,
        "",
        new TreeMap<>(),
        JobType.BATCH,
        tasks,
        Execution.command(command),
        Resources.DEFAULT,
        Placement.DEFAULT,
        RestartPolicy.BATCH_DEFAULT,
        StopPolicy.BATCH_DEFAULT,
        null,
        null,
        null,
        null,
        HealthChecks.NONE,
        UpdatePolicy.DEFAULT,
        PartitionPolicy.DEFAULT,
        List.of(),
        null,
        List.of(),
        Retention.DEFAULT,
        DEFAULT_PRIORITY,
        LogPolicy.DEFAULT);
  }

  /** To make another one of it. */
  public JobSpecBuilder toBuilder() {
    return new JobSpecBuilder(this);
  }

  public JobSpec withName(String newName) {
    return toBuilder().name(newName).build();
  }

  public JobSpec withTasks(TaskSet newTasks) {
    return toBuilder().tasks(newTasks).build();
  }

  public JobSpec withRestart(RestartPolicy newRestart) {
    return toBuilder().restart(newRestart).build();
  }

  public JobSpec withResources(Resources newResources) {
    return toBuilder().resources(newResources).build();
  }

  public JobSpec withExecution(Execution newExecution) {
    return toBuilder().execution(newExecution).build();
  }
}

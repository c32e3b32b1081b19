package orch.api.model;

import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Makes a {@link JobSpec} of another one; what is not said stays. */
public final class JobSpecBuilder {
  private final JobSpec of;
  private String name;
  private JobType type;
  private TaskSet tasks;
  private Execution execution;
  private Resources resources;
  private Placement placement;
  private RestartPolicy restart;
  private StopPolicy stop;
  private @Nullable Duration timeout;
  private @Nullable Duration deadline;
  private @Nullable TimeoutWarning warn;
  private HealthChecks health;
  private PartitionPolicy partition;
  private List<Dependency> dependsOn;
  private int priority;

  JobSpecBuilder(JobSpec of) {
    this.of = of;
    this.name = of.name();
    this.type = of.type();
    this.tasks = of.tasks();
    this.execution = of.execution();
    this.resources = of.resources();
    this.placement = of.placement();
    this.restart = of.restart();
    this.stop = of.stop();
    this.timeout = of.timeout();
    this.deadline = of.deadline();
    this.warn = of.warn();
    this.health = of.health();
    this.partition = of.partition();
    this.dependsOn = of.dependsOn();
    this.priority = of.priority();
  }

  public JobSpecBuilder name(String newName) {
    name = newName;
    return this;
  }

  public JobSpecBuilder type(JobType newType) {
    type = newType;
    return this;
  }

  public JobSpecBuilder tasks(TaskSet newTasks) {
    tasks = newTasks;
    return this;
  }

  public JobSpecBuilder execution(Execution newExecution) {
    execution = newExecution;
    return this;
  }

  public JobSpecBuilder resources(Resources newResources) {
    resources = newResources;
    return this;
  }

  public JobSpecBuilder placement(Placement newPlacement) {
    placement = newPlacement;
    return this;
  }

  public JobSpecBuilder restart(RestartPolicy newRestart) {
    restart = newRestart;
    return this;
  }

  public JobSpecBuilder stop(StopPolicy newStop) {
    stop = newStop;
    return this;
  }

  public JobSpecBuilder timeout(@Nullable Duration newTimeout) {
    timeout = newTimeout;
    return this;
  }

  public JobSpecBuilder deadline(@Nullable Duration newDeadline) {
    deadline = newDeadline;
    return this;
  }

  public JobSpecBuilder warn(@Nullable TimeoutWarning newWarn) {
    warn = newWarn;
    return this;
  }

  public JobSpecBuilder health(HealthChecks newHealth) {
    health = newHealth;
    return this;
  }

  public JobSpecBuilder partition(PartitionPolicy newPartition) {
    partition = newPartition;
    return this;
  }

  public JobSpecBuilder dependsOn(List<Dependency> newDependsOn) {
    dependsOn = newDependsOn;
    return this;
  }

  public JobSpecBuilder priority(int newPriority) {
    priority = newPriority;
    return this;
  }

  public JobSpec build() {
    return new JobSpec(
        name,
        of.title(),
        of.labels(),
        type,
        tasks,
        execution,
        resources,
        placement,
        restart,
        stop,
        timeout,
        deadline,
        warn,
        of.onExit(),
        health,
        of.update(),
        partition,
        dependsOn,
        of.schedule(),
        of.parameters(),
        of.retention(),
        priority,
        of.logs());
  }
}

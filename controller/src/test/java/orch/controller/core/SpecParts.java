package orch.controller.core;

import java.time.Duration;
import java.util.List;
import java.util.TreeMap;
import orch.api.model.Dependency;
import orch.api.model.DependencyCondition;
import orch.api.model.Execution;
import orch.api.model.HealthChecks;
import orch.api.model.JobSpec;
import orch.api.model.PartitionPolicy;
import orch.api.model.Placement;
import orch.api.model.Resources;
import orch.api.model.RestartPolicy;
import orch.api.model.TaskSet;
import org.jspecify.annotations.Nullable;

/** A spec in parts, to make another one of it. */
final class SpecParts {
  private JobSpec spec;

  SpecParts(JobSpec spec) {
    this.spec = spec;
  }

  JobSpec spec() {
    return spec;
  }

  SpecParts cpu(long millis) {
    return resources(millis, spec.resources().memoryBytes());
  }

  SpecParts memory(long bytes) {
    return resources(spec.resources().cpuMillis(), bytes);
  }

  private SpecParts resources(long cpuMillis, long memoryBytes) {
    Resources of = spec.resources();
    spec =
        spec.withResources(
            new Resources(
                cpuMillis,
                0,
                memoryBytes,
                0,
                null,
                0,
                of.io(),
                of.ports(),
                of.devices(),
                of.licenses(),
                of.memoryLowBytes(),
                of.cpuset()));
    return this;
  }

  SpecParts ports(String... names) {
    Resources of = spec.resources();
    spec =
        spec.withResources(
            new Resources(
                of.cpuMillis(),
                0,
                of.memoryBytes(),
                0,
                null,
                0,
                of.io(),
                List.of(names),
                of.devices(),
                of.licenses(),
                of.memoryLowBytes(),
                of.cpuset()));
    return this;
  }

  SpecParts restart(RestartPolicy policy) {
    spec = spec.withRestart(policy);
    return this;
  }

  SpecParts tasks(TaskSet tasks) {
    spec = spec.withTasks(tasks);
    return this;
  }

  SpecParts parallelism(int tasks) {
    TaskSet of = spec.tasks();
    return tasks(
        new TaskSet(of.ranges(), of.items(), tasks, of.maxFailures(), of.succeedWhen(), of.gang()));
  }

  SpecParts maxFailures(int failures) {
    TaskSet of = spec.tasks();
    return tasks(
        new TaskSet(
            of.ranges(), of.items(), of.parallelism(), failures, of.succeedWhen(), of.gang()));
  }

  SpecParts succeedWhen(int tasks) {
    TaskSet of = spec.tasks();
    return tasks(
        new TaskSet(of.ranges(), of.items(), of.parallelism(), of.maxFailures(), tasks, of.gang()));
  }

  SpecParts gang() {
    TaskSet of = spec.tasks();
    return tasks(
        new TaskSet(
            of.ranges(), of.items(), of.parallelism(), of.maxFailures(), of.succeedWhen(), true));
  }

  SpecParts constraint(String expression) {
    Placement of = spec.placement();
    return placement(
        new Placement(
            List.of(expression), of.affinity(), of.spread(), of.strategy(), false, of.pool()));
  }

  SpecParts everyNode() {
    Placement of = spec.placement();
    return placement(
        new Placement(
            of.constraints(), of.affinity(), of.spread(), of.strategy(), true, of.pool()));
  }

  SpecParts spread(String key) {
    Placement of = spec.placement();
    return placement(
        new Placement(
            of.constraints(), of.affinity(), List.of(key), of.strategy(), false, of.pool()));
  }

  SpecParts placement(Placement placement) {
    return rebuilt(
        spec.execution(),
        placement,
        spec.deadline(),
        spec.partition(),
        spec.dependsOn(),
        spec.priority());
  }

  SpecParts deadline(Duration deadline) {
    return rebuilt(
        spec.execution(),
        spec.placement(),
        deadline,
        spec.partition(),
        spec.dependsOn(),
        spec.priority());
  }

  SpecParts partition(PartitionPolicy policy) {
    return rebuilt(
        spec.execution(),
        spec.placement(),
        spec.deadline(),
        policy,
        spec.dependsOn(),
        spec.priority());
  }

  SpecParts health(HealthChecks health) {
    spec =
        new JobSpec(
            spec.name(),
            spec.title(),
            spec.labels(),
            spec.type(),
            spec.tasks(),
            spec.execution(),
            spec.resources(),
            spec.placement(),
            spec.restart(),
            spec.stop(),
            spec.timeout(),
            spec.deadline(),
            spec.warn(),
            spec.onExit(),
            health,
            spec.update(),
            spec.partition(),
            spec.dependsOn(),
            spec.schedule(),
            spec.parameters(),
            spec.retention(),
            spec.priority(),
            spec.logs());
    return this;
  }

  SpecParts after(String job, DependencyCondition condition) {
    return dependsOn(new Dependency(job, condition, false));
  }

  SpecParts afterSameIndex(String job, DependencyCondition condition) {
    return dependsOn(new Dependency(job, condition, true));
  }

  private SpecParts dependsOn(Dependency dependency) {
    return rebuilt(
        spec.execution(),
        spec.placement(),
        spec.deadline(),
        spec.partition(),
        List.of(dependency),
        spec.priority());
  }

  SpecParts priority(int priority) {
    return rebuilt(
        spec.execution(),
        spec.placement(),
        spec.deadline(),
        spec.partition(),
        spec.dependsOn(),
        priority);
  }

  SpecParts command(String... command) {
    return rebuilt(
        Execution.command(List.of(command)),
        spec.placement(),
        spec.deadline(),
        spec.partition(),
        spec.dependsOn(),
        spec.priority());
  }

  private SpecParts rebuilt(
      Execution execution,
      Placement placement,
      @Nullable Duration deadline,
      PartitionPolicy partition,
      List<Dependency> dependsOn,
      int priority) {
    spec =
        new JobSpec(
            spec.name(),
            spec.title(),
            new TreeMap<>(spec.labels()),
            spec.type(),
            spec.tasks(),
            execution,
            spec.resources(),
            placement,
            spec.restart(),
            spec.stop(),
            spec.timeout(),
            deadline,
            spec.warn(),
            spec.onExit(),
            spec.health(),
            spec.update(),
            partition,
            dependsOn,
            spec.schedule(),
            spec.parameters(),
            spec.retention(),
            priority,
            spec.logs());
    return this;
  }
}

package orch.controller.core;

import java.time.Duration;
import java.util.List;
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
    spec = spec.toBuilder().placement(placement).build();
    return this;
  }

  SpecParts deadline(Duration deadline) {
    spec = spec.toBuilder().deadline(deadline).build();
    return this;
  }

  SpecParts partition(PartitionPolicy policy) {
    spec = spec.toBuilder().partition(policy).build();
    return this;
  }

  SpecParts health(HealthChecks health) {
    spec = spec.toBuilder().health(health).build();
    return this;
  }

  SpecParts after(String job, DependencyCondition condition) {
    return dependsOn(new Dependency(job, condition, false));
  }

  SpecParts afterSameIndex(String job, DependencyCondition condition) {
    return dependsOn(new Dependency(job, condition, true));
  }

  private SpecParts dependsOn(Dependency dependency) {
    spec = spec.toBuilder().dependsOn(List.of(dependency)).build();
    return this;
  }

  SpecParts priority(int priority) {
    spec = spec.toBuilder().priority(priority).build();
    return this;
  }

  SpecParts command(String... command) {
    spec = spec.toBuilder().execution(Execution.command(List.of(command))).build();
    return this;
  }
}

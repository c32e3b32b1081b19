package orch.api.convert;

import com.google.protobuf.ByteString;
import com.google.protobuf.Duration;
import orch.api.model.Backoff;
import orch.api.model.Execution;
import orch.api.model.FileAccess;
import orch.api.model.HealthCheck;
import orch.api.model.HealthChecks;
import orch.api.model.IndexRange;
import orch.api.model.IoLimits;
import orch.api.model.JobSpec;
import orch.api.model.MemoryPressurePolicy;
import orch.api.model.Placement;
import orch.api.model.Probe;
import orch.api.model.Resources;
import orch.api.model.RestartPolicy;
import orch.api.model.RestartRule;
import orch.api.model.TaskSet;

/** Writes a spec as its message, every default said. */
final class SpecConvertWrite {
  private SpecConvertWrite() {}

  static orch.v1.JobSpec job(JobSpec spec) {
    orch.v1.JobSpec.Builder job =
        orch.v1.JobSpec.newBuilder()
            .setName(spec.name())
            .setTitle(spec.title())
            .putAllLabels(spec.labels())
            .setType(constant(orch.v1.JobType.class, "JOB_TYPE", spec.type()))
            .setResources(resources(spec.resources()))
            .setPlacement(placement(spec.placement()))
            .setRestart(restart(spec.restart()))
            .setHealth(health(spec.health()))
            .setPriority(spec.priority());
    tasks(job, spec.tasks());
    execution(job, spec.execution());
    lifecycle(job, spec);
    templates(job, spec);
    return job.build();
  }

  private static void tasks(orch.v1.JobSpec.Builder job, TaskSet tasks) {
    IndexRange only = tasks.ranges().getFirst();
    boolean counted = tasks.ranges().size() == 1 && only.first() == 0 && only.step() == 1;
    if (!tasks.items().isEmpty()) {
      job.addAllItems(tasks.items());
    } else if (counted) {
      job.setCount(tasks.size());
    }
    if (!counted) {
      for (IndexRange range : tasks.ranges()) {
        // A step of 1 is not said.
        job.addArrayBuilder()
            .setFirst(range.first())
            .setLast(range.last())
            .setStep(range.step() == 1 ? 0 : range.step());
      }
    }
    job.setParallelism(tasks.parallelism())
        .setMaxFailures(tasks.maxFailures())
        .setSucceedWhen(tasks.succeedWhen())
        .setGang(tasks.gang());
  }

  private static void execution(orch.v1.JobSpec.Builder job, Execution execution) {
    job.addAllCommand(execution.command())
        .setScript(ByteString.copyFrom(execution.script().toByteArray()))
        .putAllEnv(execution.env())
        .setStdin(execution.stdin())
        .setStdout(execution.stdout())
        .setStderr(execution.stderr())
        .setUser(execution.user())
        .setWorkingDirectory(execution.workingDirectory())
        .addAllCapabilities(execution.capabilities())
        .setNoNewPrivileges(execution.noNewPrivileges())
        .setSeccomp(execution.seccomp())
        .setWaitForDescendants(execution.waitForDescendants())
        .setPidNamespace(execution.pidNamespace())
        .setInteractive(execution.interactive())
        .setTty(execution.tty());
    FileAccess access = execution.fileAccess();
    if (access != null) {
      job.getFileAccessBuilder().addAllRead(access.read()).addAllWrite(access.write());
    }
    execution
        .files()
        .forEach((name, blob) -> job.putFiles(name, ByteString.copyFrom(blob.toByteArray())));
    if (execution.umask() != null) {
      job.setUmask(execution.umask());
    }
    if (execution.nice() != null) {
      job.setNice(execution.nice());
    }
    if (execution.oomScoreAdj() != null) {
      job.setOomScoreAdj(execution.oomScoreAdj());
    }
    execution
        .rlimits()
        .forEach((name, limit) ->
            job.putRlimits(
                name,
                orch.v1.Rlimit.newBuilder().setSoft(limit.soft()).setHard(limit.hard()).build()));
    execution
        .sockets()
        .forEach(
            socket -> job.addSocketsBuilder().setName(socket.name()).setListen(socket.listen()));
  }

  private static orch.v1.Resources resources(Resources resources) {
    IoLimits io = resources.io();
    orch.v1.Resources.Builder proto =
        orch.v1.Resources.newBuilder()
            .setCpuMillis(resources.cpuMillis())
            .setCpuMaxMillis(resources.cpuMaxMillis())
            .setMemoryBytes(resources.memoryBytes())
            .setMemoryHighBytes(resources.memoryHighBytes())
            .setMemoryLowBytes(resources.memoryLowBytes())
            .setCpuset(resources.cpuset())
            .setPids(resources.pids())
            .setIo(
                orch.v1.IoLimits.newBuilder()
                    .setWeight(io.weight())
                    .setReadBytesPerSecond(io.readBytesPerSecond())
                    .setWriteBytesPerSecond(io.writeBytesPerSecond())
                    .setReadOperationsPerSecond(io.readOperationsPerSecond())
                    .setWriteOperationsPerSecond(io.writeOperationsPerSecond()))
            .addAllPorts(resources.ports())
            .putAllDevices(resources.devices())
            .putAllLicenses(resources.licenses());
    if (resources.swapBytes() != null) {
      proto.setSwapBytes(resources.swapBytes());
    }
    MemoryPressurePolicy pressure = resources.memoryPressure();
    if (!pressure.equals(MemoryPressurePolicy.NONE)) {
      proto
          .getMemoryPressureBuilder()
          .setAction(
              constant(
                  orch.v1.MemoryPressureAction.class, "MEMORY_PRESSURE_ACTION", pressure.action()))
          .setSignal(pressure.signal())
          .setThresholdPercent(pressure.thresholdPercent());
    }
    return proto.build();
  }

  private static orch.v1.Placement placement(Placement placement) {
    orch.v1.Placement.Builder proto =
        orch.v1.Placement.newBuilder()
            .addAllConstraints(placement.constraints())
            .addAllSpread(placement.spread())
            .setStrategy(
                constant(
                    orch.v1.PlacementStrategy.class, "PLACEMENT_STRATEGY", placement.strategy()))
            .setEveryNode(placement.everyNode())
            .setPool(placement.pool());
    placement
        .affinity()
        .forEach(affinity ->
            proto
                .addAffinityBuilder()
                .setExpression(affinity.expression())
                .setWeight(affinity.weight()));
    return proto.build();
  }

  private static orch.v1.RestartPolicy restart(RestartPolicy restart) {
    orch.v1.RestartPolicy.Builder proto =
        orch.v1.RestartPolicy.newBuilder()
            .setWhen(constant(orch.v1.RestartWhen.class, "RESTART_WHEN", restart.when()))
            .setBackoff(backoff(restart.backoff()))
            .setMaxRetries(restart.maxRetries())
            .setExhausted(
                constant(orch.v1.RestartExhausted.class, "RESTART_EXHAUSTED", restart.exhausted()));
    restart.rules().forEach(rule -> proto.addRules(rule(rule)));
    if (restart.window() != null) {
      proto.setWindow(duration(restart.window()));
    }
    return proto.build();
  }

  private static orch.v1.Backoff backoff(Backoff backoff) {
    return orch.v1.Backoff.newBuilder()
        .setInitial(duration(backoff.initial()))
        .setFactor(backoff.factor())
        .setMax(duration(backoff.max()))
        .setJitter(backoff.jitter())
        .setResetAfter(duration(backoff.resetAfter()))
        .build();
  }

  private static orch.v1.RestartRule rule(RestartRule rule) {
    orch.v1.RestartRule.Builder proto =
        orch.v1.RestartRule.newBuilder()
            .addAllSignals(rule.signals())
            .setOom(rule.oom())
            .setNodeLost(rule.nodeLost())
            .setPreempted(rule.preempted())
            .setTimedOut(rule.timedOut())
            .setStartFailed(rule.startFailed())
            .setAction(constant(orch.v1.RestartAction.class, "RESTART_ACTION", rule.action()))
            .setUncounted(rule.uncounted())
            .setMemoryFactor(rule.memoryFactor());
    rule.exitCodes()
        .forEach(
            range -> proto.addExitCodesBuilder().setFirst(range.first()).setLast(range.last()));
    return proto.build();
  }

  private static void lifecycle(orch.v1.JobSpec.Builder job, JobSpec spec) {
    job.setStop(
        orch.v1.StopPolicy.newBuilder()
            .setSignal(spec.stop().signal())
            .setGrace(duration(spec.stop().grace()))
            .setMaxGrace(duration(spec.stop().maxGrace()))
            .addAllPreStop(spec.stop().preStop())
            .setMode(constant(orch.v1.StopMode.class, "STOP_MODE", spec.stop().mode())));
    if (spec.timeout() != null) {
      job.setTimeout(duration(spec.timeout()));
    }
    if (spec.deadline() != null) {
      job.setDeadline(duration(spec.deadline()));
    }
    if (spec.warn() != null) {
      job.setWarn(
          orch.v1.TimeoutWarning.newBuilder()
              .setSignal(spec.warn().signal())
              .setBefore(duration(spec.warn().before()))
              .setToAll(spec.warn().toAll()));
    }
    if (spec.onExit() != null) {
      job.setOnExit(
          orch.v1.OnExit.newBuilder()
              .addAllCommand(spec.onExit().command())
              .setTimeout(duration(spec.onExit().timeout())));
    }
    job.setUpdate(
        orch.v1.UpdatePolicy.newBuilder()
            .setMaxParallel(spec.update().maxParallel())
            .setMinHealthy(duration(spec.update().minHealthy()))
            .setHealthyDeadline(duration(spec.update().healthyDeadline()))
            .setCanary(spec.update().canary())
            .setAutoRollback(spec.update().autoRollback()));
    job.setPartition(
        orch.v1.PartitionPolicy.newBuilder()
            .setMode(
                constant(orch.v1.PartitionMode.class, "PARTITION_MODE", spec.partition().mode()))
            .setLostAfter(duration(spec.partition().lostAfter()))
            .setStopAfter(duration(spec.partition().stopAfter())));
    job.setRetention(
        orch.v1.Retention.newBuilder()
            .setResults(duration(spec.retention().results()))
            .setLogs(duration(spec.retention().logs())));
    job.setLogs(
        orch.v1.LogPolicy.newBuilder()
            .setMaxBytes(spec.logs().maxBytes())
            .setNoJournal(!spec.logs().journal()));
  }

  private static void templates(orch.v1.JobSpec.Builder job, JobSpec spec) {
    spec.dependsOn()
        .forEach(dependency ->
            job.addDependsOnBuilder()
                .setJob(dependency.job())
                .setCondition(
                    constant(
                        orch.v1.DependencyCondition.class,
                        "DEPENDENCY_CONDITION",
                        dependency.condition()))
                .setSameIndex(dependency.sameIndex()));
    if (spec.schedule() != null) {
      job.setSchedule(
          orch.v1.Schedule.newBuilder()
              .setCron(spec.schedule().cron())
              .setTimeZone(spec.schedule().timeZone())
              .setOverlap(
                  constant(
                      orch.v1.ScheduleOverlap.class, "SCHEDULE_OVERLAP", spec.schedule().overlap()))
              .setCatchUp(
                  constant(
                      orch.v1.ScheduleCatchUp.class,
                      "SCHEDULE_CATCH_UP",
                      spec.schedule().catchUp())));
    }
    spec.parameters()
        .forEach(parameter -> {
          orch.v1.Parameter.Builder proto = job.addParametersBuilder().setName(parameter.name());
          if (parameter.defaultValue() != null) {
            proto.setDefaultValue(parameter.defaultValue());
          }
        });
  }

  private static orch.v1.HealthChecks health(HealthChecks health) {
    orch.v1.HealthChecks.Builder proto = orch.v1.HealthChecks.newBuilder();
    if (health.startup() != null) {
      proto.setStartup(check(health.startup()));
    }
    if (health.readiness() != null) {
      proto.setReadiness(check(health.readiness()));
    }
    if (health.liveness() != null) {
      proto.setLiveness(check(health.liveness()));
    }
    return proto.build();
  }

  private static orch.v1.HealthCheck check(HealthCheck check) {
    orch.v1.HealthCheck.Builder proto =
        orch.v1.HealthCheck.newBuilder()
            .setPeriod(duration(check.period()))
            .setTimeout(duration(check.timeout()))
            .setFailures(check.failures());
    switch (check.probe()) {
      case Probe.Http(String port, String path) ->
          proto.setHttp(orch.v1.HttpProbe.newBuilder().setPort(port).setPath(path));
      case Probe.Tcp(String port) -> proto.setTcp(orch.v1.TcpProbe.newBuilder().setPort(port));
      case Probe.Grpc(String port, String service) ->
          proto.setGrpc(orch.v1.GrpcProbe.newBuilder().setPort(port).setService(service));
      case Probe.Exec exec ->
          proto.setExec(orch.v1.ExecProbe.newBuilder().addAllCommand(exec.command()));
      case Probe.Notify() -> proto.setNotify(orch.v1.NotifyProbe.getDefaultInstance());
    }
    return proto.build();
  }

  private static <P extends Enum<P>> P constant(Class<P> type, String prefix, Enum<?> constant) {
    return Enum.valueOf(type, prefix + "_" + constant.name());
  }

  private static Duration duration(java.time.Duration duration) {
    return Duration.newBuilder()
        .setSeconds(duration.getSeconds())
        .setNanos(duration.getNano())
        .build();
  }
}

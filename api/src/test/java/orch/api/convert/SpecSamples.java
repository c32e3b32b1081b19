package orch.api.convert;

import com.google.protobuf.ByteString;
import com.google.protobuf.Duration;
import java.util.List;
import java.util.Random;
import orch.v1.DependencyCondition;
import orch.v1.HealthCheck;
import orch.v1.JobSpec;
import orch.v1.JobType;
import orch.v1.MemoryPressureAction;
import orch.v1.PartitionMode;
import orch.v1.PlacementStrategy;
import orch.v1.RestartAction;
import orch.v1.RestartExhausted;
import orch.v1.RestartRule;
import orch.v1.RestartWhen;
import orch.v1.Rlimit;
import orch.v1.ScheduleCatchUp;
import orch.v1.ScheduleOverlap;
import orch.v1.StopMode;

/** Valid specs by seed, with every field set now and then: what round trips are tried on. */
public final class SpecSamples {
  private static final List<String> TEXTS =
      List.of(
          "a",
          "--port=${port.p0}",
          "two words",
          " leading",
          "trailing ",
          "8080",
          "true",
          "null",
          "~",
          "yes",
          "",
          "-",
          "- x",
          "#no comment",
          "a: b",
          "a #b",
          "'quoted'",
          "\"double\"",
          "back\\slash",
          "tab\there",
          "line\nbreak",
          "ends\n",
          "ends\n\n",
          "\nbegins",
          "   \n ",
          "cr\rlf\r\n",
          "ümläut ☃ 😀",
          "\u0001\u007f\u0085\u2028\ufeff",
          "%percent",
          "@at",
          "`tick`",
          "[1, 2]",
          "{a: b}",
          "*x",
          "&x",
          "!x",
          "|",
          ">",
          "? x",
          "0x1f",
          "1e3",
          "0o17",
          ".inf",
          "x: |\n  y\n z\n",
          "<<",
          "---",
          "...");

  private final Random random;

  private SpecSamples(long seed) {
    this.random = new Random(seed);
  }

  /** The spec of this seed; the same whenever it is asked for. */
  public static JobSpec sample(long seed) {
    return new SpecSamples(seed).job();
  }

  private JobSpec job() {
    JobSpec.Builder job = JobSpec.newBuilder();
    boolean service = sometimes();
    if (service) {
      job.setType(JobType.JOB_TYPE_SERVICE);
    } else if (sometimes()) {
      job.setType(JobType.JOB_TYPE_BATCH);
    }
    if (sometimes()) {
      job.setName("job-" + random.nextInt(1_000)).setTitle(text());
    }
    times(3, () -> job.putLabels("k" + random.nextInt(10), "v" + random.nextInt(10)));
    resources(job);
    memoryPressure(job);
    tasks(job);
    execution(job);
    placement(job);
    restart(job);
    lifecycle(job);
    templates(job, service);
    return job.build();
  }

  private void memoryPressure(JobSpec.Builder job) {
    if (sometimes()) {
      job.getResourcesBuilder()
          .getMemoryPressureBuilder()
          .setAction(MemoryPressureAction.MEMORY_PRESSURE_ACTION_EVICT)
          .setSignal(random.nextInt(2) * 12)
          .setThresholdPercent(random.nextBoolean() ? 0 : 10 + random.nextInt(90));
    }
  }

  private void tasks(JobSpec.Builder job) {
    switch (random.nextInt(job.getType() == JobType.JOB_TYPE_SERVICE ? 1 : 4)) {
      case 0 -> job.setCount(1 + random.nextInt(50));
      case 1 -> {
        int next = random.nextInt(5);
        for (int i = random.nextInt(4); i >= 0; i--) {
          int last = next + random.nextInt(10);
          job.addArrayBuilder().setFirst(next).setLast(last).setStep(random.nextInt(4));
          next = last + 1 + random.nextInt(5);
        }
      }
      case 2 -> {
        times(4, () -> job.addItems(safe(text())));
      }
      default -> {}
    }
    if (sometimes()) {
      job.setParallelism(random.nextInt(10)).setMaxFailures(random.nextInt(3) - 1);
    } else if (sometimes()) {
      job.setGang(true);
    }
  }

  private void execution(JobSpec.Builder job) {
    if (sometimes()) {
      job.setScript(content());
    } else {
      job.addCommand("run");
      times(6, () -> job.addCommand(safe(text())));
    }
    times(3, () -> job.putFiles("f" + random.nextInt(9) + ".txt", content()));
    times(6, () -> job.putEnv("V" + random.nextInt(9), safe(text())));
    if (sometimes()) {
      job.setStdin("/in.%i").setStdout("/out.%j").setStderr(sometimes() ? "stdout" : "/err %% x");
    }
    if (sometimes()) {
      job.setUser(sometimes() ? "web" : "1000").setWorkingDirectory("/srv/my web");
    }
    if (sometimes()) {
      job.setUmask(random.nextInt(01000)).setNice(random.nextInt(40) - 20);
    }
    if (sometimes()) {
      job.setOomScoreAdj(random.nextInt(2001) - 1000).setSeccomp("default");
    }
    times(
        2,
        () -> {
          long hard = random.nextLong(5_000) - 1;
          long soft = hard < 1 ? hard : random.nextLong(hard);
          job.putRlimits(
              List.of("nofile", "core", "as").get(random.nextInt(3)),
              Rlimit.newBuilder().setSoft(soft).setHard(hard).build());
        });
    if (sometimes()) {
      job.addCapabilities("net_raw").addCapabilities("kill");
    }
    if (sometimes()) {
      job.setNoNewPrivileges(random.nextBoolean()).setWaitForDescendants(random.nextBoolean());
      job.setPidNamespace(!job.getWaitForDescendants() && random.nextBoolean());
      job.getFileAccessBuilder().addRead("/usr").addWrite("/srv/" + random.nextInt(9));
      job.setInteractive(job.getStdin().isEmpty() && random.nextBoolean());
      job.setTty(job.getInteractive() && job.getStdout().isEmpty() && job.getStderr().isEmpty());
    }
    if (sometimes()) {
      job.addSocketsBuilder().setName("s").setListen(":80");
    }
  }

  private void resources(JobSpec.Builder job) {
    // The texts name it.
    var resources = job.getResourcesBuilder().addPorts("p0");
    if (sometimes()) {
      resources.setCpuMillis(1 + random.nextInt(4_000)).setCpuMaxMillis(5_000);
    }
    if (sometimes()) {
      resources.setMemoryBytes((64L + random.nextInt(100)) << 20);
      resources.setMemoryHighBytes((1L << 20) + random.nextInt(1 << 20));
      resources.setMemoryLowBytes(1L << 20);
    }
    if (sometimes()) {
      resources.setSwapBytes(random.nextInt(3)).setPids(random.nextInt(1_000));
      resources.setCpuset(random.nextBoolean() ? "numa" : "0-3," + (4 + random.nextInt(9)));
    }
    if (sometimes()) {
      resources.getIoBuilder().setWeight(random.nextInt(10_001)).setReadBytesPerSecond(1_000_000);
      resources.getIoBuilder().setWriteOperationsPerSecond(random.nextLong(Long.MAX_VALUE));
    }
    times(2, () -> resources.putDevices("gpu" + random.nextInt(2), 1 + random.nextInt(3)));
    times(2, () -> resources.putLicenses("l" + random.nextInt(2), 1 + random.nextInt(3)));
  }

  private void placement(JobSpec.Builder job) {
    if (sometimes()) {
      var placement = job.getPlacementBuilder();
      placement.addConstraints("rack in (a, b)").addSpread("rack").setPool("fast");
      placement.setStrategy(any(PlacementStrategy.values()));
      times(
          2,
          () -> {
            var affinity = placement.addAffinityBuilder().setExpression("os = 'Debian 12'");
            if (sometimes()) {
              affinity.setWeight(-20);
            }
          });
      if (job.getCount() <= 1 && job.getArrayCount() == 0 && job.getItemsCount() == 0) {
        placement.setEveryNode(random.nextBoolean());
      }
    }
  }

  private void restart(JobSpec.Builder job) {
    if (sometimes()) {
      var restart = job.getRestartBuilder();
      restart.setWhen(any(RestartWhen.values())).setExhausted(any(RestartExhausted.values()));
      times(3, () -> restart.addRules(rule()));
      if (sometimes()) {
        restart.setMaxRetries(random.nextInt(6) - 1).setWindow(duration());
      }
      if (sometimes()) {
        restart.getBackoffBuilder().setInitial(seconds(random.nextInt(5))).setFactor(1.25);
        restart.getBackoffBuilder().setJitter(random.nextInt(3) / 10.0).setMax(seconds(700));
      }
    }
    if (sometimes()) {
      var stop = job.getStopBuilder().setSignal(random.nextInt(65));
      stop.setMode(any(StopMode.values()));
      times(2, () -> stop.addPreStop("drain"));
      if (sometimes()) {
        stop.setGrace(seconds(random.nextInt(2)));
      }
    }
  }

  private RestartRule rule() {
    RestartRule.Builder rule = RestartRule.newBuilder();
    times(2, () -> rule.addExitCodesBuilder().setFirst(60).setLast(60 + random.nextInt(3)));
    times(2, () -> rule.addSignals(1 + random.nextInt(64)));
    return rule.setOom(random.nextBoolean())
        .setNodeLost(random.nextBoolean())
        .setPreempted(random.nextBoolean())
        .setTimedOut(random.nextBoolean())
        .setStartFailed(random.nextBoolean())
        .setUncounted(random.nextBoolean())
        .setMemoryFactor(random.nextInt(2) * 1.5)
        .setAction(
            List.of(
                    RestartAction.RESTART_ACTION_FAIL,
                    RestartAction.RESTART_ACTION_RESTART,
                    RestartAction.RESTART_ACTION_RESCHEDULE,
                    RestartAction.RESTART_ACTION_SUCCEED)
                .get(random.nextInt(4)))
        .build();
  }

  private void lifecycle(JobSpec.Builder job) {
    if (sometimes()) {
      job.setTimeout(seconds(1_000)).setDeadline(duration());
      job.getWarnBuilder().setSignal(34).setBefore(seconds(5)).setToAll(random.nextBoolean());
    }
    if (sometimes()) {
      job.getOnExitBuilder().addCommand("report").setTimeout(duration());
    }
    if (sometimes()) {
      job.getHealthBuilder().setStartup(check()).setReadiness(check()).setLiveness(check());
    }
    if (sometimes()) {
      var update = job.getUpdateBuilder().setMaxParallel(random.nextInt(3)).setCanary(1);
      update.setAutoRollback(random.nextBoolean()).setMinHealthy(seconds(0));
    }
    if (sometimes()) {
      var partition = job.getPartitionBuilder().setMode(any(PartitionMode.values()));
      partition.setLostAfter(duration());
    }
    if (sometimes()) {
      job.getRetentionBuilder().setResults(duration());
      job.getLogsBuilder()
          .setMaxBytes(random.nextInt() & 0xffff)
          .setNoJournal(random.nextBoolean());
      job.setPriority(random.nextInt(101));
    }
    for (int i = random.nextInt(3); i > 0; i--) {
      var dependency = job.addDependsOnBuilder().setJob("dep" + i);
      if (sometimes()) {
        dependency.setCondition(any(DependencyCondition.values()));
        dependency.setSameIndex(random.nextBoolean());
      }
    }
  }

  private HealthCheck check() {
    HealthCheck.Builder check = HealthCheck.newBuilder();
    switch (random.nextInt(5)) {
      case 0 -> check.getHttpBuilder().setPort("p0").setPath("/h");
      case 1 -> check.getTcpBuilder().setPort("8080");
      case 2 -> check.getGrpcBuilder().setPort("p0").setService("s");
      case 3 -> check.getExecBuilder().addCommand("check").addCommand("it all");
      default -> check.getNotifyBuilder();
    }
    if (sometimes()) {
      check.setPeriod(duration()).setTimeout(duration()).setFailures(random.nextInt(4));
    }
    return check.build();
  }

  private void templates(JobSpec.Builder job, boolean service) {
    if (!service && sometimes()) {
      job.getScheduleBuilder().setCron("*/5 * * * MON").setTimeZone("Europe/Berlin");
      job.getScheduleBuilder().setOverlap(any(ScheduleOverlap.values()));
      job.getScheduleBuilder().setCatchUp(any(ScheduleCatchUp.values()));
    }
    for (int i = random.nextInt(3); i > 0; i--) {
      var parameter = job.addParametersBuilder().setName("p" + i);
      if (job.hasSchedule() || sometimes()) {
        parameter.setDefaultValue(safe(text()));
      }
    }
  }

  private ByteString content() {
    if (sometimes()) {
      byte[] bytes = new byte[1 + random.nextInt(50)];
      random.nextBytes(bytes);
      return ByteString.copyFrom(bytes);
    }
    return ByteString.copyFromUtf8("#!/bin/sh\n" + text());
  }

  private String text() {
    return TEXTS.get(random.nextInt(TEXTS.size()));
  }

  /** Arguments and variables hold no NUL; everything else they do. */
  private static String safe(String text) {
    return text.replace("\0", "");
  }

  private Duration duration() {
    return Duration.newBuilder()
        .setSeconds(random.nextInt(1_000_000))
        .setNanos(1 + random.nextInt(999_999_999))
        .build();
  }

  private static Duration seconds(int seconds) {
    return Duration.newBuilder().setSeconds(seconds).build();
  }

  /** A constant of a generated enum, not the one that stands for unknown numbers. */
  private <E extends Enum<E>> E any(E[] constants) {
    return constants[random.nextInt(constants.length - 1)];
  }

  private boolean sometimes() {
    return random.nextInt(3) == 0;
  }

  private void times(int most, Runnable action) {
    for (int i = random.nextInt(most + 1); i > 0; i--) {
      action.run();
    }
  }
}

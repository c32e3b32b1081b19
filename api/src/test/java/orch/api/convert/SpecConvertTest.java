package orch.api.convert;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import com.google.protobuf.Duration;
import java.util.List;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import orch.api.model.Affinity;
import orch.api.model.HealthCheck;
import orch.api.model.IndexRange;
import orch.api.model.JobSpec;
import orch.api.model.JobType;
import orch.api.model.Placement;
import orch.api.model.Probe;
import orch.api.model.RestartPolicy;
import orch.api.model.StopPolicy;
import orch.api.model.TaskSet;
import orch.v1.RestartAction;
import org.junit.jupiter.api.Test;

/** The gate: what it fills in, what it refuses, and in which words. */
final class SpecConvertTest {
  @Test
  void aCommandAloneIsAJobWithEveryDefault() {
    JobSpec spec = SpecConvert.fromProto(job().build());
    assertEquals(JobSpec.batch("", TaskSet.count(1), List.of("true")), spec);
  }

  @Test
  void aServiceHasItsOwnDefaults() {
    JobSpec spec = SpecConvert.fromProto(job().setType(orch.v1.JobType.JOB_TYPE_SERVICE).build());
    assertEquals(JobType.SERVICE, spec.type());
    assertEquals(RestartPolicy.SERVICE_DEFAULT, spec.restart());
    assertEquals(StopPolicy.SERVICE_DEFAULT, spec.stop());
  }

  @Test
  void anArrayKeepsItsIndexes() {
    orch.v1.JobSpec.Builder job = job();
    job.addArrayBuilder().setFirst(0).setLast(9).setStep(2);
    job.addArrayBuilder().setFirst(20).setLast(29);
    assertEquals(
        List.of(new IndexRange(0, 9, 2), new IndexRange(20, 29, 1)),
        SpecConvert.fromProto(job.build()).tasks().ranges());
  }

  @Test
  void eachItemIsATask() {
    TaskSet tasks = SpecConvert.fromProto(job().addItems("a").addItems("b").build()).tasks();
    assertEquals(List.of("a", "b"), tasks.items());
    assertEquals(2, tasks.size());
  }

  @Test
  void aFactOfTheNodeThatATextNamesBecomesAConstraint() {
    orch.v1.JobSpec.Builder job = job().addCommand("${node.rack}").putEnv("N", "${node.name}");
    job.getPlacementBuilder().addConstraints("ssd");
    assertEquals(
        List.of("ssd", "rack"), SpecConvert.fromProto(job.build()).placement().constraints());
  }

  @Test
  void aPreferenceWithoutAWeightHasFifty() {
    orch.v1.JobSpec.Builder job = job();
    job.getPlacementBuilder().addAffinityBuilder().setExpression("ssd");
    assertEquals(
        List.of(new Affinity("ssd", 50)),
        SpecConvert.fromProto(job.build()).placement().affinity());
  }

  @Test
  void anHttpProbeAsksForTheRoot() {
    orch.v1.JobSpec.Builder job = job();
    job.getHealthBuilder().getReadinessBuilder().getHttpBuilder().setPort("80");
    assertEquals(
        new HealthCheck(
            new Probe.Http("80", "/"),
            java.time.Duration.ofSeconds(10),
            java.time.Duration.ofSeconds(1),
            3),
        SpecConvert.fromProto(job.build()).health().readiness());
  }

  @Test
  void defaultsCanBeTakenOutAgain() {
    orch.v1.JobSpec.Builder brief = job().setName("web").setCount(3);
    brief.setType(orch.v1.JobType.JOB_TYPE_SERVICE);
    brief.getRestartBuilder().getBackoffBuilder().setInitial(seconds(2));
    brief.getResourcesBuilder().setMemoryBytes(1 << 28);
    orch.v1.JobSpec full = SpecConvert.toProto(SpecConvert.fromProto(brief.build()));
    assertEquals(100, full.getResources().getCpuMillis());
    assertEquals(brief.build(), SpecConvert.withoutDefaults(full));
    assertEquals(job().build(), SpecConvert.withoutDefaults(job().build()));
  }

  @Test
  void everyProblemIsToldAtOnce() {
    orch.v1.JobSpec.Builder job = orch.v1.JobSpec.newBuilder().setName("Web").setCount(-1);
    job.getResourcesBuilder().setCpuMillis(2000).setCpuMaxMillis(500);
    InvalidSpecException refused =
        assertThrows(InvalidSpecException.class, () -> SpecConvert.fromProto(job.build()));
    assertEquals(
        List.of("name", "count", "command", "resources.cpuMax"),
        refused.problems().stream().map(FieldProblem::fieldPath).toList());
    assertTrue(
        String.valueOf(refused.getMessage())
            .startsWith("invalid job spec: name: 'Web' is no name: 1 to 63 lower-case"));
  }

  @Test
  void namesAreForPeopleAndNeverNumbers() {
    String rule =
        " is no name: 1 to 63 lower-case letters, digits, '-' and '.', first a letter, last a"
            + " letter or digit";
    refused(job -> job.setName("42"), "name: '42'" + rule);
    refused(job -> job.setName("web-"), "name: 'web-'" + rule);
    refused(job -> job.setName("a".repeat(64)), "name: '" + "a".repeat(64) + "'" + rule);
    refused(
        job -> job.setName("last"), "name: 'last' is reserved: commands take it for your last job");
    accepted(job -> job.setName("backup.20261123t1005z"));
    accepted(job -> job.setName("a".repeat(63)));
    refused(job -> job.setTitle("x".repeat(257)), "title: is longer than 256 characters");
  }

  @Test
  void labelsHaveLimits() {
    accepted(job -> job.putLabels("k".repeat(63), "v".repeat(63)));
    refused(
        job -> job.putLabels("team", "v".repeat(64)),
        "labels.team: the value has 64 characters; at most 63");
    refused(job -> job.putLabels("", "v"), "labels: a key is empty");
    refused(
        job -> job.putLabels("a b", "v"), "labels.a b: a key has no spaces and none of = , ! ( )");
    refused(
        job -> IntStream.range(0, 65).forEach(i -> job.putLabels("k" + i, "")),
        "labels: there are 65; at most 64");
  }

  @Test
  void countArrayAndItemsExcludeEachOther() {
    refused(
        job -> job.setCount(2).addArrayBuilder().setLast(3),
        "count: excludes array, which names the tasks by itself; drop one of the two");
    refused(
        job -> job.setCount(2).addItems("a"),
        "count: excludes items, each of which is one task; drop one of the two");
    refused(
        job -> job.addItems("a").addArrayBuilder().setLast(3),
        "array: excludes items, each of which is one task; drop one of the two");
    refused(
        job -> job.setCount(2).getPlacementBuilder().setEveryNode(true),
        "count: excludes placement.everyNode, which makes one task on each matching node");
    refused(job -> job.setCount(10_000_001), "count: must be 1 to 10,000,000, not 10,000,001");
  }

  @Test
  void rangesRise() {
    refused(
        job -> {
          job.addArrayBuilder().setFirst(0).setLast(9);
          job.addArrayBuilder().setFirst(9).setLast(12);
        },
        "array[1]: begins at 9, but the range before it ends at 9; list ranges in rising order,"
            + " without overlap");
    refused(
        job -> job.addArrayBuilder().setFirst(5).setLast(4),
        "array[0]: ends at 4, before it begins at 5");
    refused(job -> job.addArrayBuilder().setFirst(-1), "array[0]: indexes are 0 or more, not -1");
    refused(
        job -> job.addArrayBuilder().setLast(4).setStep(-1),
        "array[0]: the step must be 1 or more, not -1");
    refused(
        job -> job.addArrayBuilder().setLast(Integer.MAX_VALUE),
        "array: has 2,147,483,648 tasks; at most 10,000,000");
  }

  @Test
  void tasksCountAsTheyCan() {
    refused(
        job -> job.setType(orch.v1.JobType.JOB_TYPE_SERVICE).addArrayBuilder().setLast(3),
        "array: is for batch jobs; a service has a count");
    refused(job -> job.setParallelism(-1), "parallelism: must be 0 or more, not -1");
    refused(job -> job.setMaxFailures(-2), "maxFailures: must be -1 or more, not -2");
    refused(
        job -> job.setCount(3).setSucceedWhen(4),
        "succeedWhen: must be 0 to the number of tasks (3), not 4");
    refused(
        job -> job.setType(orch.v1.JobType.JOB_TYPE_SERVICE).setSucceedWhen(1),
        "succeedWhen: is for batch jobs: the tasks of a service never succeed");
    refused(
        job -> job.setCount(8).setParallelism(4).setGang(true),
        "gang: all 8 tasks start together or none, but parallelism allows 4 at a time; drop one of"
            + " the two");
  }

  @Test
  void aJobRunsACommandOrAScript() {
    refused(
        orch.v1.JobSpec.Builder::clearCommand,
        "command: is missing; say what to run, as in: command: [make, test], or give a script");
    refused(
        job -> job.setScript(ByteString.copyFromUtf8("true")),
        "script: excludes command; drop one of the two (a command runs files: by their names)");
    refused(
        job -> job.clearCommand().addCommand(""),
        "command[0]: is empty; the first word is the program");
    refused(
        job -> job.addCommand("a\0b"),
        "command[1]: contains a NUL character, which no argument, variable or path can hold");
    refused(
        job -> job.addCommand("x".repeat(131_072)),
        "command[1]: is longer than the 128 KiB that Linux takes as one argument or variable");
    refused(
        job -> job.addCommand("${port.web}"),
        "command[1]: there is no ${port.web}: the job asks for no ports; add web to"
            + " resources.ports");
  }

  @Test
  void filesLieInTheTaskDirectory() {
    accepted(job -> job.putFiles("hosts.txt", ByteString.EMPTY));
    refused(
        job -> job.putFiles("etc/hosts", ByteString.EMPTY),
        "files.etc/hosts: a file lies directly in ORCH_TASK_DIR: give a name, not a path");
    refused(
        job -> job.putFiles("..", ByteString.EMPTY),
        "files...: a file lies directly in ORCH_TASK_DIR: give a name, not a path");
    refused(
        job ->
            job.clearCommand()
                .setScript(ByteString.copyFromUtf8("true"))
                .putFiles("script", ByteString.EMPTY),
        "files.script: is where the job's own script is laid; choose another name");
    refused(
        job -> job.putFiles("a b", ByteString.EMPTY),
        "files.a b: 'a b' is no file name: 1 to 255 letters, digits and any of . _ + @ -");
  }

  @Test
  void variablesHaveNames() {
    accepted(job -> job.putEnv("BASH_FUNC_module%%", "() { x; }"));
    accepted(job -> job.putEnv("ORCH_ADDRESS", "http://controller:7400"));
    refused(
        job -> job.putEnv("A=B", ""),
        "env.A=B: 'A=B' is no name of a variable: no spaces, no '=', first no digit");
    refused(job -> job.putEnv("", "x"), "env: a name is empty");
    refused(
        job -> job.putEnv("ORCH_TASK", "x"),
        "env.ORCH_TASK: is set by Orch for every task; choose another name");
    refused(
        job -> job.putEnv("ORCH_PORT_HTTP", "x"),
        "env.ORCH_PORT_HTTP: is set by Orch for every task; choose another name");
  }

  @Test
  void pathsAreUnderstood() {
    accepted(job -> job.setStdin("/in.%i").setStdout("out.%j.%a").setStderr("stdout"));
    refused(
        job -> job.setStdout("/out.%d"),
        "stdout: there is no '%d'; known are %j (job number), %n (job name), %i (task index), %a"
            + " (attempt) and %% for a percent sign");
    refused(
        job -> job.setStdout("stderr"),
        "stdout: 'stderr' is no path; one stream in true order is: stderr: stdout");
    refused(
        job -> job.setWorkingDirectory("src"),
        "workingDirectory: 'src' is not absolute; begin with '/', or leave it out for"
            + " ORCH_TASK_DIR");
    refused(
        job -> job.setWorkingDirectory("~/src"),
        "workingDirectory: '~' is the shell's; write the home directory in full");
  }

  @Test
  void theProcessIsSetUpWithinLinux() {
    refused(
        job -> job.setUser("a b"), "user: 'a b' is no login name or uid: no spaces, ':' or '/'");
    refused(job -> job.setUmask(01000), "umask: must be 0 to 777 octal, not 1000");
    refused(job -> job.setNice(20), "nice: must be -20 to 19, not 20");
    refused(job -> job.setOomScoreAdj(-1001), "oomScoreAdj: must be -1,000 to 1,000, not -1,001");
    refused(
        job -> job.putRlimits("nofiles", rlimit(1, 1)),
        "rlimits.nofiles: there is no resource limit 'nofiles'; did you mean 'nofile'?");
    refused(
        job -> job.putRlimits("nofile", rlimit(2, 1)),
        "rlimits.nofile: the soft limit (2) is above the hard one (1)");
    refused(
        job -> job.putRlimits("core", rlimit(-1, 1)),
        "rlimits.core: the soft limit (unlimited) is above the hard one (1)");
    accepted(job -> job.putRlimits("core", rlimit(1, -1)));
    refused(
        job -> job.addCapabilities("net_bind"),
        "capabilities[0]: there is no capability 'net_bind'; known are "
            + String.join(", ", SpecConvertExecution.CAPABILITIES));
    refused(
        job -> job.addCapabilities("net_row"),
        "capabilities[0]: there is no capability 'net_row'; did you mean 'net_raw'?");
    refused(
        job -> job.addCapabilities("kill").addCapabilities("kill"),
        "capabilities[1]: names the capability 'kill' a second time");
    refused(
        job -> job.setSeccomp("a/b"),
        "seccomp: 'a/b' is no name of a profile: letters, digits, '.', '_' and '-'");
  }

  @Test
  void socketsHaveAnAddress() {
    accepted(job -> job.addSocketsBuilder().setName("http").setListen("[::1]:80"));
    accepted(job -> job.addSocketsBuilder().setName("ctl").setListen("/run/web.sock"));
    refused(
        job -> job.addSocketsBuilder().setName("http").setListen("8080"),
        "sockets[0].listen: '8080' is no address; write host:port, :port or the path of a UNIX"
            + " socket (at most 107 bytes)");
    refused(
        job -> job.addSocketsBuilder().setName("http").setListen(":80800"),
        "sockets[0].listen: must be 1 to 65,535, not 80,800");
    refused(job -> job.addSocketsBuilder().setListen(":80"), "sockets[0].name: is missing");
  }

  @Test
  void resourcesFitTogether() {
    refused(
        job -> job.getResourcesBuilder().setCpuMaxMillis(50),
        "resources.cpuMax: the cap (50m) is less than the reservation resources.cpu (100m, the"
            + " default)");
    refused(
        job -> job.getResourcesBuilder().setMemoryBytes(1 << 28).setMemoryHighBytes(1 << 29),
        "resources.memoryHigh: throttling would begin (512Mi) above the limit resources.memory"
            + " (256Mi)");
    refused(
        job -> job.getResourcesBuilder().setMemoryBytes(256),
        "resources.memory: 256 is 256 bytes, too little for any process; at least 1Mi; did you"
            + " mean 256Mi?");
    refused(
        job -> job.getResourcesBuilder().setMemoryBytes(-1),
        "resources.memory: must be 0 bytes or more, not -1");
    refused(
        job -> job.getResourcesBuilder().getIoBuilder().setWeight(10_001),
        "resources.io.weight: must be 1 to 10,000, not 10,001");
    refused(
        job -> job.getResourcesBuilder().addPorts("8080"),
        "resources.ports[0]: '8080' is a number; ports are asked for by name, and the number is in"
            + " ORCH_PORT_<NAME> and ${port.name}");
    refused(
        job -> job.getResourcesBuilder().addPorts("a-b").addPorts("a_b"),
        "resources.ports[1]: names the port 'a_b' a second time");
    refused(
        job -> job.getResourcesBuilder().putDevices("gpu", 0),
        "resources.devices.gpu: must be 1 or more, not 0");
  }

  @Test
  void expressionsAreRead() {
    refused(
        job -> job.getPlacementBuilder().addConstraints("rack in a"),
        "placement.constraints[0]: 'rack in a': expected '(' after 'in', as in: rack in (a, b)");
    refused(
        job -> job.getPlacementBuilder().addAffinityBuilder().setExpression("ssd").setWeight(101),
        "placement.affinity[0].weight: must be -100 to 100, not 101");
    refused(
        job -> job.getPlacementBuilder().setPool("GPU"),
        "placement.pool: 'GPU' is no name of a pool: lower-case letters, digits, '-' and '.', first"
            + " a letter, at most 63");
  }

  @Test
  void restartRulesAreSane() {
    refused(
        job -> job.getRestartBuilder().addRulesBuilder().setOom(true),
        "restart.rules[0].action: is missing: restart, reschedule, fail or succeed");
    refused(
        job -> rule(job).addExitCodesBuilder().setFirst(64).setLast(256),
        "restart.rules[0].exitCodes[0]: exit codes are 0 to 255, not 64-256");
    refused(
        job -> rule(job).addExitCodesBuilder().setFirst(300).setLast(300),
        "restart.rules[0].exitCodes[0]: exit codes are 0 to 255, not 300");
    refused(
        job -> rule(job).addExitCodesBuilder().setFirst(9).setLast(8),
        "restart.rules[0].exitCodes[0]: ends at 8, before it begins at 9");
    refused(
        job -> rule(job).addSignals(65), "restart.rules[0].signals[0]: must be 1 to 64, not 65");
    refused(
        job -> rule(job).setMemoryFactor(0.5),
        "restart.rules[0].memoryFactor: must be 1 to 100, not 0.5");
    refused(
        job -> job.getRestartBuilder().setMaxRetries(-2),
        "restart.maxRetries: must be -1 or more, not -2");
    refused(
        job -> job.getRestartBuilder().getBackoffBuilder().setJitter(1.5),
        "restart.backoff.jitter: must be 0 to 1, not 1.5");
    refused(
        job -> job.getRestartBuilder().getBackoffBuilder().setFactor(0.5),
        "restart.backoff.factor: must be 1 to 100, not 0.5");
    refused(
        job -> job.getRestartBuilder().getBackoffBuilder().setFactor(Double.NaN),
        "restart.backoff.factor: must be 1 to 100, not NaN");
    refused(
        job -> job.getRestartBuilder().getBackoffBuilder().setInitial(seconds(600)),
        "restart.backoff.initial: the longest delay restart.backoff.max (5m, the default) is"
            + " shorter than the first, restart.backoff.initial (10m)");
  }

  @Test
  void aStopIsDrawnOutToTenMinutesUnlessItsGraceIsLonger() {
    assertEquals(600, maxGrace(stop -> stop.setGrace(seconds(5))));
    assertEquals(3_600, maxGrace(stop -> stop.setGrace(seconds(3_600))));
    assertEquals(5, maxGrace(stop -> stop.setGrace(seconds(5)).setMaxGrace(seconds(5))));
    refused(
        job -> job.getStopBuilder().setGrace(seconds(60)).setMaxGrace(seconds(59)),
        "stop.maxGrace: 59s is less than stop.grace (1m)");
  }

  @Test
  void durationsAreTimesToCome() {
    refused(job -> job.setTimeout(seconds(-1)), "timeout: must not be negative");
    refused(
        job -> job.setTimeout(seconds(0)),
        "timeout: must be longer than 0; leave it out for the default");
    refused(
        job -> job.setDeadline(seconds(Long.MAX_VALUE)),
        "deadline: is too long; at most 100 years (36500d)");
    accepted(job -> job.getStopBuilder().setGrace(seconds(0)));
  }

  @Test
  void theWarningComesBeforeTheTimeout() {
    refused(
        job -> job.getWarnBuilder().setSignal(12).setBefore(seconds(30)),
        "warn: announces the timeout, and there is none; set timeout");
    refused(
        job -> job.setTimeout(seconds(30)).getWarnBuilder().setSignal(12).setBefore(seconds(30)),
        "warn.before: must be shorter than timeout (30s), not 30s");
    refused(
        job -> job.setTimeout(seconds(30)).getWarnBuilder().setBefore(seconds(1)),
        "warn.signal: is missing: which signal announces the timeout, for example USR2");
    refused(
        job -> job.setTimeout(seconds(30)).getWarnBuilder().setSignal(12),
        "warn.before: is missing: how long before the timeout, for example 30s");
    refused(
        job -> job.getStopBuilder().setSignal(65),
        "stop.signal: must be a signal's number, 1 to 64, not 65");
  }

  @Test
  void probesAskSomebody() {
    refused(
        job -> job.getHealthBuilder().getReadinessBuilder().setFailures(1),
        "health.readiness: has no probe: one of http, tcp, grpc, exec, notify");
    refused(
        job -> {
          job.getResourcesBuilder().addPorts("http");
          job.getHealthBuilder().getLivenessBuilder().getTcpBuilder().setPort("htp");
        },
        "health.liveness.tcp.port: there is no port 'htp' in resources.ports: http; did you mean"
            + " 'http'?");
    refused(
        job -> job.getHealthBuilder().getStartupBuilder().getGrpcBuilder().setPort("web"),
        "health.startup.grpc.port: there is no port 'web' in resources.ports, which asks for none");
    refused(
        job -> job.getHealthBuilder().getStartupBuilder().getTcpBuilder().setPort("0"),
        "health.startup.tcp.port: must be 1 to 65,535, not 0");
    refused(
        job ->
            job.getHealthBuilder().getStartupBuilder().getHttpBuilder().setPort("80").setPath("x"),
        "health.startup.http.path: must begin with '/', not 'x'");
    refused(
        job -> job.getHealthBuilder().getStartupBuilder().getExecBuilder(),
        "health.startup.exec.command: is missing; say what to run");
  }

  @Test
  void anUpdateLeavesTimeToBeHealthy() {
    refused(
        job -> job.getUpdateBuilder().setMinHealthy(seconds(600)),
        "update.minHealthy: update.healthyDeadline (5m, the default) must be longer than"
            + " update.minHealthy (10m)");
    refused(
        job -> job.getUpdateBuilder().setMaxParallel(-1),
        "update.maxParallel: must be 1 or more, not -1");
  }

  @Test
  void dependenciesNameOtherJobs() {
    accepted(job -> job.addDependsOnBuilder().setJob("42"));
    refused(
        job -> job.addDependsOnBuilder(),
        "dependsOn[0].job: is missing: the number or name of the job to wait for");
    refused(
        job -> job.addDependsOnBuilder().setJob("No"),
        "dependsOn[0].job: 'No' is neither a job's number nor a name");
    refused(
        job -> job.setName("web").addDependsOnBuilder().setJob("web"),
        "dependsOn[0].job: the job would wait for itself");
    refused(
        job -> {
          job.addDependsOnBuilder().setJob("a");
          job.addDependsOnBuilder().setJob("a");
        },
        "dependsOn[1]: waits for 'a' as dependsOn[0] does; drop one");
  }

  @Test
  void schedulesAreFiveFields() {
    accepted(job -> schedule(job, "*/5 0-6,22 1 JAN-mar mon"));
    accepted(job -> schedule(job, "0 0 * * 7"));
    refused(
        job -> schedule(job, "0 */5 * * * *"),
        "schedule.cron: has six fields, and cron has five: minute, hour, day of month, month, day"
            + " of week; there are no seconds (and no years), drop the extra field");
    refused(
        job -> schedule(job, "* * *"),
        "schedule.cron: has 3 fields, and cron has five: minute, hour, day of month, month, day of"
            + " week");
    refused(
        job -> schedule(job, ""),
        "schedule.cron: is missing: five fields, for example \"*/5 * * * *\"");
    refused(
        job -> schedule(job, "@daily"),
        "schedule.cron: '@daily' is a short form; write its five fields: 0 0 * * *");
    refused(
        job -> schedule(job, "60 * * * *"), "schedule.cron: minute '60': '60' is none of 0 to 59");
    refused(
        job -> schedule(job, "* * * FOO *"),
        "schedule.cron: month 'FOO': 'FOO' is none of 1 to 12 or JAN to DEC");
    refused(
        job -> schedule(job, "*/0 * * * *"),
        "schedule.cron: minute '*/0': the step after '/' must be 1 or more");
    refused(
        job -> schedule(job, "5-1 * * * *"), "schedule.cron: minute '5-1': ends before it begins");
    refused(job -> schedule(job, "0 0 31 4 *"), "schedule.cron: day 31 of month 4 never comes");
  }

  @Test
  void schedulesHaveAZoneAndNoQuestions() {
    refused(
        job -> schedule(job, "0 3 * * *").getScheduleBuilder().setTimeZone("Europe/Berlinn"),
        "schedule.timeZone: there is no time zone 'Europe/Berlinn'; did you mean"
            + " 'Europe/Berlin'?");
    refused(
        job -> schedule(job, "0 3 * * *").getScheduleBuilder().setTimeZone("+01:00"),
        "schedule.timeZone: '+01:00' is an offset, which knows no summer time; name a zone such as"
            + " Europe/Berlin or UTC");
    refused(
        job -> schedule(job, "0 3 * * *").setType(orch.v1.JobType.JOB_TYPE_SERVICE),
        "schedule: starts a batch job at each slot; drop it or make type: batch");
    refused(
        job -> schedule(job, "0 3 * * *").addParametersBuilder().setName("x"),
        "schedule: gives no parameters, and 'x' has no default; give it one");
    refused(
        job -> job.addParametersBuilder().setName("X"),
        "parameters[0].name: 'X' is no name of a parameter: lower-case letters, digits and '_',"
            + " first a letter");
  }

  @Test
  void theRestHasRanges() {
    refused(job -> job.setPriority(101), "priority: must be 0 to 100, not 101");
    refused(
        job -> job.getLogsBuilder().setMaxBytes(-1),
        "logs.maxBytes: must be 0 bytes or more, not -1");
    refused(
        job -> job.setTypeValue(99),
        "type: has a value that this version does not know; known are batch, service");
    refused(
        job -> job.getOnExitBuilder().setTimeout(seconds(1)),
        "onExit.command: is missing; say what runs after the job's end");
  }

  @Test
  void aSpecIsSmall() {
    List<String> items =
        IntStream.range(0, 10_000).mapToObj(i -> "/srv/data/part-" + i + "/input.csv").toList();
    String message =
        SpecConvert.problems(job().addAllItems(items).build()).stream()
            .map(FieldProblem::toString)
            .collect(Collectors.joining("; "));
    assertEquals(
        "items: the spec takes 302 KiB and may take 256 KiB, of which items alone takes 302 KiB;"
            + " use count, keep the items in a file that every node sees, and let each task take"
            + " line ORCH_INDEX of it",
        message);
    ByteString big = ByteString.copyFrom(new byte[300 * 1024]);
    assertTrue(
        SpecConvert.problems(job().putFiles("a", big).build())
            .getFirst()
            .message()
            .endsWith("keep large inputs where the node sees them and pass their path"));
  }

  @Test
  void whatCameInOnceComesInAgainHoweverLargeItIs() {
    for (int size = 261_500; size < 262_200; size++) {
      orch.v1.JobSpec proto = job().putFiles("a", ByteString.copyFrom(new byte[size])).build();
      if (SpecConvert.problems(proto).isEmpty()) {
        JobSpec spec = SpecConvert.fromProto(proto);
        assertEquals(List.of(), SpecConvert.problems(SpecConvert.toProto(spec)));
      }
    }
  }

  @Test
  void everyListHasALimit() {
    refused(
        job -> IntStream.range(0, 101).forEach(i -> job.getResourcesBuilder().addPorts("p" + i)),
        "resources.ports: has 101 entries; at most 16");
    refused(
        job ->
            IntStream.range(0, 101).forEach(i -> job.getPlacementBuilder().addConstraints("c" + i)),
        "placement.constraints: has 101 entries; at most 100");
  }

  @Test
  void placementIsBinpackInTheDefaultPool() {
    assertEquals(Placement.DEFAULT, SpecConvert.fromProto(job().build()).placement());
    assertEquals(new TreeMap<>(), SpecConvert.fromProto(job().build()).labels());
  }

  private static orch.v1.JobSpec.Builder job() {
    return orch.v1.JobSpec.newBuilder().addCommand("true");
  }

  private static orch.v1.RestartRule.Builder rule(orch.v1.JobSpec.Builder job) {
    return job.getRestartBuilder().addRulesBuilder().setAction(RestartAction.RESTART_ACTION_FAIL);
  }

  private static orch.v1.JobSpec.Builder schedule(orch.v1.JobSpec.Builder job, String cron) {
    job.getScheduleBuilder().setCron(cron);
    return job;
  }

  private static orch.v1.Rlimit rlimit(long soft, long hard) {
    return orch.v1.Rlimit.newBuilder().setSoft(soft).setHard(hard).build();
  }

  private static Duration seconds(long seconds) {
    return Duration.newBuilder().setSeconds(seconds).build();
  }

  private static void accepted(Consumer<orch.v1.JobSpec.Builder> change) {
    orch.v1.JobSpec.Builder job = job();
    change.accept(job);
    assertEquals(List.of(), SpecConvert.problems(job.build()));
  }

  private static long maxGrace(Consumer<orch.v1.StopPolicy.Builder> change) {
    orch.v1.JobSpec.Builder job = job();
    change.accept(job.getStopBuilder());
    return SpecConvert.fromProto(job.build()).stop().maxGrace().toSeconds();
  }

  private static void refused(Consumer<orch.v1.JobSpec.Builder> change, String problem) {
    orch.v1.JobSpec.Builder job = job();
    change.accept(job);
    assertEquals(
        List.of(problem),
        SpecConvert.problems(job.build()).stream().map(FieldProblem::toString).toList());
  }
}

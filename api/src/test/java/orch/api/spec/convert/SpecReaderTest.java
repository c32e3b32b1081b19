package orch.api.spec.convert;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import orch.api.spec.SpecProblem;
import orch.v1.JobSpec;
import orch.v1.JobType;
import orch.v1.RestartExhausted;
import orch.v1.RestartWhen;
import orch.v1.Rlimit;
import org.junit.jupiter.api.Test;

/** The dialect, and what is said of a document that is not in it. */
final class SpecReaderTest {
  /** The example of the design, its service and its template apart. */
  private static final String EVERYTHING =
      """
      name: web
      type: service                      # batch | service
      count: 3
      parallelism: 10
      command: [/usr/local/bin/web, --port, "${port.http}"]
      env: {LOG_LEVEL: info}
      stdin: /data/in.%i
      stderr: stdout
      user: web
      workingDirectory: /srv/web
      umask: 027
      nice: 5
      rlimits: {nofile: 4096, core: unlimited, memlock: {soft: 64Ki, hard: 1Mi}}
      capabilities: [net_bind_service]
      seccomp: default
      pidNamespace: true
      fileAccess: {read: [/usr, /etc], write: [/srv/web]}
      noNewPrivileges: true
      resources: {cpu: 500m, cpuMax: 2, memory: 256Mi, memoryHigh: 200Mi, memoryLow: 100Mi, cpuset: numa, pids: 512, io: {weight: 200, readBandwidth: 50M}, ports: [http], devices: {gpu: 1}, licenses: {ceph: 1}}
      placement: {constraints: ["rack in (a,b)", "kernel >= 6.1"], affinity: [ssd, {expression: gpu, weight: -5}], spread: [rack], strategy: binpack, everyNode: false, pool: default}
      restart:
        when: on-failure                 # never | on-failure | always
        rules:
          - {exitCodes: [75], action: restart}
          - {exitCodes: ["64-78"], action: fail}
          - {oom: true, action: reschedule, memoryFactor: 1.5}
          - {nodeLost: true, action: reschedule, uncounted: true}
          - {preempted: true, action: reschedule, uncounted: true}
        backoff: {initial: 1s, factor: 2, max: 5m, jitter: 0.2, resetAfter: 10m}
        maxRetries: 5
        window: 10m
        exhausted: reschedule            # fail | reschedule | delay
      stop: {signal: TERM, grace: 30s, preStop: [/bin/drain], mode: group}
      timeout: 1h
      deadline: 1d
      warn: {signal: USR2, before: 30s, to: leader}
      onExit: {command: [/bin/report]}
      health: {readiness: {http: {port: http, path: /healthz}, period: 5s, failures: 3}, liveness: {exec: {command: [/bin/check]}}, startup: {notify: {}}}
      update: {maxParallel: 1, minHealthy: 10s, healthyDeadline: 5m, canary: 0, autoRollback: true}
      partition: {mode: keep, lostAfter: 5m}
      dependsOn: [{job: build, condition: succeeded}, {job: 42, index: same}]
      retention: {results: 30d, logs: 7d}
      priority: 50
      logs: {maxBytes: 100Mi}
      sockets: [{name: http, listen: ":8080"}]
      """;

  @Test
  void everythingOfTheDesignIsRead() {
    JobSpec spec = read(EVERYTHING);
    assertEquals(JobType.JOB_TYPE_SERVICE, spec.getType());
    assertEquals(List.of("/usr/local/bin/web", "--port", "${port.http}"), spec.getCommandList());
    assertEquals(027, spec.getUmask());
    assertEquals(
        Map.of(
            "nofile",
            rlimit(4096, 4096),
            "core",
            rlimit(-1, -1),
            "memlock",
            rlimit(65536, 1 << 20)),
        spec.getRlimitsMap());
    assertEquals(500, spec.getResources().getCpuMillis());
    assertEquals(2000, spec.getResources().getCpuMaxMillis());
    assertEquals(256L << 20, spec.getResources().getMemoryBytes());
    assertEquals(50_000_000, spec.getResources().getIo().getReadBytesPerSecond());
    assertEquals(Map.of("gpu", 1), spec.getResources().getDevicesMap());
    assertEquals(100L << 20, spec.getResources().getMemoryLowBytes());
    assertEquals("numa", spec.getResources().getCpuset());
    assertTrue(spec.getPidNamespace());
    assertEquals(List.of("/usr", "/etc"), spec.getFileAccess().getReadList());
    assertEquals(List.of("/srv/web"), spec.getFileAccess().getWriteList());
    assertEquals("ssd", spec.getPlacement().getAffinity(0).getExpression());
    assertEquals(-5, spec.getPlacement().getAffinity(1).getWeight());
    assertEquals(RestartWhen.RESTART_WHEN_ON_FAILURE, spec.getRestart().getWhen());
    assertEquals(64, spec.getRestart().getRules(1).getExitCodes(0).getFirst());
    assertEquals(78, spec.getRestart().getRules(1).getExitCodes(0).getLast());
    assertEquals(1.5, spec.getRestart().getRules(2).getMemoryFactor());
    assertEquals(RestartExhausted.RESTART_EXHAUSTED_RESCHEDULE, spec.getRestart().getExhausted());
    assertEquals(15, spec.getStop().getSignal());
    assertEquals(Duration.newBuilder().setSeconds(3600).build(), spec.getTimeout());
    assertEquals(12, spec.getWarn().getSignal());
    assertEquals("/healthz", spec.getHealth().getReadiness().getHttp().getPath());
    assertTrue(spec.getHealth().getStartup().hasNotify());
    assertTrue(spec.getUpdate().getAutoRollback());
    assertEquals("42", spec.getDependsOn(1).getJob());
    assertTrue(spec.getDependsOn(1).getSameIndex());
    assertEquals(100L << 20, spec.getLogs().getMaxBytes());
    assertEquals(":8080", spec.getSockets(0).getListen());
  }

  @Test
  void aScheduledTemplateIsRead() {
    JobSpec spec =
        read(
            """
            command: [backup]
            schedule: {cron: "*/5 * * * *", timeZone: Europe/Berlin, overlap: skip, catchUp: none}
            """);
    assertEquals("*/5 * * * *", spec.getSchedule().getCron());
    assertEquals("Europe/Berlin", spec.getSchedule().getTimeZone());
  }

  @Test
  void jsonIsReadToo() {
    JobSpec spec =
        read("{\n\t\"command\": [\"sleep\", 10],\n\t\"env\": {\"PORT\": 8080, \"ON\": true}\n}\n");
    assertEquals(List.of("sleep", "10"), spec.getCommandList());
    assertEquals(Map.of("PORT", "8080", "ON", "true"), spec.getEnvMap());
  }

  @Test
  void numbersInPlaceOfTextsAreTakenAsTheyAreWritten() {
    JobSpec spec = read("command: [x, 010, 1e3, 0x1f, yes, 1.50]\n");
    assertEquals(List.of("x", "010", "1e3", "0x1f", "yes", "1.50"), spec.getCommandList());
  }

  @Test
  void anArrayIsWrittenAsRanges() {
    JobSpec spec = read("command: [x]\narray: 0-9:2, 20-29, 40%4\n");
    assertEquals(3, spec.getArrayCount());
    assertEquals(2, spec.getArray(0).getStep());
    assertEquals(29, spec.getArray(1).getLast());
    assertEquals(40, spec.getArray(2).getFirst());
    assertEquals(4, spec.getParallelism());
    assertEquals(7, read("command: [x]\narray: 7\n").getArray(0).getLast());
  }

  @Test
  void contentsAreTextsOrBytes() {
    JobSpec spec =
        read(
            """
            script: |
              #!/bin/sh
              echo hi
            files:
              text: "a\\tb"
              binary: !!binary |
                AAH/
              base64: {base64: "AAH/"}
            """);
    assertEquals("#!/bin/sh\necho hi\n", spec.getScript().toStringUtf8());
    assertEquals("a\tb", spec.getFilesOrThrow("text").toStringUtf8());
    assertEquals(3, spec.getFilesOrThrow("binary").size());
    assertEquals(spec.getFilesOrThrow("binary"), spec.getFilesOrThrow("base64"));
  }

  @Test
  void anAliasStandsForWhatItNames() {
    JobSpec spec =
        read(
            """
            command: [x]
            resources: {ports: [http]}
            health:
              readiness: &check {tcp: {port: http}}
              liveness: *check
            """);
    assertEquals(spec.getHealth().getReadiness(), spec.getHealth().getLiveness());
  }

  @Test
  void severalDocumentsAreSeveralJobs() {
    SpecDocument document =
        SpecReader.read("", "name: a\ncommand: [x]\n---\nname: b\ncommand: [y]\n---\n");
    assertEquals(List.of("a", "b"), document.specs().stream().map(JobSpec::getName).toList());
  }

  @Test
  void anUnknownKeyIsToldWithTheNearestRightName() {
    problems(
        "comand: [x]\n", "1:1: comand: there is no key 'comand' here; did you mean 'command'?");
    problems(
        "command: [x]\nresources: {memroy: 1Gi}\n",
        "2:13: resources.memroy: there is no key 'memroy' here; did you mean 'memory'?");
    problems(
        "command: [x]\nmemory: 1Gi\n",
        "2:1: memory: there is no key 'memory' here; did you mean 'resources.memory'?");
    problems(
        "command: [x]\nmax_retries: 3\n",
        "2:1: max_retries: there is no key 'max_retries' here; did you mean 'restart.maxRetries'?");
    problems(
        "command: [x]\nimage: nginx\n",
        "2:1: image: there is no key 'image'; the documentation of the job spec lists all");
    problems(
        "command: [x]\nretries: 3\n",
        "2:1: retries: there is no key 'retries' here; did you mean 'restart.maxRetries'?");
    problems(
        "command: [x]\nstop: {colour: red}\n",
        "2:8: stop.colour: there is no key 'colour' here; keys are signal, grace, maxGrace,"
            + " preStop, mode");
    problems(
        "command: [x]\n<<: {a: b}\n",
        "2:1: <<: merge keys are no part of YAML 1.2; name the keys, or use an alias");
  }

  @Test
  void theSuggestionStandsByItself() {
    SpecProblem problem = SpecReader.read("f", "comand: [x]\n").problems().getFirst();
    assertEquals("command", problem.suggestion());
    assertEquals("comand", problem.field());
    problem = SpecReader.read("f", "command: [x]\ntype: sevice\n").problems().getFirst();
    assertEquals("service", problem.suggestion());
  }

  @Test
  void aWrongUnitIsExplained() {
    problems(
        "command: [x]\nresources:\n  memory: 256MB\n",
        "3:11: resources.memory: '256MB': there is no unit 'MB' for bytes; write 256Mi (1024²) or"
            + " 256M (1000²)");
    problems(
        "command: [x]\nresources: {cpu: 50%}\n",
        "2:18: resources.cpu: '50%': write thousandths of a CPU, as 50% is 500m");
    problems(
        "command: [x]\ntimeout: 90\n",
        "2:10: timeout: a duration needs a unit: write 90s, 90m or 90h");
    problems(
        "command: [x]\nresources: {memory: 256}\n",
        "2:21: resources.memory: 256 is 256 bytes, too little for any process; at least 1Mi; did"
            + " you mean 256Mi?");
  }

  @Test
  void aWrongTypeIsExplained() {
    problems(
        "command: [x]\ncount: three\n", "2:8: count: expected a whole number, got text 'three'");
    problems(
        "command: [x]\ncount: '3'\n",
        "2:8: count: expected a whole number, got text '3'; drop the quotes");
    problems(
        "command: [x]\ncount: 1.5\n", "2:8: count: expected a whole number, got the number 1.5");
    problems(
        "command: make test\n",
        "1:10: command: expected a list of texts, got text 'make test'; write [make, test], or"
            + " script: for a line of shell");
    problems(
        "command: [x]\nstop: {preStop: drain it}\n",
        "2:17: stop.preStop: expected a list of texts, got text 'drain it'; write [drain, it], or"
            + " [sh, -c, \"…\"] for a line of shell");
    problems(
        "command: [x]\ngang: yes\n",
        "2:7: gang: expected true or false, got text 'yes'; write true");
    problems(
        "command: [x]\nrestart: always\n",
        "2:10: restart: expected a mapping with when, rules, backoff, maxRetries, …, got text"
            + " 'always'");
    problems("command: [x]\nname: [a]\n", "2:7: name: expected a text, got a list");
    problems(
        "command: [x]\nenv: [A=1]\n", "2:6: env: expected a mapping of names to texts, got a list");
    problems("command: [x]\nenv: {A: {b: c}}\n", "2:10: env.A: expected a text, got a mapping");
    problems(
        "command: [x, ~]\n", "1:14: command[1]: nothing stands here; write '' for an empty text");
    problems("command: [x]\nrestart:\n", "2:9: restart: has no value; give one or drop the line");
    problems(
        "command: [x]\nrestart: {maxRetries: unlimitd}\n",
        "2:23: restart.maxRetries: expected a whole number or unlimited, got text 'unlimitd'");
    problems(
        "command: [x]\nrestart: {rules: {oom: true}}\n",
        "2:18: restart.rules: expected a list of a mapping with exitCodes, signals, oom, nodeLost,"
            + " …, got a mapping");
  }

  @Test
  void aWrongWordIsToldWithTheNearestRightOne() {
    problems(
        "command: [x]\nrestart: {when: on_failure}\n",
        "2:17: restart.when: expected one of never, on-failure, always, got text 'on_failure'; did"
            + " you mean 'on-failure'?");
    problems(
        "command: [x]\ntype: daemon\n",
        "2:7: type: expected one of batch, service, got text 'daemon'");
    problems(
        "command: [x]\nstop: {signal: TREM}\n",
        "2:16: stop.signal: there is no signal 'TREM'; did you mean 'TERM'?");
    problems(
        "command: [x]\ntimeout: 1h\nwarn: {signal: USR2, before: 1m, to: everybody}\n",
        "3:38: warn.to: expected one of leader, all, got text 'everybody'");
  }

  @Test
  void anImpossibleValueIsToldWhereItStands() {
    problems("command: [x]\ncount: 0\n", "2:8: count: must be 1 to 10,000,000, not 0");
    problems("command: [x]\npriority: 200\n", "2:11: priority: must be 0 to 100, not 200");
    problems(
        "command: [x]\nnice: 99999999999999999999\n",
        "2:7: nice: must be -20 to 19, not 99,999,999,999,999,999,999");
    problems(
        "command: [x]\nresources:\n  memory: 1Gi\n  memoryHigh: 2Gi\n",
        "4:15: resources.memoryHigh: throttling would begin (2Gi) above the limit resources.memory"
            + " (1Gi)");
    problems(
        "command: [x]\nresources:\n  memory: 1Gi\n  memoryLow: 2Gi\n",
        "4:14: resources.memoryLow: more would be protected (2Gi) than the limit resources.memory"
            + " allows (1Gi)");
    problems(
        "command: [x]\nresources: {cpuset: all}\n",
        "2:21: resources.cpuset: 'all' is neither a list of CPUs such as 0-3,8 nor numa");
    problems(
        "command: [x]\npidNamespace: true\nwaitForDescendants: true\n",
        "3:21: waitForDescendants: excludes pidNamespace: the kernel ends a PID namespace with its"
            + " leader");
    problems(
        "command: [x]\nfileAccess: {read: [usr]}\n",
        "2:21: fileAccess.read[0]: 'usr' is no absolute path of at most 1024 characters");
    problems(
        "command: [x]\nfileAccess: {}\n",
        "2:13: fileAccess: opens no path, so nothing can be executed; name some, or leave it out");
    problems(
        "command: [x]\nresources: {cpu: 0}\n",
        "2:18: resources.cpu: must be more than 0; leave it out for the default");
    problems(
        "command: [x]\nplacement: {affinity: [{expression: ssd, weight: 0}]}\n",
        "2:50: placement.affinity[0].weight: 0 prefers nothing; 1 to 100 is rather, -1 to -100"
            + " rather not");
    problems(
        "command: [x]\nplacement:\n  constraints:\n    - ssd\n    - rack in a\n",
        "5:7: placement.constraints[1]: 'rack in a': expected '(' after 'in', as in: rack in (a,"
            + " b)");
    problems(
        "command: [x]\nrestart: {rules: [{exitCodes: [300], action: fail}]}\n",
        "2:32: restart.rules[0].exitCodes[0]: exit codes are 0 to 255, not 300");
    problems(
        "command: [x]\nrestart: {rules: [{oom: true}]}\n",
        "2:19: restart.rules[0].action: is missing: restart, reschedule, fail or succeed");
    problems(
        "command: [x, \"${port.web}\"]\n",
        "1:14: command[1]: there is no ${port.web}: the job asks for no ports; add web to"
            + " resources.ports");
    problems(
        "command: [x]\nschedule: {cron: \"0 */5 * * * *\"}\n",
        "2:18: schedule.cron: has six fields, and cron has five: minute, hour, day of month, month,"
            + " day of week; there are no seconds (and no years), drop the extra field");
    problems(
        "command: [x]\numask: 888\n",
        "2:8: umask: expected an octal mask such as 027, got '888'; its digits are 0 to 7");
    problems(
        "command: [x]\nhealth: {liveness: {tcp: {port: 80}, notify: {}}}\n",
        "2:46: health.liveness.notify: a check has one probe, and tcp is said already; drop one of"
            + " the two");
    problems(
        "command: [x]\nfiles: {a: !!binary 'a?=='}\n",
        "2:12: files.a: is not base64: Illegal base64 character 3f");
  }

  @Test
  void rangesAreExplained() {
    String expected = "ranges such as \"0-9:2,20-29\", with %4 for the parallelism";
    problems("command: [x]\narray: 0..9\n", "2:8: array: '0..9' is no range; write " + expected);
    problems("command: [x]\narray: [0, 9]\n", "2:8: array: expected " + expected + ", got a list");
    problems(
        "command: [x]\narray: 0-9%x\n",
        "2:8: array: after '%' stands the parallelism, 1 or more, not 'x'");
    problems(
        "command: [x]\narray: 0-9%4\nparallelism: 2\n",
        "2:8: array: %4 and parallelism say the same; drop one of the two");
    problems(
        "command: [x]\narray: 5-9,0-4\n",
        "2:8: array[1]: begins at 0, but the range before it ends at 9; list ranges in rising"
            + " order, without overlap");
    problems("command: [x]\narray: 0-9:0\n", "2:8: array: '0-9:0': the step is 1 or more");
  }

  @Test
  void aDuplicateKeyIsToldWithBothLines() {
    problems(
        "command: [x]\ncount: 1\ncommand: [y]\n",
        "3:1: the key 'command' stands here a second time; the first is in line 1, column 1");
  }

  @Test
  void allProblemsAreToldAtOnceInTheOrderOfTheLines() {
    problems(
        """
        nmae: web
        count: three
        resources:
          memory: 256MB
          memory: 1Gi
          cpuMax: 50m
        restart: {when: sometimes}
        """,
        "1:1: nmae: there is no key 'nmae' here; did you mean 'name'?",
        "1:1: command: is missing; say what to run, as in: command: [make, test], or give a script",
        "2:8: count: expected a whole number, got text 'three'",
        "4:11: resources.memory: '256MB': there is no unit 'MB' for bytes; write 256Mi (1024²) or"
            + " 256M (1000²)",
        "5:3: the key 'memory' stands here a second time; the first is in line 4, column 3",
        "6:11: resources.cpuMax: the cap (50m) is less than the reservation resources.cpu (100m,"
            + " the default)",
        "7:17: restart.when: expected one of never, on-failure, always, got text 'sometimes'");
  }

  @Test
  void nothingIsToldTwice() {
    problems(
        "comand: [x]\n", "1:1: comand: there is no key 'comand' here; did you mean 'command'?");
    problems(
        "command: make test\n",
        "1:10: command: expected a list of texts, got text 'make test'; write [make, test], or"
            + " script: for a line of shell");
  }

  @Test
  void whatIsNoSpecIsSaid() {
    problems("", "1:1: there is no job spec in it");
    problems("# a comment\n---\n", "1:1: there is no job spec in it");
    problems(
        "- command: [x]\n", "1:1: a job spec is a mapping of keys such as 'command:', got a list");
    problems(
        "{}\n",
        "1:1: command: is missing; say what to run, as in: command: [make, test], or give a"
            + " script");
  }

  @Test
  void brokenYamlIsExplained() {
    problems(
        "command: [x]\n\tcount: 1\n",
        "2:1: a tab stands here, and YAML is indented with spaces; replace it");
    problems(
        "command: [x]\nname:web\ncount: 2\n",
        "2:1: there is no space after the ':'; write 'key: value'");
    problems(
        "command: [x\ncount: 1\n", "2:6: expected ',' or ']' of the list that opens in line 1");
  }

  @Test
  void theSameNameTwiceInAFileIsRefused() {
    problems(
        "name: a\ncommand: [x]\n---\nname: a\ncommand: [y]\n",
        "4:1: name: the job that begins in line 1 is called 'a' too");
  }

  @Test
  void aFloodOfProblemsIsCut() {
    String text =
        IntStream.range(0, 500).mapToObj(i -> "x" + i + ": 1\n").collect(Collectors.joining());
    List<SpecProblem> problems = SpecReader.read("", text).problems();
    assertEquals(100, problems.size());
    assertEquals("and 402 more problems from here on", problems.getLast().message());
  }

  @Test
  void aProblemBeginsWithItsPlace() {
    assertEquals(
        "web.yaml:1:1: comand: there is no key 'comand' here; did you mean 'command'?",
        SpecReader.read("web.yaml", "comand: [x]").problems().getFirst().toString());
  }

  private static JobSpec read(String text) {
    SpecDocument document = SpecReader.read("", text);
    assertEquals(List.of(), document.problems());
    assertEquals(1, document.specs().size());
    return document.specs().getFirst();
  }

  private static void problems(String text, String... problems) {
    SpecDocument document = SpecReader.read("", text);
    assertEquals(
        List.of(problems), document.problems().stream().map(SpecProblem::toString).toList());
    assertEquals(List.of(), document.specs());
  }

  private static Rlimit rlimit(long soft, long hard) {
    return Rlimit.newBuilder().setSoft(soft).setHard(hard).build();
  }
}

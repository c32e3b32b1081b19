package orch.systemtests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;

/**
 * Faults that supervision must stand (docs/fault-cases.md), through the whole system: with root and
 * cgroups, and as an ordinary user without them, to whom the same truth is told.
 */
@Timeout(180)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class FaultCases {
  private static final Duration LIMIT = Duration.ofSeconds(60);

  private final Cluster cluster;
  private final AtomicInteger files = new AtomicInteger();

  FaultCases(Cluster cluster) {
    this.cluster = cluster;
  }

  final Cluster cluster() {
    return cluster;
  }

  @AfterAll
  void stop() throws IOException {
    cluster.close();
  }

  @Test
  void daemonsAndSessionLeadersDieWhenTheirTaskIsStopped() throws Exception {
    Path pids = file();
    String number =
        shell(
            "escape",
            "(setsid sh -c \"echo \\$\\$ >>" + pids + "; exec sleep 1000\" &)",
            "setsid sh -c \"(sh -c 'echo \\$\\$ >>" + pids + "; exec sleep 1000' &) ; exit\"",
            "echo $$ >>" + pids,
            "exec sleep 1000");
    awaitLines(pids, 3);
    expectCancelled(number);
    expectDead(pids);
  }

  @Test
  void daemonsDieWithTheLeaderThatEndsByItself() throws Exception {
    Path pids = file();
    String number =
        shell(
            "daemon",
            "(setsid sh -c \"echo \\$\\$ >>" + pids + "; exec sleep 1000\" &)",
            "while [ ! -s " + pids + " ]; do sleep 0.01; done",
            "exit 3");
    assertEquals(3, cluster.orchctl("wait", number).code());
    expectDead(pids);
  }

  @Test
  void aTaskThatStoppedItselfIsStoppedInTime() throws Exception {
    Path pids = file();
    String number = shell("stopped", "echo $$ >" + pids, "kill -STOP $$", "sleep 1000");
    awaitLines(pids, 1);
    expectCancelled(number);
    expectDead(pids);
  }

  @Test
  void zombiesOfAParentThatNeverWaitsDoNotHoldUpAStop() throws Exception {
    Path pids = file();
    String number =
        shell(
            "zombies",
            "exec perl -e 'for (1..50) { $p = fork(); exit 0 if !$p; push @p, $p }"
                + " open F, \">"
                + pids
                + "\"; print F join(\"\\n\", @p, $$), \"\\n\"; close F; sleep 1000'");
    List<String> all = awaitLines(pids, 51);
    long deadline = System.nanoTime() + LIMIT.toNanos();
    while (all.stream().filter(pid -> state(pid) == 'Z').count() < 50) {
      assertTrue(System.nanoTime() < deadline, "not all of them end");
      Thread.sleep(10);
    }
    expectCancelled(number);
    expectDead(pids);
  }

  @Test
  void aTaskThatClosesItsOutputIsStillRunning() throws Exception {
    Path go = cluster.directory().resolve("close-go");
    Path pids = file();
    String number =
        shell(
            "closer",
            "exec >&- 2>&-",
            "echo $$ >" + pids,
            "while [ ! -e " + go + " ]; do sleep 0.05; done",
            "exit 5");
    awaitLines(pids, 1);
    String job = cluster.expectSuccess("job", "show", number, "-o", "json").text();
    assertTrue(job.contains("JOB_STATE_RUNNING"), job);
    Files.createFile(go);
    assertEquals(5, cluster.orchctl("wait", number).code());
  }

  @Test
  void aLineOfAHundredMegabytesArrivesWholeWithFlatMemory() throws Exception {
    String number =
        shell("long-line", "head -c 100000000 /dev/zero | tr '\\0' x", "echo end >&2", "exit 0");
    assertEquals(0, cluster.orchctl("wait", number).code());
    long agentKib = residentKib(cluster.agent().pid());
    String counted =
        bash(
            cluster.orchctlCommand("logs", number, "--stream", "stdout"),
            " | tee >(tr -d x | wc -c >&2) | wc -c");
    assertEquals("100000000", counted);
    long grown = residentKib(cluster.agent().pid()) - agentKib;
    System.err.println("serving a line of 100 MB: the agent grew by " + grown + " KiB");
    assertTrue(grown < 80_000, "the agent grew by " + grown + " KiB");
    for (Guards.Shim shim : cluster.guards().shims()) {
      assertTrue(residentKib(shim.pid()) < 4_000, "a shim has " + residentKib(shim.pid()) + " KiB");
    }
  }

  @Test
  void threeHundredThousandLinesAtOnceAreAllThereAndInOrder() throws Exception {
    String number = shell("flood", "seq 1 300000");
    assertEquals(0, cluster.orchctl("wait", number).code());
    String same =
        bash(cluster.orchctlCommand("logs", number), " | cmp - <(seq 1 300000) && echo the same");
    assertEquals("the same", same);
  }

  @Test
  void whateverStopsAStartSaysSoByItsOwnSentence() throws Exception {
    Path notExecutable = file();
    Files.writeString(notExecutable, "text\n");
    Path noFormat = file();
    Files.writeString(noFormat, "no format\n");
    assertTrue(noFormat.toFile().setExecutable(true, false));
    expectNotStarted("command: [/no/such/program]\n", 127, "exec", "ENOENT");
    expectNotStarted("command: [" + notExecutable + "]\n", 126, "exec", "EACCES");
    expectNotStarted("command: [" + noFormat + "]\n", 126, "exec", "ENOEXEC");
    expectNotStarted(
        "command: ['true']\nworkingDirectory: /no/such/directory\n", 125, "chdir", "ENOENT");
    String big = "name: big\ncommand: ['true']\nenv: {BIG: " + "x".repeat(140_000) + "}\n";
    CommandResult refused =
        cluster.orchctlWithInput(
            big.getBytes(StandardCharsets.UTF_8), "job", "submit", "-o", "name", "-");
    assertEquals(2, refused.code(), refused.toString());
    assertTrue(refused.errors().contains("128 KiB"), refused.errors());
  }

  @Test
  void threeHundredTasksOfAMillisecondAreAllCaptured() throws Exception {
    String number =
        cluster.submit(
            """
            name: quick
            count: 300
            resources: {cpu: 10m}
            command: [sh, -c, 'echo $ORCH_INDEX; exit $((ORCH_INDEX % 7))']
            """);
    assertEquals(6, cluster.orchctl("wait", number).code());
    List<String> lines = cluster.expectSuccess("logs", number, "--no-prefix").lines();
    assertEquals(
        IntStream.range(0, 300).boxed().collect(Collectors.toSet()),
        lines.stream().map(Integer::valueOf).collect(Collectors.toSet()));
    assertEquals(300, lines.size());
  }

  @Test
  void aKilledShimsTaskLivesOnAndItsTrueStatusArrives() throws Exception {
    Path go = cluster.directory().resolve("shim-go");
    Path pids = file();
    String number =
        shell(
            "orphan",
            "echo before",
            "echo $$ >" + pids,
            "while [ ! -e " + go + " ]; do sleep 0.05; done",
            "echo after",
            "exit 42");
    long task = Long.parseLong(awaitLines(pids, 1).getFirst());
    Guards.Shim shim =
        cluster.guards().shims().stream()
            .filter(one -> one.task() == task)
            .findFirst()
            .orElseThrow();
    ProcessHandle.of(shim.pid()).ifPresent(ProcessHandle::destroyForcibly);
    while (ProcessHandle.of(shim.pid()).map(ProcessHandle::isAlive).orElse(false)) {
      Thread.onSpinWait();
    }
    assertTrue(Files.exists(Path.of("/proc", Long.toString(task))));
    Files.createFile(go);
    assertEquals(42, cluster.orchctl("wait", number).code());
    assertEquals(List.of("before", "after"), cluster.expectSuccess("logs", number).lines());
  }

  @Test
  void stopsAtAnyMomentOfAStartAndStopsThatAreRepeatedEndTheTaskOnce() throws Exception {
    for (int i = 0; i < 6; i++) {
      Path pids = file();
      String number = shell("race-" + i, "echo $$ >>" + pids, "exec sleep 1000");
      Thread.sleep(i * 7L);
      List<Process> stops = new ArrayList<>();
      for (int twice = 0; twice < 2; twice++) {
        ProcessBuilder stop = new ProcessBuilder(cluster.orchctlCommand("cancel", number));
        stop.environment().putAll(cluster.environment());
        stops.add(
            stop.redirectErrorStream(true).redirectOutput(Path.of("/dev/null").toFile()).start());
      }
      for (Process stop : stops) {
        stop.waitFor();
      }
      cluster.orchctl("wait", number);
      String job = cluster.expectSuccess("job", "show", number, "-o", "json").text();
      assertTrue(job.contains("JOB_STATE_CANCELLED"), job);
      expectDead(pids);
    }
  }

  @Test
  void backOffOfACrashLoopIsKeptOverARestartOfTheAgent() throws Exception {
    Path times = file();
    String number =
        cluster.submit(
            """
            name: crash-loop
            command: [sh, -c, 'date +%%s%%3N >>%s; exit 1']
            restart:
              when: on-failure
              maxRetries: 3
              backoff: {initial: 1s, factor: 3, max: 1m, jitter: 0}
            """
                .formatted(times));
    awaitLines(times, 2);
    // Now it waits for 3 s; the agent dies in the middle, and the count goes on.
    cluster.agent().kill();
    cluster.restartAgent();
    List<String> seen = awaitLines(times, 4);
    assertEquals(1, cluster.orchctl("wait", number).code());
    for (int run = 1; run < 4; run++) {
      long gap = Long.parseLong(seen.get(run)) - Long.parseLong(seen.get(run - 1));
      long least = (long) (1000 * Math.pow(3, run - 1.0));
      assertTrue(gap >= least - 50, "run " + (run + 1) + " came after " + gap + " ms: " + seen);
    }
    assertEquals(4, Files.readAllLines(times).size());
  }

  @Test
  void aSuspendedJobStandsStillWhoeverDiesGoesOnAndIsStoppedInTime() throws Exception {
    Path ticks = file();
    String number = shell("ticks", "while :; do echo x >>" + ticks + "; sleep 0.02; done");
    awaitLines(ticks, 3);
    cluster.expectSuccess("job", "suspend", number);
    awaitTree(number, "\"frozen\": true");
    long size = Files.size(ticks);
    String shown = cluster.expectSuccess("task", "show", number).text();
    assertTrue(shown.contains("frozen: the job is suspended by "), shown);
    shown = cluster.expectSuccess("job", "show", number).text();
    assertTrue(shown.contains("suspended by "), shown);
    cluster.agent().kill();
    cluster.restartAgent();
    awaitTree(number, "\"frozen\": true");
    cluster.controller().kill();
    cluster.restartController();
    awaitTree(number, "\"frozen\": true");
    assertEquals(size, Files.size(ticks), "it went on");
    cluster.expectSuccess("job", "resume", number);
    awaitLines(ticks, (int) size / 2 + 3);
    String events = cluster.expectSuccess("job", "events", number).text();
    for (String type : List.of("FROZEN", "JOB_RESUMED", "THAWED")) {
      assertTrue(events.contains(type), events);
    }
    cluster.expectSuccess("job", "suspend", number);
    awaitTree(number, "\"frozen\": true");
    expectCancelled(number);
  }

  private void awaitTree(String task, String part) throws Exception {
    long deadline = System.nanoTime() + LIMIT.toNanos();
    while (true) {
      CommandResult tree = cluster.orchctl("task", "tree", task, "-o", "json");
      if (tree.code() == 0 && tree.text().contains(part)) {
        return;
      }
      assertTrue(System.nanoTime() < deadline, "not in time: " + part + "\n" + tree);
      Thread.sleep(50);
    }
  }

  /** A script with a line for each argument; the number of its job. */
  final String shell(String name, String... lines) throws Exception {
    StringBuilder spec =
        new StringBuilder("name: " + name + "\nresources: {cpu: 10m}\nstop: {grace: 2s}\n");
    spec.append("command:\n- sh\n- -c\n- |\n");
    for (String line : lines) {
      spec.append("  ").append(line).append('\n');
    }
    return cluster.submit(spec.toString());
  }

  private void expectNotStarted(String spec, int code, String stage, String errno)
      throws Exception {
    String number = cluster.submit("name: start-" + files.incrementAndGet() + "\n" + spec);
    assertEquals(code, cluster.orchctl("wait", number).code(), stage);
    String shown = cluster.expectSuccess("task", "show", number).text();
    assertTrue(shown.contains(": " + stage + " ") && shown.contains("(" + errno + ")"), shown);
  }

  private void expectCancelled(String number) throws Exception {
    long from = System.nanoTime();
    cluster.expectSuccess("cancel", number);
    cluster.orchctl("wait", number);
    long took = (System.nanoTime() - from) / 1_000_000;
    assertTrue(took < 20_000, "the stop took " + took + " ms");
    String job = cluster.expectSuccess("job", "show", number, "-o", "json").text();
    assertTrue(job.contains("JOB_STATE_CANCELLED"), job);
  }

  private static void expectDead(Path pids) throws IOException {
    for (String pid : Files.readAllLines(pids)) {
      assertFalse(Files.exists(Path.of("/proc", pid)), "process " + pid + " is left");
    }
  }

  /** Z: a zombie; a space: gone. */
  private static char state(String pid) {
    try {
      String stat = Files.readString(Path.of("/proc", pid, "stat"));
      return stat.charAt(stat.lastIndexOf(')') + 2);
    } catch (IOException gone) {
      return ' ';
    }
  }

  /** A file of the cluster's that its tasks can write. */
  final Path file() throws IOException {
    Path file = Files.createFile(cluster.directory().resolve("f" + files.incrementAndGet()));
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-rw-rw-"));
    return file;
  }

  /** Waits until a task has written so many lines. */
  static List<String> awaitLines(Path file, int count) throws Exception {
    long deadline = System.nanoTime() + LIMIT.toNanos();
    while (true) {
      String text = Files.readString(file, StandardCharsets.UTF_8);
      List<String> lines = text.lines().toList();
      if (lines.size() >= count && text.endsWith("\n")) {
        return lines;
      }
      assertTrue(System.nanoTime() < deadline, "not " + count + " lines in time: " + lines);
      Thread.sleep(10);
    }
  }

  /** Runs a command with its output piped on by bash; what comes out at the end. */
  private String bash(List<String> command, String rest) throws Exception {
    String line =
        command.stream().map(word -> "'" + word + "'").collect(Collectors.joining(" ")) + rest;
    CommandResult result =
        Shell.run(
            List.of("bash", "-c", "set -o pipefail; " + line),
            cluster.environment(),
            Path.of("/"),
            new byte[0]);
    assertEquals(0, result.code(), result.toString());
    return result.text().strip();
  }

  static long residentKib(long pid) throws IOException {
    return Files.readAllLines(Path.of("/proc", Long.toString(pid), "status")).stream()
        .filter(line -> line.startsWith("VmRSS:"))
        .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
        .findFirst()
        .orElse(0);
  }

  /** Runs a command of this machine. */
  static void expectRun(String... command) throws Exception {
    CommandResult result = Shell.run(List.of(command), Map.of(), Path.of("/"), new byte[0]);
    assertEquals(0, result.code(), String.join(" ", command) + ": " + result);
  }
}

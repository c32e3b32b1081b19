package orch.systemtests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A node full of tasks, and thousands of them one after another. */
@Timeout(600)
class ManyTasksIT {
  private static final boolean SOAK = Boolean.getBoolean("orch.soak");
  private static final int ALIVE = SOAK ? 1_000 : 200;
  private static final int STARTS = SOAK ? 10_000 : 1_000;

  /** The goal is 40 with 1,000 tasks; what all guards share weighs more on fewer of them. */
  private static final double MOST_PSS_KIB = 64;

  private Cluster cluster;

  @BeforeEach
  void start() throws Exception {
    cluster = Cluster.start();
  }

  @AfterEach
  void stop() throws Exception {
    cluster.close();
  }

  @Test
  void tasksThatAreAllAliveOutliveTheirAgentAndNoExitAndNoLineIsLost() throws Exception {
    long idle = FaultCases.residentKib(cluster.agent().pid());
    Path even = gate("even");
    Path odd = gate("odd");
    Path up = Files.createDirectory(cluster.directory().resolve("up"));
    String number =
        cluster.submit(
            """
            name: crowd
            count: %d
            resources: {cpu: 1m}
            command:
            - sh
            - -c
            - |
              echo up $ORCH_INDEX
              : >%s/$ORCH_INDEX
              if [ $((ORCH_INDEX %% 2)) = 0 ]; then read x <%s; else read x <%s; fi
              echo down $ORCH_INDEX
              exit $((ORCH_INDEX %% 100))
            """
                .formatted(ALIVE, up, even, odd));
    awaitFiles(up, ALIVE);
    long full = FaultCases.residentKib(cluster.agent().pid());
    List<Guards.Shim> guards = cluster.guards().shims().stream().filter(Guards.Shim::busy).toList();
    assertEquals(ALIVE, guards.size());
    double pss = guards.stream().mapToLong(guard -> pssKib(guard.pid())).average().orElseThrow();
    System.err.printf(
        "%d tasks alive: agent RSS %d KiB idle, %d KiB full; a guard's PSS %.1f KiB%n",
        ALIVE, idle, full, pss);

    cluster.agent().kill();
    open(even);
    cluster.restartAgent();
    open(odd);
    assertEquals(99, cluster.orchctl("wait", number).code(), cluster.daemonOutput());

    assertTrue(pss <= MOST_PSS_KIB, "a guard's PSS is " + pss + " KiB");
    Json tasks =
        Json.of(cluster.expectSuccess("task", "list", number, "--limit", "0", "-o", "json").text());
    assertEquals(ALIVE, tasks.at("tasks").list().size());
    for (Json task : tasks.at("tasks").list()) {
      assertEquals(1, Math.max(1, task.at("attempts").number()), task.toString());
      assertEquals(
          "RESULT_KIND_EXITED", task.at("attempt", "result", "kind").text(), task.toString());
      assertEquals(
          task.at("index").number() % 100,
          task.at("attempt", "result", "siStatus").number(),
          task.toString());
    }
    Map<String, Integer> lines = new TreeMap<>();
    for (String line : cluster.expectSuccess("logs", number, "--no-prefix").lines()) {
      lines.merge(line, 1, Integer::sum);
    }
    for (int index = 0; index < ALIVE; index++) {
      assertEquals(1, lines.remove("up " + index), "up " + index);
      assertEquals(1, lines.remove("down " + index), "down " + index);
    }
    assertEquals(Map.of(), lines);
  }

  @Test
  void threadsAndDescriptorsStayFlatOverThousandsOfStarts() throws Exception {
    makeShims();
    run(500);
    Map<String, Long> before = used();
    run(STARTS);
    Map<String, Long> after = used();
    System.err.println(STARTS + " starts: before " + before + ", after " + after);
    for (Map.Entry<String, Long> each : before.entrySet()) {
      long now = after.getOrDefault(each.getKey(), 0L);
      // A pool may hold some threads and connections more at one moment than at another.
      long slack =
          each.getKey().startsWith("controller") || each.getKey().startsWith("agent") ? 8 : 0;
      assertTrue(now <= each.getValue() + slack, each.getKey() + ": " + before + " " + after);
    }
  }

  /**
   * The launcher makes shims as more tasks live at once than ever before, and keeps them: more live
   * at once here than the quick ones have room for.
   */
  private void makeShims() throws Exception {
    int alive = 40 * Runtime.getRuntime().availableProcessors();
    Path go = gate("go");
    Path up = Files.createDirectory(cluster.directory().resolve("made"));
    String number =
        cluster.submit(
            """
            name: shims
            count: %d
            resources: {cpu: 1m}
            command: [sh, -c, ': >%s/$ORCH_INDEX; read x <%s || :']
            """
                .formatted(alive, up, go));
    awaitFiles(up, alive);
    open(go);
    assertEquals(0, cluster.orchctl("wait", number).code(), cluster.daemonOutput());
  }

  private void run(int count) throws Exception {
    String number =
        cluster.submit(
            "name: quick\ncount: %d\nresources: {cpu: 50m}\ncommand: ['true']\n".formatted(count));
    assertEquals(0, cluster.orchctl("wait", number).code(), cluster.daemonOutput());
  }

  private Map<String, Long> used() throws Exception {
    // What has just ended closes its files within moments.
    Thread.sleep(500);
    Map<String, Long> used = new TreeMap<>();
    used.put("agent threads", count(cluster.agent().pid(), "task"));
    used.put("agent descriptors", count(cluster.agent().pid(), "fd"));
    used.put("controller threads", count(cluster.controller().pid(), "task"));
    used.put("controller descriptors", count(cluster.controller().pid(), "fd"));
    long launcher = cluster.guards().launchers().getFirst();
    used.put("launcher descriptors", count(launcher, "fd"));
    long most = 0;
    for (Guards.Shim shim : cluster.guards().shims()) {
      most = Math.max(most, count(shim.pid(), "fd"));
    }
    used.put("shim descriptors", most);
    return used;
  }

  private static long count(long pid, String what) throws IOException {
    try (Stream<Path> entries = Files.list(Path.of("/proc", Long.toString(pid), what))) {
      return entries.count();
    }
  }

  private static long pssKib(long pid) {
    try {
      return Files.readAllLines(Path.of("/proc", Long.toString(pid), "smaps_rollup")).stream()
          .filter(line -> line.startsWith("Pss:"))
          .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
          .findFirst()
          .orElse(0);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Path gate(String name) throws Exception {
    Path fifo = cluster.directory().resolve(name);
    FaultCases.expectRun("mkfifo", fifo.toString());
    return fifo;
  }

  /** Lets those go on who wait at a gate; the late ones too, as long as it is open. */
  private static void open(Path gate) throws Exception {
    try (OutputStream writer = Files.newOutputStream(gate)) {
      Thread.sleep(1_500);
      writer.flush();
    }
  }

  private static void awaitFiles(Path directory, int count) throws Exception {
    long deadline = System.nanoTime() + 120_000_000_000L;
    while (true) {
      try (Stream<Path> files = Files.list(directory)) {
        long there = files.count();
        if (there >= count) {
          return;
        }
        assertTrue(System.nanoTime() < deadline, "only " + there + " of " + count + " are alive");
      }
      Thread.sleep(50);
    }
  }
}

package orch.systemtests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The controller's data is put back to what it was, or lost, while the agent and its tasks live.
 * Each attempt writes a line: what it is, its process, its fencing token, which is its identity as
 * a number.
 */
@Timeout(300)
class BackupIT {
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final long POLL_MILLIS = 100;

  private Cluster cluster;
  private Path begun;
  private Path go;

  /** An attempt as it told of itself. */
  private record Begun(long job, String task, int attempt, long pid, long token) {
    static Begun of(String line) {
      String[] cells = line.split(" ", -1);
      return new Begun(
          Long.parseLong(cells[0]),
          cells[1],
          Integer.parseInt(cells[2]),
          Long.parseLong(cells[3]),
          Long.parseLong(cells[4]));
    }
  }

  @BeforeEach
  void start() throws Exception {
    cluster = Cluster.start();
    begun = Files.createFile(cluster.directory().resolve("begun"));
    go = Files.createDirectory(cluster.directory().resolve("go"));
  }

  @AfterEach
  void stop() throws Exception {
    cluster.close();
  }

  // ---- jobs

  /** Each task runs until a file of its job's name is there, and exits with {@code code}. */
  private String submit(String name, String more, int code) throws Exception {
    return cluster.submit(
        """
        name: %s
        resources: {cpu: 10m}
        %s
        command:
        - sh
        - -c
        - >-
          echo $ORCH_JOB_NUMBER $ORCH_TASK $ORCH_ATTEMPT $$ $ORCH_FENCING_TOKEN >>%s;
          while [ ! -e %s/%s ]; do sleep 0.1; done; exit %d
        """
            .formatted(name, more, begun, go, name, code));
  }

  private void end(String name) throws IOException {
    Files.createFile(go.resolve(name));
  }

  private List<Begun> begun() throws IOException {
    return Files.readAllLines(begun, StandardCharsets.UTF_8).stream().map(Begun::of).toList();
  }

  /** The newest attempt of each task. */
  private TreeMap<String, Begun> newest() throws IOException {
    TreeMap<String, Begun> newest = new TreeMap<>();
    begun().forEach(one -> newest.put(one.task(), one));
    return newest;
  }

  private Begun awaitBegun(String task, int attempt) throws Exception {
    await(
        task + "@" + attempt + " to begin",
        () -> newest().containsKey(task) && newest().get(task).attempt() >= attempt);
    return newest().get(task);
  }

  private void expectAlive(Begun one) {
    assertTrue(
        ProcessHandle.of(one.pid()).isPresent(), one + " was killed\n" + cluster.daemonOutput());
  }

  private void expectNoIdentityTwice() throws IOException {
    List<Long> tokens = begun().stream().map(Begun::token).toList();
    assertEquals(tokens.size(), new TreeSet<>(tokens).size(), "an attempt id twice: " + begun());
  }

  // ---- the cluster

  private String status() throws Exception {
    return cluster.expectSuccess("cluster", "status").text();
  }

  private Json held() throws Exception {
    return Json.of(cluster.expectSuccess("node", "show", cluster.node(), "-o", "json").text())
        .at("heldAttempts");
  }

  private String heldUid(long job) throws Exception {
    for (Json one : held().list()) {
      if (one.at("jobNumber").number() == job) {
        return one.at("attemptUid").text();
      }
    }
    throw new AssertionError("nothing of job " + job + " is held: " + held());
  }

  private int heldAttempts() throws Exception {
    return held().list().size();
  }

  private long incarnation() throws Exception {
    return Json.of(cluster.expectSuccess("cluster", "status", "-o", "json").text())
        .at("incarnation")
        .number();
  }

  /** Until the agent has told the controller what it runs. */
  private void awaitNode() throws Exception {
    await(
        "the node",
        () -> {
          CommandResult node = cluster.orchctl("node", "show", cluster.node(), "-o", "json");
          if (node.code() != 0) {
            return false;
          }
          Json json = Json.of(node.text());
          return json.at("state").text().equals("NODE_STATE_READY")
              && !json.at("awaited").text().equals("true");
        });
  }

  // ---- tests

  @Test
  void anOldBackupKillsNothingTakesNoIdAgainAndTellsTheOperatorWhatToDecide() throws Exception {
    String web = submit("web", "type: service\ncount: 2", 1);
    String batch = submit("batch", "", 3);
    String ends = submit("ends", "", 7);
    for (String task : List.of("web/0", "web/1", "batch/0", "ends/0")) {
      awaitBegun(task, 1);
    }
    Path file = cluster.directory().resolve("backup");
    cluster.expectSuccess("cluster", "backup", file.toString());
    CommandResult sound = cluster.controllerTool("check", file.toString());
    assertEquals(0, sound.code(), sound.toString());
    assertTrue(sound.lines().contains("sound"), sound.toString());

    // The backup grows old: a result is acked, a task is restarted, jobs come and go.
    end("ends");
    assertEquals(7, cluster.orchctl("wait", ends).code());
    Begun first = newest().get("web/1");
    ProcessHandle.of(first.pid()).orElseThrow().destroyForcibly();
    awaitBegun("web/1", 2);
    String gone = submit("gone", "", 0);
    end("gone");
    assertEquals(0, cluster.orchctl("wait", gone).code());
    String unknown = submit("unknown", "count: 2", 0);
    awaitBegun("unknown/0", 1);
    awaitBegun("unknown/1", 1);
    long newestNumber = Long.parseLong(unknown);
    TreeMap<String, Begun> before = newest();
    int begunBefore = begun().size();
    long incarnationBefore = incarnation();

    int _ = cluster.controller().terminate();
    CommandResult whole =
        cluster.controllerTool("check", "--data-dir", cluster.controllerData().toString());
    assertEquals(0, whole.code(), whole.toString());
    Path restored = cluster.directory().resolve("restored");
    CommandResult restore =
        cluster.controllerTool("restore", file.toString(), "--data-dir", restored.toString());
    assertEquals(0, restore.code(), restore.toString());
    cluster.restartControllerOn(restored);
    awaitNode();
    assertTrue(incarnation() > incarnationBefore);

    // What was acked is learned again, from the node.
    assertEquals(7, cluster.orchctl("wait", ends).code(), cluster.daemonOutput());
    // The restarted task is the service's again, though the backup knew its first attempt only.
    await("web/1 to be adopted", () -> heldAttempts() == 2);
    for (String task : List.of("web/0", "web/1", "batch/0", "unknown/0", "unknown/1")) {
      expectAlive(before.get(task));
    }
    assertEquals(begunBefore, begun().size(), "something was started: " + begun());
    String status = status();
    assertTrue(status.contains("2 attempts that this cluster does not know"), status);
    assertTrue(status.contains("orchctl node held"), status);

    // The operator decides: one is stopped, the other is left to end.
    CommandResult stopped =
        cluster.orchctl("node", "held", cluster.node(), "--adopt", heldUid(newestNumber));
    assertNotEquals(0, stopped.code());
    assertTrue(stopped.errors().contains("unknown here"), stopped.toString());
    String chosen = heldUid(newestNumber);
    cluster.expectSuccess("node", "held", cluster.node(), "--stop", chosen);
    await("the held attempt's end", () -> heldAttempts() == 1);
    long alive =
        before.values().stream()
            .filter(one -> one.job() == newestNumber)
            .filter(one -> ProcessHandle.of(one.pid()).isPresent())
            .count();
    assertEquals(1, alive, "one of two was stopped");
    end("unknown");
    await("the other's end", () -> heldAttempts() == 0);
    assertTrue(!status().contains("does not know"), status());

    // Work goes on: with numbers and ids that nobody had.
    String next = submit("next", "", 4);
    assertTrue(Long.parseLong(next) > newestNumber, next + " after " + newestNumber);
    awaitBegun("next/0", 1);
    end("next");
    assertEquals(4, cluster.orchctl("wait", next).code());
    end("batch");
    assertEquals(3, cluster.orchctl("wait", batch).code());
    ProcessHandle.of(before.get("web/0").pid()).orElseThrow().destroyForcibly();
    awaitBegun("web/0", 2);
    expectNoIdentityTwice();
    cluster.expectSuccess("cancel", web);
  }

  @Test
  void aClusterWhoseDataIsLostKillsNothingAndSaysHowToTakeTheNodeIn() throws Exception {
    submit("lost", "", 0);
    Begun lost = awaitBegun("lost/0", 1);
    int _ = cluster.controller().terminate();
    cluster.restartControllerOn(cluster.directory().resolve("empty"));
    await("the refusal", () -> status().contains("orchctl node adopt " + cluster.node()));
    assertTrue(
        cluster.agent().output().contains("belongs to another cluster")
            || cluster.agent().output().contains("belongs to cluster"),
        cluster.agent().output());
    expectAlive(lost);

    cluster.expectSuccess("node", "adopt", cluster.node());
    awaitNode();
    await("what it runs", () -> heldAttempts() == 1);
    expectAlive(lost);
    assertTrue(status().contains("1 attempt that this cluster does not know"), status());
    String next = submit("next", "", 5);
    assertTrue(Long.parseLong(next) > lost.job(), next + " after " + lost);
    awaitBegun("next/0", 1);
    end("next");
    assertEquals(5, cluster.orchctl("wait", next).code());
    end("lost");
    await("its end", () -> heldAttempts() == 0);
    expectNoIdentityTwice();
  }

  // ---- below

  @FunctionalInterface
  private interface Condition {
    boolean holds() throws Exception;
  }

  private void await(String what, Condition condition) throws Exception {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (!condition.holds()) {
      if (System.nanoTime() > deadline) {
        List<String> said = new ArrayList<>(List.of("never came: " + what, cluster.daemonOutput()));
        said.add(cluster.orchctl("cluster", "status").toString());
        throw new AssertionError(String.join("\n", said));
      }
      Thread.sleep(POLL_MILLIS);
    }
  }
}

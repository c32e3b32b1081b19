package orch.systemtests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * SIGKILL of agent, shims and launcher at random during a stream of starts, stops and exits.
 * Afterwards every attempt was forked at most once, every exit is true or honestly unknown, and
 * nothing is left. The seed ({@code -Dorch.seed}) says what is killed and how long it waits before;
 * where that falls is up to the machine.
 */
@Timeout(600)
class ChaosIT {
  private static final boolean SOAK = Boolean.getBoolean("orch.soak");
  private static final int KILLS = Integer.getInteger("orch.kills", SOAK ? 100 : 15);

  /** In the build: one that has found mistakes. */
  private static final long SEED_THAT_STAYS = 10_310_711_280_228L;

  private static final int TASKS = 24;

  /** Jobs that may be alive before the next is submitted. */
  private static final int AT_ONCE = 6;

  private final long seed = Long.getLong("orch.seed", SOAK ? System.nanoTime() : SEED_THAT_STAYS);
  private final Random random = new Random(seed);
  private final Map<String, Integer> killed = new TreeMap<>();

  /** What a job was told to exit with: index + this, but 0 stays 0. */
  private final Map<String, Integer> jobs = new LinkedHashMap<>();

  @Test
  void randomKillsOfAgentShimsAndLauncherLoseNoExitAndRunNothingTwice() throws Exception {
    System.err.println("seed " + seed);
    try (Cluster cluster = Cluster.start()) {
      Path runs = Files.createDirectory(cluster.directory().resolve("runs"));
      int done = 0;
      while (done < KILLS) {
        submit(cluster, runs);
        for (int i = 0; i < 2 && done < KILLS; i++, done++) {
          Thread.sleep(20 + random.nextInt(200));
          killOne(cluster);
        }
        if (random.nextInt(4) == 0) {
          cluster.orchctl("cancel", someJob());
        }
      }
      for (String job : jobs.keySet()) {
        // With time to notice a start that was never begun; wait's own code is that of the tasks.
        CommandResult waited = cluster.orchctl("wait", job);
        assertTrue(waited.code() <= 143, seed + ": " + waited + cluster.daemonOutput());
      }
      check(cluster, runs);
      expectNothingOfTasksIsLeft(cluster);
    }
  }

  private String someJob() {
    List<String> all = List.copyOf(jobs.keySet());
    return all.get(Math.max(0, all.size() - 1 - random.nextInt(3)));
  }

  private void submit(Cluster cluster, Path runs) throws Exception {
    if (jobs.size() >= AT_ONCE) {
      cluster.orchctl("wait", List.copyOf(jobs.keySet()).get(jobs.size() - AT_ONCE));
    }
    int offset = random.nextInt(100);
    String job =
        cluster.submit(
            """
            name: chaos-%1$d
            count: %2$d
            resources: {cpu: 10m}
            stop: {grace: 1s}
            command:
            - sh
            - -c
            - |
              echo $ORCH_ATTEMPT >>%3$s/$ORCH_JOB_NUMBER.$ORCH_INDEX
              echo line $ORCH_INDEX
              sleep 0.$((ORCH_INDEX %% 10))
              exit $((ORCH_INDEX + %4$d))
            """
                .formatted(jobs.size(), TASKS, runs, offset));
    jobs.put(job, offset);
  }

  private void killOne(Cluster cluster) throws Exception {
    Guards guards = cluster.guards();
    int what = random.nextInt(10);
    if (what < 3) {
      cluster.agent().kill();
      // Sometimes the others die while there is no agent.
      if (random.nextBoolean()) {
        killGuard(guards, random.nextBoolean());
      }
      cluster.restartAgent();
      killed.merge("agent", 1, Integer::sum);
    } else {
      killGuard(guards, what < 5);
    }
  }

  private void killGuard(Guards guards, boolean launcher) throws IOException {
    List<Long> pids = new ArrayList<>();
    if (launcher) {
      pids.addAll(guards.launchers());
    } else {
      guards.shims().stream().filter(Guards.Shim::busy).forEach(shim -> pids.add(shim.pid()));
    }
    if (!pids.isEmpty()) {
      ProcessHandle.of(pids.get(random.nextInt(pids.size())))
          .ifPresent(ProcessHandle::destroyForcibly);
      killed.merge(launcher ? "launcher" : "shim", 1, Integer::sum);
    }
  }

  private void check(Cluster cluster, Path runs) throws Exception {
    Map<String, Integer> ends = new TreeMap<>();
    List<String> wrong = new ArrayList<>();
    for (Map.Entry<String, Integer> job : jobs.entrySet()) {
      Json tasks =
          Json.of(
              cluster
                  .expectSuccess("task", "list", job.getKey(), "--limit", "0", "-o", "json")
                  .text());
      assertEquals(TASKS, tasks.at("tasks").list().size());
      for (Json task : tasks.at("tasks").list()) {
        long index = task.at("index").number();
        Path file = runs.resolve(job.getKey() + "." + index);
        List<String> ran = Files.exists(file) ? Files.readAllLines(file) : List.of();
        if (ran.size() != ran.stream().distinct().count()) {
          wrong.add("an attempt was forked twice: " + ran + " " + task);
        }
        Json result = task.at("attempt", "result");
        String kind = result.at("kind").text();
        ends.merge(kind.isEmpty() ? task.at("state").text() : kind, 1, Integer::sum);
        boolean exited = kind.equals("RESULT_KIND_EXITED");
        if (exited && result.at("siStatus").number() != index + job.getValue()) {
          wrong.add("not what it exited with, " + (index + job.getValue()) + ": " + task);
        }
        if (exited && ran.isEmpty()) {
          wrong.add("said to have exited, but never ran: " + task);
        }
        if (task.at("state").text().matches(".*(WAITING|PLACED|RUNNING|STOPPING)")) {
          wrong.add("not over: " + task);
        }
      }
    }
    System.err.println("seed " + seed + ": killed " + killed + "; ends of tasks " + ends);
    assertTrue(wrong.isEmpty(), "seed " + seed + ": " + wrong + "\n" + cluster.daemonOutput());
  }

  /**
   * While agent and launcher still run: no leaf, no task's directory, no old generation. What was
   * made by a shim that outlived its launcher is nobody's, which the agent takes as proven after
   * two looks, 15 s apart.
   */
  private void expectNothingOfTasksIsLeft(Cluster cluster) throws Exception {
    Path run = cluster.guards().run();
    List<String> left = new ArrayList<>();
    for (int patience = 0; patience < 600; patience++) {
      left.clear();
      left.addAll(names(run.resolve("tasks"), "*"));
      for (String cgroup : Leftovers.cgroups(cluster.cgroup())) {
        left.addAll(names(Path.of(cgroup), "t-*"));
      }
      cluster.guards().shims().stream()
          .filter(Guards.Shim::busy)
          .forEach(shim -> left.add("busy " + shim));
      if (left.isEmpty()) {
        return;
      }
      Thread.sleep(100);
    }
    assertEquals(List.of(), left, "seed " + seed);
  }

  private static List<String> names(Path directory, String glob) throws IOException {
    if (!Files.isDirectory(directory)) {
      return List.of();
    }
    try (var entries = Files.newDirectoryStream(directory, glob)) {
      return Stream.of(entries)
          .flatMap(each -> {
            List<String> all = new ArrayList<>();
            each.forEach(one -> all.add(one.toString()));
            return all.stream();
          })
          .toList();
    }
  }
}

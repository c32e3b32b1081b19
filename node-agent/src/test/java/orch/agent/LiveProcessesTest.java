package orch.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Predicate;
import orch.agent.cgroup.CgroupRoot;
import orch.api.model.AgentMessage;
import orch.api.model.AttemptState;
import orch.api.model.AttemptUsage;
import orch.api.model.JobSpec;
import orch.api.model.ProcessTree;
import orch.api.model.TaskSet;
import orch.api.model.Uid;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the agent says of real processes, with a cgroup and without. */
@Timeout(60)
class LiveProcessesTest {
  private static final String SETSID =
      "import os,time\nif os.fork(): os._exit(0)\nos.setsid()\ntime.sleep(60)";

  private @Nullable RealAgent agent;
  private @Nullable Path cgroup;
  private final Uid uid = new Uid(1, 1, 1);

  @AfterEach
  void stop() throws Exception {
    if (agent != null) {
      agent.close();
    }
    if (cgroup != null) {
      CgroupRoot.removeAll(cgroup);
    }
  }

  private RealAgent begin(boolean withCgroup) throws IOException {
    if (withCgroup) {
      cgroup =
          CgroupRoot.prepare(
                  Path.of("/proc/self/mounts"), "orch-live-" + ProcessHandle.current().pid())
              .directory();
      Assumptions.assumeTrue(cgroup != null, "needs root and a cgroup v2 mount");
    }
    RealAgent begun = new RealAgent(cgroup);
    agent = begun;
    return begun;
  }

  private static JobSpec shell(String script) {
    return JobSpec.batch("web", TaskSet.count(3), List.of("/bin/sh", "-c", script));
  }

  /** Asks until the tree is as wanted. */
  private ProcessTree tree(RealAgent of, Predicate<ProcessTree> wanted) {
    while (true) {
      AgentMessage.Inspected answer = of.inspect(uid, false);
      assertEquals("", answer.error());
      ProcessTree tree = Objects.requireNonNull(answer.tree());
      if (wanted.test(tree)) {
        return tree;
      }
      Thread.onSpinWait();
    }
  }

  private static ProcessTree.Entry running(ProcessTree tree, String program) {
    return tree.processes().stream()
        .filter(entry -> entry.program().equals(program) && !entry.zombie())
        .findFirst()
        .orElseThrow();
  }

  private static boolean shows(ProcessTree tree, String program, long times) {
    return tree.processes().stream().filter(each -> each.program().equals(program)).count()
        == times;
  }

  /** The one that lives; a parent that is about to exit is one more until it has. */
  private static Optional<ProcessTree.Entry> alone(ProcessTree tree, String program) {
    List<ProcessTree.Entry> all =
        tree.processes().stream()
            .filter(each -> each.program().equals(program) && !each.zombie())
            .toList();
    return all.size() == 1 ? Optional.of(all.getFirst()) : Optional.empty();
  }

  private void showsParentsZombiesAndOrphans(boolean withCgroup) throws IOException {
    RealAgent of = begin(withCgroup);
    // A child that it never waits for, one that sleeps, and a daemon that left its session.
    of.run(
        uid,
        shell(
            "sleep 60 & python3 -c '" + SETSID + "' & (sh -c 'exit 3' & exec tail -f /dev/null)"));
    of.awaitState(uid, AttemptState.RUNNING);
    ProcessTree tree =
        tree(
            of,
            found ->
                shows(found, "sleep", 1)
                    && shows(found, "tail", 1)
                    && alone(found, "python3").map(ProcessTree.Entry::orphan).orElse(false)
                    && found.processes().stream()
                            .filter(each -> each.zombie() && each.program().equals("sh"))
                            .count()
                        == 1);
    assertEquals(withCgroup, tree.cgroup());
    assertEquals(tree.total(), tree.processes().size());
    assertEquals(ProcessTree.Leader.ALIVE, tree.leader());
    ProcessTree.Entry leader =
        tree.processes().stream().filter(ProcessTree.Entry::leader).findFirst().orElseThrow();
    ProcessTree.Entry sleep = running(tree, "sleep");
    assertEquals(leader.pid(), sleep.parentPid());
    assertEquals(List.of("sleep", "60"), sleep.commandLine());
    assertEquals("S", sleep.state());
    assertTrue(sleep.memoryBytes() > 0, sleep.toString());
    assertFalse(sleep.orphan());
    long age = System.currentTimeMillis() - sleep.startNanos() / 1_000_000;
    assertTrue(age >= -1_000 && age < 60_000, "started " + age + " ms ago");
    ProcessTree.Entry daemon = running(tree, "python3");
    assertTrue(daemon.orphan(), daemon.toString());
    assertFalse(daemon.exec());
  }

  @Test
  void treeShowsParentsZombiesAndOrphansByCgroup() throws IOException {
    showsParentsZombiesAndOrphans(true);
  }

  @Test
  void treeShowsParentsZombiesAndOrphansByDescent() throws IOException {
    showsParentsZombiesAndOrphans(false);
  }

  @Test
  void treeIsTheSameForANewAgent() throws IOException {
    RealAgent of = begin(false);
    of.run(uid, shell("sleep 60 & wait"));
    of.awaitState(uid, AttemptState.RUNNING);
    ProcessTree before = tree(of, found -> shows(found, "sleep", 1));
    of.crash();
    of.begin();
    ProcessTree after = tree(of, found -> shows(found, "sleep", 1));
    assertEquals(
        before.processes().stream().map(ProcessTree.Entry::pid).toList(),
        after.processes().stream().map(ProcessTree.Entry::pid).toList());
    assertEquals(ProcessTree.Leader.ALIVE, after.leader());
  }

  @Test
  void attemptThatDoesNotRunHereIsSaidSo() throws IOException {
    RealAgent of = begin(false);
    assertTrue(
        of.inspect(uid, false).error().contains("does not run on this node"),
        "it should be refused");
  }

  @Test
  void usageIsCountedByTheCgroupWhereItIsAndSaidToBeMissingElsewhere() throws IOException {
    RealAgent of = begin(true);
    of.run(uid, shell("i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; sleep 60"));
    of.awaitState(uid, AttemptState.RUNNING);
    tree(of, found -> shows(found, "sleep", 1));
    AttemptUsage usage = Objects.requireNonNull(of.inspect(uid, true).usage());
    assertEquals(2L, usage.processes());
    assertTrue(Objects.requireNonNull(usage.cpuUserMicros()) > 10_000, usage.toString());
    assertFalse(usage.summed().contains("cpu_user_micros"), usage.toString());
    assertNotNull(usage.memoryCurrentBytes());
    for (String field : usage.missing()) {
      assertFalse(usage.summed().contains(field), field);
    }
    boolean controller = Files.exists(cgroup.resolve("memory.max"));
    assertEquals(!controller, usage.missing().contains("oom_kills"), usage.toString());
  }

  @Test
  void usageWithoutACgroupIsSummedOverTheProcesses() throws IOException {
    RealAgent of = begin(false);
    of.run(uid, shell("i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; sleep 60"));
    of.awaitState(uid, AttemptState.RUNNING);
    tree(of, found -> shows(found, "sleep", 1));
    AttemptUsage usage = Objects.requireNonNull(of.inspect(uid, true).usage());
    assertEquals(
        List.of(
            "cpu_user_micros",
            "cpu_system_micros",
            "memory_current_bytes",
            "read_bytes",
            "write_bytes"),
        usage.summed());
    assertTrue(Objects.requireNonNull(usage.cpuUserMicros()) > 10_000, usage.toString());
    assertNull(usage.memoryPeakBytes());
    assertTrue(usage.missing().contains("memory_peak_bytes"), usage.toString());
  }

  /** Shells that note the signal: the leader, one of its group, one of a session of its own. */
  private static final String NOTES =
      "cd %s; t='echo $1 >>got; exit 0'; note() { sh -c \"trap '$2' USR1; touch $1.ready; while :;"
          + " do sleep 0.02; done\"; }; (note group 'echo group >>got; exit 0') & setsid sh -c"
          + " \"trap 'echo own >>got; exit 0' USR1; touch own.ready; while :; do sleep 0.02; done\""
          + " & trap 'echo leader >>got' USR1; touch leader.ready; while :; do sleep 0.02; done";

  private List<String> reached(boolean withCgroup, int target) throws Exception {
    RealAgent of = begin(withCgroup);
    Path room = of.directory.resolve("room");
    Files.createDirectory(room);
    Files.setPosixFilePermissions(room, PosixFilePermissions.fromString("rwxrwxrwx"));
    of.run(uid, shell(String.format(NOTES, room)));
    of.awaitState(uid, AttemptState.RUNNING);
    for (String each : List.of("group.ready", "own.ready", "leader.ready")) {
      while (!Files.exists(room.resolve(each))) {
        Thread.onSpinWait();
      }
    }
    assertEquals("", of.signal(uid, 10, target).error());
    Path got = room.resolve("got");
    int wanted = target == 1 ? 1 : target == 3 ? 2 : 3;
    while (!Files.exists(got) || Files.readAllLines(got).size() < wanted) {
      Thread.sleep(5);
    }
    // Whoever was not meant would have written by now: it looks every 20 ms.
    Thread.sleep(150);
    return Files.readAllLines(got).stream().sorted().toList();
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void signalReachesTheLeaderAlone(boolean withCgroup) throws Exception {
    assertEquals(List.of("leader"), reached(withCgroup, 1));
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void signalReachesTheLeadersGroup(boolean withCgroup) throws Exception {
    assertEquals(List.of("group", "leader"), reached(withCgroup, 3));
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void signalReachesEveryProcess(boolean withCgroup) throws Exception {
    assertEquals(List.of("group", "leader", "own"), reached(withCgroup, 2));
  }
}

package orch.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import orch.agent.cgroup.CgroupRoot;
import orch.agent.linux.Errno;
import orch.agent.linux.LinuxException;
import orch.api.model.AttemptState;
import orch.api.model.AttemptStatus;
import orch.api.model.AttemptUsage;
import orch.api.model.Blob;
import orch.api.model.Execution;
import orch.api.model.JobSpec;
import orch.api.model.NodeEvent;
import orch.api.model.ProcessTree;
import orch.api.model.Result;
import orch.api.model.ResultKind;
import orch.api.model.StartFailure;
import orch.api.model.TaskSet;
import orch.api.model.Uid;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The agent, its launcher and shims, with real processes. */
@Timeout(120)
class RealProcessesTest {
  private RealAgent agent;
  private long sequence;

  @BeforeEach
  void start() throws IOException {
    agent = new RealAgent();
  }

  @AfterEach
  void stop() throws IOException {
    agent.close();
  }

  private Uid uid() {
    return new Uid(1, 1, ++sequence);
  }

  private static JobSpec job(String... command) {
    return JobSpec.batch("web", TaskSet.count(3), List.of(command));
  }

  private static JobSpec shell(String script) {
    return job("/bin/sh", "-c", script);
  }

  private Path file(String name) {
    return agent.directory.resolve(name);
  }

  /** A file that tasks of any user can write. */
  private Path open(String name) throws IOException {
    Path file = Files.createFile(file(name));
    Files.setPosixFilePermissions(
        file, java.nio.file.attribute.PosixFilePermissions.fromString("rw-rw-rw-"));
    return file;
  }

  private static Result result(AttemptStatus status) {
    return Objects.requireNonNull(status.result(), status.toString());
  }

  private StartFailure failure(AttemptStatus status) {
    assertEquals(AttemptState.FAILED, status.state());
    return Objects.requireNonNull(result(status).startFailure());
  }

  @Test
  void exitCodesAndSignalsArriveAsTheKernelToldThem() {
    Uid code = uid();
    Uid signal = uid();
    Uid success = uid();
    agent.run(code, shell("exit 42"));
    agent.run(signal, shell("kill -TERM $$"));
    agent.run(success, job("true"));
    assertEquals(42, result(agent.awaitEnd(code)).siStatus());
    Result ended = result(agent.awaitEnd(signal));
    assertEquals(ResultKind.SIGNALED, ended.kind());
    assertEquals(143, ended.exitCode());
    assertEquals(AttemptState.SUCCEEDED, agent.awaitEnd(success).state());
  }

  @Test
  void manyTasksRunAtOnceAndWaitForShimsInOrder() {
    List<Uid> all = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      Uid uid = uid();
      all.add(uid);
      agent.run(uid, shell("exit " + i % 100));
    }
    for (int i = 0; i < all.size(); i++) {
      assertEquals(i % 100, result(agent.awaitEnd(all.get(i))).siStatus());
    }
  }

  @Test
  void theEnvironmentIsCleanAndSaysWhoTheTaskIs() throws IOException {
    Path out = open("env");
    Uid uid = uid();
    JobSpec spec = shell("env >" + out);
    agent.run(uid, spec);
    agent.awaitEnd(uid);
    Map<String, String> env = new TreeMap<>();
    for (String line : Files.readAllLines(out)) {
      env.put(line.substring(0, line.indexOf('=')), line.substring(line.indexOf('=') + 1));
    }
    env.remove("PWD");
    env.remove("SHLVL");
    env.remove("_");
    assertEquals("web/2", env.get("ORCH_TASK"));
    assertEquals("8080", env.get("ORCH_PORT_HTTP"));
    assertEquals("node-1", env.get("ORCH_NODE"));
    assertEquals("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", env.get("TRACEPARENT"));
    assertEquals(
        List.of(
            "HOME",
            "LANG",
            "LOGNAME",
            "ORCH_ATTEMPT",
            "ORCH_COUNT",
            "ORCH_FENCING_TOKEN",
            "ORCH_HOST",
            "ORCH_INDEX",
            "ORCH_JOB",
            "ORCH_JOB_NUMBER",
            "ORCH_NAMESPACE",
            "ORCH_NODE",
            "ORCH_PORT_HTTP",
            "ORCH_TASK",
            "ORCH_TASK_DIR",
            "PATH",
            "SHELL",
            "TRACEPARENT",
            "USER"),
        List.copyOf(env.keySet()));
  }

  @Test
  void dottedNamesExpandAndTheShellsOwnPassThrough() throws IOException {
    Path out = open("words");
    Uid uid = uid();
    agent.run(
        uid,
        shell(
            "f=a.gz; echo ${f%.gz} ${task.item} ${port.http} ${node.rack} ${job.number} >" + out));
    agent.awaitEnd(uid);
    assertEquals("a item-x 8080 r7 42", Files.readString(out).strip());
  }

  @Test
  void aScriptRunsFromItsScratchDirectoryWhichGoesWithIt() throws IOException {
    Path out = open("script");
    Uid uid = uid();
    JobSpec plain = job("true");
    TreeMap<String, Blob> files = new TreeMap<>();
    files.put("input.txt", Blob.of("content".getBytes()));
    Execution execution =
        new Execution(
            List.of(),
            Blob.of(("pwd >" + out + "; cat input.txt >>" + out).getBytes()),
            files,
            new TreeMap<>(),
            "",
            "",
            "",
            "",
            "",
            null,
            null,
            null,
            new TreeMap<>(),
            List.of(),
            true,
            "",
            false,
            List.of(),
            false,
            null,
            false,
            false);
    agent.run(uid, plain.withExecution(execution));
    assertEquals(AttemptState.SUCCEEDED, agent.awaitEnd(uid).state());
    List<String> lines = Files.readAllLines(out);
    assertEquals("content", lines.get(1));
    assertTrue(lines.get(0).startsWith(agent.directory.resolve("tasks").toString()));
    assertFalse(Files.exists(Path.of(lines.get(0))));
  }

  private static JobSpec asUser(JobSpec of, String user, String directory) {
    Execution e = of.execution();
    return of.withExecution(
        new Execution(
            e.command(),
            e.script(),
            e.files(),
            e.env(),
            e.stdin(),
            e.stdout(),
            e.stderr(),
            user,
            directory,
            e.umask(),
            e.nice(),
            e.oomScoreAdj(),
            e.rlimits(),
            e.capabilities(),
            e.noNewPrivileges(),
            e.seccomp(),
            e.waitForDescendants(),
            e.sockets(),
            e.pidNamespace(),
            e.fileAccess(),
            false,
            false));
  }

  @Test
  void eachFailureToStartHasItsOwnClearSentence() throws IOException {
    Path plain = Files.writeString(file("plain"), "text");
    Uid missing = uid();
    Uid noExec = uid();
    Uid noDirectory = uid();
    Uid noUser = uid();
    agent.run(missing, job("/srv/app"));
    agent.run(noExec, job(plain.toString()));
    agent.run(noDirectory, asUser(job("true"), "", "/nowhere"));
    agent.run(noUser, asUser(job("true"), "no-such-user", ""));
    StartFailure failure = failure(agent.awaitEnd(missing));
    assertEquals("exec", failure.stage());
    assertEquals(Errno.ENOENT, failure.errno());
    assertTrue(
        failure
            .message()
            .startsWith(
                "cannot start web/2@1: exec /srv/app: No such file or directory (ENOENT); "),
        failure.message());
    assertEquals(127, result(agent.awaitEnd(missing)).exitCode());
    assertEquals(126, result(agent.awaitEnd(noExec)).exitCode());
    assertEquals("chdir", failure(agent.awaitEnd(noDirectory)).stage());
    assertEquals("user", failure(agent.awaitEnd(noUser)).stage());
    assertTrue(failure(agent.awaitEnd(noUser)).message().contains("no-such-user"));
  }

  @Test
  void aStopIsASignalAndThenAKill() throws IOException {
    Uid kind = uid();
    Uid stubborn = uid();
    JobSpec first = job("sleep", "60");
    Path ready = open("ready");
    JobSpec second = shell("trap '' TERM; echo >" + ready + "; while :; do sleep 0.05; done");
    agent.run(kind, first);
    agent.run(stubborn, second);
    agent.awaitState(kind, AttemptState.RUNNING);
    while (Files.size(ready) == 0) {
      Thread.onSpinWait();
    }
    agent.stop(kind, first, Duration.ofSeconds(10));
    agent.stop(stubborn, second, Duration.ofMillis(200));
    AttemptStatus ended = agent.awaitEnd(kind);
    assertEquals(AttemptState.KILLED, ended.state());
    assertEquals("cancelled by alice", ended.reason());
    assertEquals(15, result(ended).siStatus());
    assertEquals(9, result(agent.awaitEnd(stubborn)).siStatus());
  }

  @Test
  void aStopRightBehindTheStartAlwaysEndsIt() {
    for (int i = 0; i < 20; i++) {
      Uid uid = uid();
      JobSpec spec = job("sleep", "60");
      agent.run(uid, spec);
      agent.stop(uid, spec, Duration.ofSeconds(5));
      AttemptState state = agent.awaitEnd(uid).state();
      assertTrue(
          state == AttemptState.KILLED
              || state == AttemptState.DROPPED
              || state == AttemptState.FAILED,
          state.toString());
    }
  }

  @Test
  void aTimeoutIsSaidAsSuch() {
    Uid uid = uid();
    agent.run(uid, job("sleep", "60").toBuilder().timeout(Duration.ofMillis(300)).build());
    AttemptStatus ended = agent.awaitEnd(uid);
    assertEquals(ResultKind.TIMED_OUT, result(ended).kind());
    assertEquals(124, result(ended).exitCode());
  }

  @Test
  void aNewAgentAdoptsLivingTasksAndLearnsTheEndsThatItMissed() throws IOException {
    Path gate = file("gate");
    Uid during = uid();
    Uid after = uid();
    String wait = "while [ ! -e " + gate + ".$ORCH_FENCING_TOKEN ]; do sleep 0.02; done; exit ";
    agent.run(during, shell(wait + "7"));
    agent.run(after, shell(wait + "8"));
    agent.awaitState(during, AttemptState.RUNNING);
    agent.awaitState(after, AttemptState.RUNNING);
    agent.crash();
    Files.createFile(Path.of(gate + "." + during.fencingToken()));
    agent.begin();
    AttemptStatus ended = agent.awaitEnd(during);
    assertEquals(7, result(ended).siStatus());
    assertEquals(42, ended.jobNumber());
    assertEquals(2, ended.index());
    Files.createFile(Path.of(gate + "." + after.fencingToken()));
    assertEquals(8, result(agent.awaitEnd(after)).siStatus());
  }

  @Test
  void anAdoptedTaskCanBeStopped() throws IOException {
    Uid uid = uid();
    JobSpec spec = job("sleep", "60");
    agent.run(uid, spec);
    agent.awaitState(uid, AttemptState.RUNNING);
    agent.crash();
    agent.begin();
    agent.awaitState(uid, AttemptState.RUNNING);
    agent.stop(uid, spec, Duration.ofSeconds(5));
    assertEquals(AttemptState.KILLED, agent.awaitEnd(uid).state());
  }

  @Test
  void anAttemptRunsOnceHoweverOftenAgentsDieAndControllersRepeatThemselves() throws IOException {
    Path runs = open("runs");
    List<Uid> uids = new ArrayList<>();
    JobSpec spec = shell("echo $ORCH_FENCING_TOKEN >>" + runs + "; sleep 0.05");
    for (int round = 0; round < 4; round++) {
      for (int i = 0; i < 15; i++) {
        uids.add(uid());
      }
      uids.forEach(uid -> agent.run(uid, spec));
      agent.crash();
      agent.begin();
    }
    uids.forEach(uid -> agent.run(uid, spec));
    uids.forEach(agent::awaitEnd);
    List<String> tokens = Files.readAllLines(runs);
    assertEquals(uids.size(), tokens.stream().distinct().count());
    assertEquals(uids.size(), tokens.size());
  }

  @Test
  void whatTheControllerForgotIsNotFoundAgain() throws IOException {
    Uid uid = uid();
    agent.run(uid, job("true"));
    agent.awaitEnd(uid);
    agent.forget(uid);
    Uid next = uid();
    agent.run(next, job("true"));
    agent.awaitEnd(next);
    agent.crash();
    agent.begin();
    agent.awaitEnd(next);
    assertEquals(1, Objects.requireNonNull(agent.hello).inventoryCount());
    assertEquals(1, agent.remembered().size());
  }

  @Test
  void theLaunchersDeathTouchesNoTask() throws IOException, LinuxException {
    Path gate = file("gate");
    Uid before = uid();
    agent.run(before, shell("while [ ! -e " + gate + " ]; do sleep 0.02; done; exit 5"));
    agent.awaitState(before, AttemptState.RUNNING);
    int pidfd = agent.linux.pidfdOpen(agent.launcherPid());
    agent.linux.pidfdSendSignal(pidfd, 9);
    agent.linux.close(pidfd);
    Uid later = uid();
    agent.run(later, shell("exit 6"));
    assertEquals(6, result(agent.awaitEnd(later)).siStatus());
    Files.createFile(gate);
    assertEquals(5, result(agent.awaitEnd(before)).siStatus());
  }

  @Test
  void aTaskOfADeadLauncherCanBeStopped() throws IOException, LinuxException {
    Uid uid = uid();
    JobSpec spec = job("sleep", "60");
    agent.run(uid, spec);
    agent.awaitState(uid, AttemptState.RUNNING);
    int pidfd = agent.linux.pidfdOpen(agent.launcherPid());
    agent.linux.pidfdSendSignal(pidfd, 9);
    agent.linux.close(pidfd);
    Uid later = uid();
    agent.run(later, job("true"));
    agent.awaitEnd(later);
    agent.stop(uid, spec, Duration.ofSeconds(2));
    assertEquals(AttemptState.KILLED, agent.awaitEnd(uid).state());
  }

  @Test
  void zombiesAreCountedAndTooManyAreToldOnce() throws Exception {
    Uid uid = uid();
    agent.run(
        uid,
        shell("for i in $(seq 30); do (exit 0) & done; exec sleep 60 # a parent that never waits"));
    agent.awaitState(uid, AttemptState.RUNNING);
    NodeEvent event = agent.awaitEvent("ZOMBIES");
    assertEquals(30, event.figures().get("zombies"));
    assertEquals(31, event.figures().get("processes"));
    assertTrue(event.message().endsWith("(sleep)"), event.message());
    ProcessTree tree = agent.inspect(uid, false).tree();
    assertEquals(30, Objects.requireNonNull(tree).zombies());
    assertEquals(ProcessTree.Leader.ALIVE, tree.leader());
    AttemptUsage usage = agent.inspect(uid, true).usage();
    assertEquals(30, Objects.requireNonNull(usage).zombies());
    agent.stop(uid, job("x"), Duration.ofSeconds(2));
    assertEquals(AttemptState.KILLED, agent.awaitEnd(uid).state());
  }

  @Test
  void whatBelongsToNoAttemptIsKilledOnceThatIsProvenAndWhatMayBelongToOneIsNot() throws Exception {
    CgroupRoot root =
        CgroupRoot.prepare(
            Path.of("/proc/self/mounts"), "orch-stray-" + ProcessHandle.current().pid());
    Path subtree = root.directory();
    Assumptions.assumeTrue(subtree != null, "no cgroup v2 mount that this user may write");
    Objects.requireNonNull(subtree);
    Process orphan = new ProcessBuilder("sleep", "600").start();
    Process outside = new ProcessBuilder("sleep", "600").start();
    try (RealAgent own = new RealAgent(subtree)) {
      Uid uid = uid();
      own.run(uid, shell("sleep 600 & exec sleep 600"));
      own.awaitState(uid, AttemptState.RUNNING);
      Path leaf = Files.createDirectory(subtree.resolve("t-00000001000000010000000000fffff0"));
      Files.writeString(leaf.resolve("cgroup.procs"), Long.toString(orphan.pid()));
      Path other = Files.createDirectory(subtree.resolve("somebodys"));
      Files.writeString(other.resolve("cgroup.procs"), Long.toString(outside.pid()));
      NodeEvent told = own.awaitEvent("STRAY_PROCESSES");
      assertEquals(0, told.jobNumber());
      assertTrue(told.message().contains("somebodys"), told.message());
      NodeEvent killed = own.awaitEvent("ORPHANS_KILLED");
      assertEquals(1, killed.figures().get("processes"));
      assertTrue(killed.message().contains("[" + orphan.pid() + "]"), killed.message());
      assertEquals(128 + 9, orphan.waitFor());
      assertTrue(outside.isAlive());
      // Its own task was there all the time, and is looked at after the agent's death too.
      assertEquals(2, Objects.requireNonNull(own.inspect(uid, false).tree()).total());
    } finally {
      orphan.destroyForcibly();
      outside.destroyForcibly().waitFor();
      assertTrue(CgroupRoot.removeAll(subtree));
    }
  }

  @Test
  void eachAttemptHasACgroupOfItsOwnAndNothingOfItIsLeft() throws Exception {
    CgroupRoot root =
        CgroupRoot.prepare(
            Path.of("/proc/self/mounts"), "orch-real-" + ProcessHandle.current().pid());
    Path subtree = root.directory();
    Assumptions.assumeTrue(subtree != null, "no cgroup v2 mount that this user may write");
    Objects.requireNonNull(subtree);
    // A leaf that nobody claims, as a launcher that died with its journal would leave it.
    Path stray = Files.createDirectory(subtree.resolve("t-ffff"));
    try (RealAgent own = new RealAgent(subtree)) {
      assertFalse(Files.exists(stray));
      Path out = Files.createFile(own.directory.resolve("cgroup"));
      Files.setPosixFilePermissions(
          out, java.nio.file.attribute.PosixFilePermissions.fromString("rw-rw-rw-"));
      Uid uid = uid();
      // A descendant in a session of its own does not outlive its task.
      JobSpec spec = shell("grep ^0:: /proc/self/cgroup >" + out + "; setsid sleep 61 & exit 3");
      own.run(uid, spec);
      assertEquals(3, result(own.awaitEnd(uid)).siStatus());
      String leaf =
          String.format("t-%08x%08x%016x", uid.incarnation(), uid.epoch(), uid.sequence());
      assertEquals("0::/" + subtree.getFileName() + "/" + leaf, Files.readString(out).strip());
      assertFalse(Files.exists(subtree.resolve(leaf)));
    } finally {
      assertTrue(CgroupRoot.removeAll(subtree));
    }
  }
}

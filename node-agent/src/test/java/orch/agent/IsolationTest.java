package orch.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import orch.api.model.AttemptState;
import orch.api.model.AttemptStatus;
import orch.api.model.Execution;
import orch.api.model.FileAccess;
import orch.api.model.JobSpec;
import orch.api.model.ListenSocket;
import orch.api.model.Resources;
import orch.api.model.ResultKind;
import orch.api.model.StopMode;
import orch.api.model.StopPolicy;
import orch.api.model.TaskSet;
import orch.api.model.Uid;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a job says of its view of the host, and its pre-stop command, with real processes. */
@Timeout(120)
final class IsolationTest {
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

  private static JobSpec shell(String script) {
    return JobSpec.batch("web", TaskSet.count(3), List.of("/bin/sh", "-c", script));
  }

  private static JobSpec with(JobSpec of, Execution execution) {
    return of.withExecution(execution);
  }

  private static JobSpec filtered(String profile, String script) {
    JobSpec of = shell(script);
    return with(of, of.execution().withSeccomp(profile));
  }

  private Path open(String name) throws IOException {
    Path file = Files.createFile(agent.directory.resolve(name));
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-rw-rw-"));
    return file;
  }

  private String outputOf(JobSpec spec, Path out) throws IOException {
    Uid uid = uid();
    agent.run(uid, spec);
    AttemptStatus end = agent.awaitEnd(uid);
    assertEquals(AttemptState.SUCCEEDED, end.state(), end.toString());
    return Files.readString(out);
  }

  private String failureOf(JobSpec spec) {
    Uid uid = uid();
    agent.run(uid, spec);
    AttemptStatus end = agent.awaitEnd(uid);
    return Objects.requireNonNull(
            Objects.requireNonNull(end.result(), end.toString()).startFailure(), end.toString())
        .message();
  }

  private static void assumeRoot() {
    Assumptions.assumeTrue("root".equals(System.getProperty("user.name")), "needs to run as root");
  }

  // ---- seccomp ----

  @Test
  void underTheDefaultProfileOrdinaryProgramsRunAndForbiddenCallsFail() throws IOException {
    Path out = open("out");
    String script =
        "(ls /; date; sort -u /etc/passwd | awk 'END {print NR}'; perl -e 'fork' || true)"
            + " >/dev/null && echo ordinary >>"
            + out
            + "; unshare --user true 2>&1 | grep -o 'not permitted' >>"
            + out
            + "; grep Seccomp: /proc/self/status | tr -d '\\t' >>"
            + out;
    assertEquals(
        "ordinary\nnot permitted\nSeccomp:2\n", outputOf(filtered("default", script), out));
  }

  @Test
  void theRuntimeThatRunsThisTestRunsUnderTheDefaultProfile() throws IOException {
    Path java = Path.of(System.getProperty("java.home"), "bin", "java");
    Path out = open("out");
    Files.setPosixFilePermissions(out, PosixFilePermissions.fromString("rw-rw-rw-"));
    assertTrue(
        outputOf(filtered("default", java + " -Xshare:auto -version >" + out + " 2>&1"), out)
            .contains("version"));
  }

  @Test
  void aProfileOfTheNodeIsReadAtEachStart() throws IOException {
    Path directory = Files.createDirectories(agent.directory.resolve("seccomp"));
    Path profile = directory.resolve("no-mkdir.yaml");
    Files.writeString(profile, "extends: default\nerrno: {EXDEV: [mkdir, mkdirat]}\n");
    Path out = open("out");
    String script = "mkdir /tmp/orch-never-made 2>&1 | grep -o cross-device >" + out + " || true";
    assertEquals("cross-device\n", outputOf(filtered("no-mkdir", script), out));
    Files.writeString(profile, "extends: defaul\n");
    assertEquals(
        "cannot start web/2@1: seccomp: " + profile + ":1:10: extends knows one profile: default",
        failureOf(filtered("no-mkdir", script)));
  }

  @Test
  void aProfileThatIsNotThereIsAFailureToStart() {
    assertEquals(
        "cannot start web/2@1: seccomp: no profile strict on this node; name default, or lay one at"
            + " "
            + agent.directory.resolve("seccomp/strict.yaml"),
        failureOf(filtered("strict", "true")));
  }

  @Test
  void listeningSocketsAreRefusedAndNotPassedOver() {
    JobSpec spec = shell("true");
    Execution e = spec.execution();
    Execution listening =
        new Execution(
            e.command(),
            e.script(),
            e.files(),
            e.env(),
            e.stdin(),
            e.stdout(),
            e.stderr(),
            e.user(),
            e.workingDirectory(),
            e.umask(),
            e.nice(),
            e.oomScoreAdj(),
            e.rlimits(),
            e.capabilities(),
            e.noNewPrivileges(),
            e.seccomp(),
            e.waitForDescendants(),
            List.of(new ListenSocket("http", ":8080")),
            e.pidNamespace(),
            e.fileAccess(),
            false,
            false);
    assertEquals(
        "cannot start web/2@1: sockets: this agent hands no listening sockets over; leave sockets"
            + " out",
        failureOf(with(spec, listening)));
  }

  // ---- files and processes ----

  @Test
  void onlyNamedPathsAreOpenToATaskWithFileAccess() throws IOException {
    Path out = open("out");
    Path closed = open("closed");
    FileAccess access =
        new FileAccess(List.of("/bin", "/lib", "/lib64", "/usr", "/etc"), List.of(out.toString()));
    JobSpec spec =
        shell(
            "cat /etc/hostname >/dev/null && echo read >"
                + out
                + "; echo x >here && echo own >>"
                + out
                + "; (cat "
                + closed
                + ") 2>/dev/null || echo closed >>"
                + out);
    Uid uid = uid();
    agent.run(uid, with(spec, spec.execution().withIsolation(false, access)));
    AttemptStatus end = agent.awaitEnd(uid);
    Assumptions.assumeFalse(
        end.toString().contains("Landlock"), "this kernel has no Landlock: " + end.reason());
    assertEquals(AttemptState.SUCCEEDED, end.state(), end.toString());
    assertEquals("read\nown\nclosed\n", Files.readString(out));
  }

  @Test
  void aPathThatIsNotThereIsNamed() {
    JobSpec spec = shell("true");
    FileAccess access = new FileAccess(List.of("/usr", "/srv/orch/nowhere"), List.of());
    String failure = failureOf(with(spec, spec.execution().withIsolation(false, access)));
    Assumptions.assumeFalse(failure.contains("Landlock"), "this kernel has no Landlock");
    assertEquals(
        "cannot start web/2@1: file access to /srv/orch/nowhere: No such file or directory"
            + " (ENOENT); make it on the node, or leave it out",
        failure);
  }

  @Test
  void aTaskInItsOwnPidNamespaceIsAloneAndItsEndIsTrue() throws IOException {
    assumeRoot();
    Path out = open("out");
    JobSpec spec = shell("echo $$ >" + out + "; cat /proc/1/comm >>" + out + "; kill -KILL $$");
    Uid uid = uid();
    agent.run(uid, with(spec, spec.execution().withIsolation(true, null)));
    AttemptStatus end = agent.awaitEnd(uid);
    assertEquals(ResultKind.SIGNALED, Objects.requireNonNull(end.result()).kind(), end.toString());
    assertEquals(9, end.result().siStatus());
    assertEquals("2\norch-init\n", Files.readString(out));
  }

  // ---- stopping ----

  @Test
  void thePreStopCommandRunsWithTheTasksNamesBeforeTheSignal() throws Exception {
    Path out = open("out");
    JobSpec plain =
        shell(
            "trap 'echo term >>"
                + out
                + "; exit 0' TERM; echo up >"
                + out
                + "; while :; do sleep 0.02; done");
    JobSpec spec =
        plain.toBuilder()
            .stop(
                new StopPolicy(
                    15,
                    Duration.ofSeconds(20),
                    Duration.ofSeconds(20),
                    List.of("/bin/sh", "-c", "echo drain ${task.name} $ORCH_PORT_HTTP >>" + out),
                    StopMode.GROUP))
            .build();
    Uid uid = uid();
    agent.run(uid, spec);
    agent.awaitState(uid, AttemptState.RUNNING);
    while (!Files.readString(out).equals("up\n")) {
      Thread.sleep(5);
    }
    agent.stop(uid, spec, Duration.ofSeconds(20));
    assertEquals(AttemptState.KILLED, agent.awaitEnd(uid).state());
    assertEquals("up\ndrain web/2 8080\nterm\n", Files.readString(out));
  }

  // ---- limits ----

  @Test
  void aLimitThatThisHostCannotEnforceIsRefusedWithItsName() {
    Resources of = Resources.DEFAULT;
    JobSpec spec =
        shell("true")
            .withResources(
                new Resources(
                    of.cpuMillis(),
                    0,
                    0,
                    0,
                    null,
                    0,
                    of.io(),
                    of.ports(),
                    of.devices(),
                    of.licenses(),
                    0,
                    "0"));
    assertEquals(
        "cannot start web/2@1: limit: this host cannot enforce a cpuset limit; leave it out, choose"
            + " another node, or start the agent with --allow-missing-limits",
        failureOf(spec));
  }
}

package orch.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import orch.agent.linux.LinuxException;
import orch.api.model.AttemptState;
import orch.api.model.AttemptStatus;
import orch.api.model.JobSpec;
import orch.api.model.PartitionMode;
import orch.api.model.PartitionPolicy;
import orch.api.model.Result;
import orch.api.model.ResultKind;
import orch.api.model.TaskSet;
import orch.api.model.Uid;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Leases with the real launcher: the shims keep them, whoever is dead. */
final class RealLeasesTest {
  private static final Duration D = Duration.ofSeconds(3);
  private static final Uid A = new Uid(1, 1, 1);
  private static final Uid B = new Uid(1, 1, 2);

  private RealAgent agent;

  @BeforeEach
  void begin() throws IOException {
    agent = new RealAgent();
  }

  @AfterEach
  void end() throws IOException {
    agent.close();
  }

  private JobSpec spec(PartitionMode mode, String script) {
    JobSpec of = JobSpec.batch("web", TaskSet.count(1), List.of("/bin/sh", "-c", script));
    return of.toBuilder().partition(new PartitionPolicy(mode, Duration.ofMinutes(5), D)).build();
  }

  /** Starts it; its pid. */
  private long run(Uid uid, PartitionMode mode) throws IOException {
    Path pid = agent.directory.resolve("pid-" + uid.sequence());
    Files.createFile(pid);
    Files.setPosixFilePermissions(pid, PosixFilePermissions.fromString("rw-rw-rw-"));
    agent.run(uid, spec(mode, "echo $$ > " + pid + "; exec sleep 100"));
    agent.awaitState(uid, AttemptState.RUNNING);
    String text = "";
    for (long end = System.nanoTime() + 10_000_000_000L; text.isBlank(); ) {
      assertTrue(System.nanoTime() < end, "the task wrote its pid");
      text = Files.readString(pid);
    }
    return Long.parseLong(text.strip());
  }

  /** Not so of a zombie, which PID 1 may be slow to reap. */
  private static boolean alive(long pid) {
    try {
      String stat = Files.readString(Path.of("/proc", Long.toString(pid), "stat"));
      return stat.charAt(stat.lastIndexOf(')') + 2) != 'Z';
    } catch (IOException gone) {
      return false;
    }
  }

  private void pass(Duration time) throws InterruptedException {
    Thread.sleep(time.toMillis()); // What is waited for is that nothing happens.
  }

  private void assertNoLease(Uid uid) {
    AttemptStatus status = agent.awaitEnd(uid);
    assertEquals(AttemptState.KILLED, status.state());
    Result result = status.result();
    assertEquals(ResultKind.NO_LEASE, result == null ? null : result.kind());
    assertEquals("no lease for 3 s: its node could reach no leader", status.reason());
  }

  @Test
  void aTaskLivesAsLongAsTheLeaderProvesItselfAndOthersLiveOn() throws Exception {
    long stop = run(A, PartitionMode.STOP);
    long keep = run(B, PartitionMode.KEEP);
    pass(D.plusSeconds(1));
    assertTrue(alive(stop), "it was renewed");
    agent.leases = false;
    assertNoLease(A);
    assertFalse(alive(stop));
    assertTrue(alive(keep));
  }

  @Test
  void aTaskEndsWithItsLeaseWhenNoAgentLives() throws Exception {
    long pid = run(A, PartitionMode.STOP);
    long before = System.nanoTime();
    agent.crash();
    while (alive(pid)) {
      assertTrue(System.nanoTime() - before < D.plusSeconds(10).toNanos(), "it outlives its lease");
      pass(Duration.ofMillis(20));
    }
    agent.begin();
    assertNoLease(A);
  }

  @Test
  void aTaskWhoseLauncherDiedIsRenewedAndEndsWithItsLease() throws Exception {
    long pid = run(A, PartitionMode.STOP);
    kill(agent.launcherPid());
    pass(D.plusSeconds(1));
    assertTrue(alive(pid), "its shim was renewed without a launcher");
    agent.leases = false;
    assertNoLease(A);
    assertFalse(alive(pid));
  }

  @Test
  void aTaskThatNobodyGuardsEndsWithItsLeaseToo() throws Exception {
    long pid = run(A, PartitionMode.STOP);
    long shim = ProcessHandle.of(pid).flatMap(ProcessHandle::parent).orElseThrow().pid();
    kill(agent.launcherPid());
    kill(shim);
    pass(D.plusSeconds(1));
    assertTrue(alive(pid), "the leader answers");
    agent.leases = false;
    agent.awaitEnd(A);
    assertFalse(alive(pid));
  }

  private void kill(long pid) throws LinuxException {
    int pidfd = agent.linux.pidfdOpen((int) pid);
    agent.linux.pidfdSendSignal(pidfd, 9);
    agent.linux.close(pidfd);
  }
}

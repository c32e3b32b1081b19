package orch.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import orch.agent.cgroup.CgroupRoot;
import orch.api.model.AttemptState;
import orch.api.model.AttemptStatus;
import orch.api.model.ControllerMessage;
import orch.api.model.HealthCheck;
import orch.api.model.HealthChecks;
import orch.api.model.JobSpec;
import orch.api.model.NodeEvent;
import orch.api.model.Probe;
import orch.api.model.Readiness;
import orch.api.model.ResultKind;
import orch.api.model.StopOrder;
import orch.api.model.StopPolicy;
import orch.api.model.TaskSet;
import orch.api.model.Uid;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Programs that speak sd_notify(3), with real processes in real cgroups. */
@Timeout(120)
class RealServicesTest {
  private static final Path PYTHON = Path.of("/usr/bin/python3");

  /** Says {@code words}, from the process itself, without anything of systemd. */
  static final String SPEAK =
      "import os,socket,sys,time\n"
          + "def say(text, fds=()):\n"
          + "  s=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM)\n"
          + "  s.connect(os.environ['NOTIFY_SOCKET'])\n"
          + "  socket.send_fds(s,[text.encode()],list(fds)) if fds else s.send(text.encode())\n"
          + "  s.close()\n";

  private Path subtree = Path.of("");
  private RealAgent agent;
  private long sequence;

  @BeforeEach
  void start() throws IOException {
    CgroupRoot root =
        CgroupRoot.prepare(
            Path.of("/proc/self/mounts"), "orch-notify-" + ProcessHandle.current().pid());
    assumeTrue(root.directory() != null, "no cgroup v2 mount that this user may write");
    subtree = Objects.requireNonNull(root.directory());
    agent = new RealAgent(subtree);
  }

  @AfterEach
  void stop() throws Exception {
    if (agent != null) {
      agent.close();
      assertTrue(CgroupRoot.removeAll(subtree));
    }
  }

  private Uid uid() {
    return new Uid(1, 1, ++sequence);
  }

  private static HealthCheck notify(Duration period, int failures) {
    return new HealthCheck(new Probe.Notify(), period, Duration.ofSeconds(1), failures);
  }

  private static final HealthChecks READIES =
      new HealthChecks(null, notify(Duration.ofSeconds(20), 3), null);

  private static JobSpec shell(HealthChecks health, String script) {
    return withHealth(
        JobSpec.batch("web", TaskSet.count(3), List.of("/bin/sh", "-c", script)), health);
  }

  private static JobSpec python(HealthChecks health, String program) {
    assumeTrue(Files.isExecutable(PYTHON), PYTHON + " is missing");
    return withHealth(
        JobSpec.batch("web", TaskSet.count(3), List.of(PYTHON.toString(), "-c", SPEAK + program)),
        health);
  }

  private static JobSpec withHealth(JobSpec of, HealthChecks health) {
    return of.toBuilder().health(health).build();
  }

  private AttemptStatus awaitReady(Uid uid) {
    return agent.awaitStatus(
        status -> status.uid().equals(uid) && status.readiness() == Readiness.READY);
  }

  private AttemptStatus awaitText(Uid uid, String text) {
    return agent.awaitStatus(
        status -> status.uid().equals(uid) && status.statusText().equals(text));
  }

  private static void systemdNotifyIsThere() {
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/systemd-notify")), "no systemd-notify");
  }

  @Test
  void systemdsOwnToolMakesATaskReady() {
    systemdNotifyIsThere();
    Uid uid = uid();
    agent.run(
        uid, shell(READIES, "systemd-notify --ready --status='Serving it all'; exec sleep 60"));
    assertEquals("Serving it all", awaitReady(uid).statusText());
    assertEquals(AttemptState.RUNNING, awaitReady(uid).state());
  }

  @Test
  void aTaskThatAsksForMoreTimeToEndGetsItAlsoFromAnAgentThatTakesOver() throws Exception {
    Uid uid = uid();
    JobSpec spec =
        python(
                READIES,
                "import signal\n"
                    + "def drain(*_):\n"
                    + "  for left in range(3):\n"
                    + "    say('STOPPING=1\\nEXTEND_TIMEOUT_USEC=60000000')\n"
                    + "    time.sleep(1.5)\n"
                    + "  sys.exit(9)\n"
                    + "signal.signal(signal.SIGTERM,drain)\nsay('READY=1')\ntime.sleep(60)")
            .toBuilder()
            .stop(StopPolicy.after(Duration.ofSeconds(3)))
            .build();
    agent.run(uid, spec);
    awaitReady(uid);
    agent.order(uid, spec, new StopOrder(null, "cancelled by alice"));
    assertEquals(
        "it asked for 60 s more to end; its stop may take 600 s in all",
        agent.awaitEvent("STOP_EXTENDED").message());
    agent.crash();
    agent.begin();
    agent.order(uid, spec, new StopOrder(null, "cancelled by alice"));
    assertEquals(9, Objects.requireNonNull(agent.awaitEnd(uid).result()).siStatus());
  }

  @Test
  void aToolThatWaitsForItsBarrierEnds() {
    systemdNotifyIsThere();
    Uid uid = uid();
    // It waits 5 s for the barrier's descriptor to be closed, else it fails.
    agent.run(uid, shell(READIES, "systemd-notify --ready && exit 17"));
    assertEquals(17, Objects.requireNonNull(agent.awaitEnd(uid).result()).siStatus());
  }

  @Test
  void aTaskThatSpeaksForItselfIsHeard() {
    Uid uid = uid();
    JobSpec spec =
        python(
            READIES,
            "say('STATUS=loading')\nsay('READY=1\\nSTATUS=serving\\nMAINPID=%d'%os.getpid())\n"
                + "time.sleep(1.2)\nsay('RELOADING=1\\nMONOTONIC_USEC=1\\nSTATUS=again')\n"
                + "time.sleep(1.2)\nsay('READY=1\\nSTATUS=served')\ntime.sleep(60)");
    agent.run(uid, spec);
    awaitReady(uid);
    awaitText(uid, "reloading: again");
    awaitText(uid, "served");
  }

  @Test
  void aStrangerOutsideTheTasksCgroupIsRefused() throws Exception {
    Uid uid = uid();
    Path out = agent.directory.resolve("path");
    Files.createFile(out);
    Files.setPosixFilePermissions(
        out, java.nio.file.attribute.PosixFilePermissions.fromString("rw-rw-rw-"));
    agent.run(uid, shell(READIES, "printf %s \"$NOTIFY_SOCKET\" >" + out + "; exec sleep 60"));
    agent.awaitState(uid, AttemptState.RUNNING);
    String socket = "";
    for (int i = 0; i < 500 && socket.isEmpty(); i++) {
      socket = Files.readString(out, StandardCharsets.UTF_8);
      TimeUnit.MILLISECONDS.sleep(10);
    }
    ProcessBuilder stranger =
        new ProcessBuilder(PYTHON.toString(), "-c", SPEAK + "say('READY=1'); time.sleep(2)");
    stranger.environment().put("NOTIFY_SOCKET", socket);
    Process speaks = stranger.start();
    NodeEvent refused = agent.awaitEvent("NOTIFY_REFUSED");
    assertTrue(
        refused.message().contains("process " + speaks.pid() + " (user 0) is not of this task"),
        refused.message());
    assertEquals(42, refused.jobNumber());
    speaks.destroyForcibly();
    assertEquals(Readiness.NOT_READY, agent.awaitState(uid, AttemptState.RUNNING).readiness());
  }

  @Test
  void aMainProcessOutsideTheTaskIsRefusedAndTheRestIsHeard() throws Exception {
    Uid uid = uid();
    agent.run(uid, python(READIES, "say('MAINPID=1\\nREADY=1')\ntime.sleep(60)"));
    awaitReady(uid);
    assertTrue(
        agent.awaitEvent("NOTIFY_REFUSED").message().contains("MAINPID=1 is no process of this"));
  }

  @Test
  void aTaskThatDoesNotBecomeReadyInTimeFailsAndSaysWhatItSaid() {
    Uid uid = uid();
    HealthChecks soon = new HealthChecks(notify(Duration.ofMillis(1_500), 2), null, null);
    agent.run(uid, python(soon, "say('STATUS=waits for the disk')\ntime.sleep(60)"));
    AttemptStatus end = agent.awaitEnd(uid);
    assertEquals(ResultKind.UNHEALTHY, Objects.requireNonNull(end.result()).kind());
    assertTrue(end.reason().startsWith("not ready in time: no READY=1 3"), end.reason());
    assertTrue(end.reason().endsWith("(it said: waits for the disk)"), end.reason());
  }

  @Test
  void aTaskThatPingsItsWatchdogLivesAndOneThatStopsPingingIsStopped() {
    Uid uid = uid();
    HealthChecks watched = new HealthChecks(null, null, notify(Duration.ofMillis(1_600), 1));
    agent.run(
        uid,
        python(
            watched,
            "every=int(os.environ['WATCHDOG_USEC'])/2e6\n"
                + "for n in range(3):\n"
                + "  say('WATCHDOG=1\\nSTATUS=ping %d'%n)\n"
                + "  time.sleep(every)\n"
                + "time.sleep(60)"));
    AttemptStatus end = agent.awaitEnd(uid);
    assertEquals(ResultKind.UNHEALTHY, Objects.requireNonNull(end.result()).kind());
    assertEquals("watchdog: not heard of for 1.600 s (it said: ping 2)", end.reason());
    assertTrue(end.endNanos() - end.startNanos() >= 3_000_000_000L, end.toString());
  }

  @Test
  void anAgentThatTakesOverHearsTheTaskAndRemembersThatItWasReady() throws Exception {
    Uid uid = uid();
    JobSpec spec =
        python(
            READIES,
            "say('READY=1\\nSTATUS=first')\nwhile not os.path.exists('"
                + agent.directory.resolve("go")
                + "'): time.sleep(0.05)\n"
                + "say('STATUS=second')\ntime.sleep(60)");
    agent.run(uid, spec);
    awaitText(uid, "first");
    agent.crash();
    agent.begin();
    agent.run(uid, spec);
    awaitReady(uid);
    Files.createFile(agent.directory.resolve("go"));
    assertEquals(Readiness.READY, awaitText(uid, "second").readiness());
  }

  @Test
  void whatATaskLeavesWithTheAgentIsHandedToItsNextAttempt() {
    Uid job = new Uid(1, 1, 500);
    Uid first = uid();
    JobSpec keeps =
        python(
            READIES,
            "l=socket.socket(); l.bind(('127.0.0.1',0)); l.listen()\n"
                + "say('FDSTORE=1\\nFDNAME=http',[l.fileno()])\n"
                + "m=os.memfd_create('state'); os.write(m,b'seen 3')\n"
                + "say('FDSTORE=1\\nFDNAME=state\\nFDPOLL=0',[m])\n"
                + "say('FDSTORE=1\\nFDNAME=gone',[m]); say('FDSTOREREMOVE=1\\nFDNAME=gone')\n"
                + "say('READY=1\\nSTATUS=%d'%l.getsockname()[1])\ntime.sleep(1)\nsys.exit(7)");
    agent.order(first, job, keeps, null);
    String port = awaitReady(first).statusText();
    agent.awaitEnd(first);
    Uid second = uid();
    JobSpec takes =
        python(
            READIES,
            "assert os.environ['LISTEN_PID']==str(os.getpid())\n"
                + "l=socket.socket(fileno=3); m=4\n"
                + "say('READY=1\\nSTATUS=%s %s %d %s'%(os.environ['LISTEN_FDS'],"
                + "os.environ['LISTEN_FDNAMES'],l.getsockname()[1],os.pread(m,9,0).decode()))\n"
                + "time.sleep(60)");
    agent.order(second, job, takes, null);
    assertEquals("2 http:state " + port + " seen 3", awaitReady(second).statusText());
    Uid other = uid();
    agent.run(
        other,
        python(
            READIES, "say('READY=1\\nSTATUS='+str('LISTEN_FDS' in os.environ))\ntime.sleep(60)"));
    assertEquals("False", awaitReady(other).statusText());
  }

  @Test
  void anInteractiveTaskGetsItsInputAndWhatWasKeptForIt() throws Exception {
    Uid job = new Uid(1, 1, 502);
    Uid first = uid();
    agent.order(
        first,
        job,
        python(
            READIES,
            "for n in range(3):\n"
                + "  m=os.memfd_create('kept'); os.write(m,b'%d'%n)\n"
                + "  say('FDSTORE=1\\nFDNAME=k%d\\nFDPOLL=0'%n,[m])\n"
                + "say('READY=1')\ntime.sleep(1)"),
        null);
    awaitReady(first);
    agent.awaitEnd(first);
    Uid second = uid();
    JobSpec plain =
        python(
            READIES,
            "kept=[os.pread(3+n,9,0).decode() for n in range(3)]\n"
                + "say('READY=1\\nSTATUS=%s %s %s'%(os.environ['LISTEN_FDS'],"
                + "os.environ['LISTEN_PID']==str(os.getpid()),''.join(kept)))\n"
                + "sys.exit(7 if os.isatty(0) and sys.stdin.readline()=='word\\n' else 1)");
    agent.order(
        second, job, plain.withExecution(ExecTest.interactive(plain.execution(), true)), null);
    assertEquals("3 True 012", awaitReady(second).statusText());
    FakeConversation typing = new FakeConversation();
    agent.conversations = stream -> typing;
    agent.tell(new ControllerMessage.OpenAttach(1, second, true, -1, true));
    typing.agent().input("word\n".getBytes(StandardCharsets.US_ASCII));
    assertEquals(7, agent.awaitEnd(second).result().exitCode());
  }

  @Test
  void aCommandInsideATaskTakesNeitherItsSocketNorWhatWasKept() throws Exception {
    Path go = agent.directory.resolve("go");
    Uid uid = uid();
    agent.run(
        uid,
        python(
            READIES,
            "say('READY=1\\nSTATUS=first')\n"
                + "while not os.path.exists('"
                + go
                + "'): time.sleep(0.02)\n"
                + "say('STATUS=second')\ntime.sleep(60)"));
    awaitText(uid, "first");
    FakeConversation command = new FakeConversation();
    agent.conversations = stream -> command;
    agent.tell(
        new ControllerMessage.OpenExec(
            1,
            uid,
            List.of("sh", "-c", "echo ${NOTIFY_SOCKET-none} ${LISTEN_FDS-none}"),
            new TreeMap<>(),
            false,
            0,
            0));
    assertEquals(0, command.ended().exitCode());
    assertEquals("none none\n", command.out());
    Files.createFile(go);
    awaitText(uid, "second");
  }

  @Test
  void aKeptSocketGoesWhenItsOtherEndDoes() {
    Uid job = new Uid(1, 1, 501);
    Uid first = uid();
    agent.order(
        first,
        job,
        python(
            READIES,
            "a,b=socket.socketpair()\nsay('FDSTORE=1\\nFDNAME=pair',[a.fileno()])\n"
                + "say('READY=1')\na.close()\nb.close()\ntime.sleep(1)"),
        null);
    awaitReady(first);
    agent.awaitEnd(first);
    Uid second = uid();
    agent.order(
        second,
        job,
        python(READIES, "say('READY=1\\nSTATUS='+str('LISTEN_FDS' in os.environ))\ntime.sleep(60)"),
        null);
    assertEquals("False", awaitReady(second).statusText());
  }

  @Test
  void aFloodBlocksNobodyElse() {
    Uid flood = uid();
    Uid quiet = uid();
    agent.run(flood, python(READIES, "while True: say('STATUS='+'x'*4000)"));
    agent.awaitStatus(status -> status.uid().equals(flood) && status.statusText().length() == 256);
    agent.run(quiet, python(READIES, "say('READY=1')\ntime.sleep(60)"));
    awaitReady(quiet);
  }

  @Test
  void aTaskThatDoesNotSpeakHasNoSocket() {
    Uid uid = uid();
    agent.run(uid, shell(HealthChecks.NONE, "test -z \"$NOTIFY_SOCKET\""));
    assertEquals(AttemptState.SUCCEEDED, agent.awaitEnd(uid).state());
    assertFalse(Files.exists(agent.directory.resolve("n").resolve(uid.toString())));
  }
}

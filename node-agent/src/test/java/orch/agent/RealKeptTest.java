package orch.agent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import orch.agent.cgroup.CgroupRoot;
import orch.agent.linux.JnaLinux;
import orch.api.model.HealthCheck;
import orch.api.model.HealthChecks;
import orch.api.model.JobSpec;
import orch.api.model.Probe;
import orch.api.model.Readiness;
import orch.api.model.TaskSet;
import orch.api.model.Uid;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What tasks say and leave while agents and launchers die, with real processes. */
@Timeout(120)
class RealKeptTest {
  private static final Path PYTHON = Path.of("/usr/bin/python3");
  private static final Uid JOB = new Uid(1, 1, 500);

  /** {@code await(name)} ends with {@link #let}, {@code told(name)} ends {@link #awaitWord}. */
  private static final String WORDS =
      RealServicesTest.SPEAK
          + "def leave(name):\n"
          + "  m=os.memfd_create(name); os.write(m,b'seen by '+name.encode())\n"
          + "  say('FDSTORE=1\\nFDNAME=%s\\nFDPOLL=0'%name,[m])\n"
          + "def wait(name): open(base+name).read()\n"
          + "def told(name): open(base+name,'w').write(name)\n";

  /** Says what it was given. */
  private static final String TAKES =
      "n=int(os.environ.get('LISTEN_FDS','0'))\n"
          + "say('READY=1\\nSTATUS=%s %s'%(os.environ.get('LISTEN_FDNAMES'),"
          + "','.join(os.pread(3+i,99,0).decode() for i in range(n))))\n"
          + "time.sleep(60)";

  private final JnaLinux linux = new JnaLinux();
  private Path subtree = Path.of("");
  private RealAgent agent;
  private long sequence;

  @BeforeEach
  void start() throws IOException {
    assumeTrue(Files.isExecutable(PYTHON), PYTHON + " is missing");
    CgroupRoot root =
        CgroupRoot.prepare(
            Path.of("/proc/self/mounts"), "orch-kept-" + ProcessHandle.current().pid());
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

  private JobSpec task(String program) {
    HealthCheck readies =
        new HealthCheck(new Probe.Notify(), Duration.ofSeconds(20), Duration.ofSeconds(1), 3);
    String script = WORDS + "base='" + agent.directory + "/word-'\n" + program;
    return JobSpec.batch("web", TaskSet.count(3), List.of(PYTHON.toString(), "-c", script))
        .toBuilder()
        .health(new HealthChecks(null, readies, null))
        .build();
  }

  private Path word(String name) {
    return agent.directory.resolve("word-" + name);
  }

  private void words(String... names) throws IOException {
    for (String name : names) {
      linux.makeFifo(word(name).toString());
      Files.setPosixFilePermissions(word(name), PosixFilePermissions.fromString("rw-rw-rw-"));
    }
  }

  /** The task's {@code wait(name)} ends. */
  private void let(String name) throws IOException {
    Files.writeString(word(name), name);
  }

  /** Ends once the task came to {@code told(name)}. */
  private void awaitWord(String name) throws IOException {
    assertEquals(name, Files.readString(word(name), StandardCharsets.UTF_8));
  }

  private void order(Uid uid, JobSpec spec) {
    agent.order(uid, JOB, spec, null);
  }

  private void awaitText(Uid uid, String text) {
    agent.awaitStatus(status -> status.uid().equals(uid) && status.statusText().equals(text));
  }

  /** What it said may be known before its order is, which says that readiness is spoken of. */
  private void awaitReady(Uid uid, String text) {
    agent.awaitStatus(status ->
        status.uid().equals(uid)
            && status.statusText().equals(text)
            && status.readiness() == Readiness.READY);
  }

  /** The task goes on from {@code wait(name)} to {@code told('said')} while no agent runs. */
  private void withoutAnAgentUntilSaid(String name, Uid uid, JobSpec spec) throws IOException {
    agent.crash();
    let(name);
    awaitWord("said");
    agent.begin();
    order(uid, spec);
  }

  private void restart(Uid uid, JobSpec spec) throws IOException {
    agent.crash();
    agent.begin();
    order(uid, spec);
  }

  /** What the job's next attempt says that it was given. */
  private void nextGets(String what) {
    Uid next = uid();
    order(next, task(TAKES));
    awaitText(next, what);
  }

  private List<String> launcherFiles() throws IOException {
    Path files = Path.of("/proc", Integer.toString(agent.launcherPid()), "fd");
    try (var all = Files.list(files)) {
      return all.map(RealKeptTest::target).toList();
    }
  }

  private static String target(Path link) {
    try {
      return Files.readSymbolicLink(link).toString();
    } catch (IOException gone) {
      return "";
    }
  }

  /** The launcher does what it is told soon, and tells nobody. */
  private void awaitLauncherFiles(int count, String containing) throws Exception {
    for (int tries = 0; ; tries++) {
      List<String> files = launcherFiles();
      if (files.stream().filter(each -> each.contains(containing)).count() == count) {
        return;
      }
      assertTrue(tries < 1_000, files.toString());
      TimeUnit.MILLISECONDS.sleep(10);
    }
  }

  @Test
  void whatIsSaidAndLeftWhileNoAgentRunsIsHeardByTheNextInItsOrder() throws Exception {
    Uid uid = uid();
    words("go", "said", "end");
    JobSpec spec =
        task(
            "say('STATUS=begins')\nwait('go')\n"
                + "say('READY=1\\nSTATUS=alone')\nleave('a')\nleave('b')\n"
                + "say('FDSTOREREMOVE=1\\nFDNAME=a')\n"
                + "r,w=os.pipe(); say('BARRIER=1',[w]); os.close(w)\ntold('said')\n"
                + "assert os.read(r,1)==b''\n"
                + "say('STATUS=obeyed')\nwait('end')\nsys.exit(7)");
    order(uid, spec);
    awaitText(uid, "begins");
    withoutAnAgentUntilSaid("go", uid, spec);
    awaitReady(uid, "alone");
    awaitReady(uid, "obeyed");
    let("end");
    assertEquals(7, Objects.requireNonNull(agent.awaitEnd(uid).result()).siStatus());
    nextGets("b seen by b");
  }

  @Test
  void whatATaskLeftOutlivesOneAgentAfterTheOther() throws Exception {
    Uid first = uid();
    words("end");
    JobSpec keeps =
        task(
            "leave('state')\nleave('gone')\nsay('FDSTOREREMOVE=1\\nFDNAME=gone')\nleave('more')\n"
                + "say('READY=1\\nSTATUS=left')\nwait('end')\nsys.exit(7)");
    order(first, keeps);
    awaitText(first, "left");
    restart(first, keeps);
    restart(first, keeps);
    let("end");
    agent.awaitEnd(first);
    restart(first, keeps);
    nextGets("state:more seen by state,seen by more");
  }

  @Test
  void aLauncherThatReplacesADeadOneIsGivenEverythingAgain() throws Exception {
    Uid first = uid();
    words("end", "go", "said");
    JobSpec keeps =
        task(
            "leave('state')\nsay('READY=1\\nSTATUS=left')\nwait('go')\nsay('STATUS=later')\n"
                + "told('said')\nwait('end')\nsys.exit(7)");
    order(first, keeps);
    awaitText(first, "left");
    awaitLauncherFiles(1, "memfd:state");
    int old = agent.launcherPid();
    ProcessHandle.of(old).orElseThrow().destroyForcibly();
    agent.awaitLauncherOtherThan(old);
    awaitLauncherFiles(1, "memfd:state");
    withoutAnAgentUntilSaid("go", first, keeps);
    awaitText(first, "later");
    let("end");
    agent.awaitEnd(first);
    nextGets("state seen by state");
  }

  @Test
  void nothingIsKeptOfATaskThatEndedWhileNoAgentRan() throws Exception {
    Uid uid = uid();
    words("end", "said");
    int before = launcherFiles().size();
    JobSpec spec =
        task("say('READY=1\\nSTATUS=up')\nwait('end')\nsay('STATUS=ends')\ntold('said')");
    order(uid, spec);
    awaitText(uid, "up");
    awaitLauncherFiles(before + 1, "");
    withoutAnAgentUntilSaid("end", uid, spec);
    agent.awaitEnd(uid);
    awaitLauncherFiles(before, "");
  }

  @Test
  void aQueueThatFilledUpLosesNothingAndTheTaskIsHeardAgain() throws Exception {
    Uid uid = uid();
    words("go", "said", "again");
    JobSpec spec =
        task(
            "say('STATUS=begins')\nwait('go')\nsay('READY=1\\nSTATUS=alone')\nn=0\n"
                + "try:\n  while True: say('WATCHDOG=1'); n+=1; time.sleep(0.01)\n"
                + "except (BrokenPipeError,ConnectionRefusedError): pass\n"
                + "told('said')\nwait('again')\nsay('STATUS=%s'%(n>=7))\ntime.sleep(60)");
    order(uid, spec);
    awaitText(uid, "begins");
    withoutAnAgentUntilSaid("go", uid, spec);
    awaitReady(uid, "alone");
    let("again");
    awaitText(uid, "True");
    // And the new socket is kept in its turn.
    restart(uid, spec);
    awaitText(uid, "True");
  }
}

package orch.systemtests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import orch.systemtests.host.Host;
import orch.systemtests.host.HostLab;
import orch.systemtests.host.Services;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** On a host with systemd, journald and every cgroup v2 controller. */
@Timeout(300)
class RealHostIT {
  private static @Nullable HostLab lab;
  private static Host host;

  @BeforeAll
  static void boot() throws Exception {
    String missing = HostLab.missing();
    assumeTrue(missing.isEmpty(), missing);
    HostLab opened = HostLab.open();
    lab = opened;
    host = opened.add("h1", 1024);
    host.boot();
    Services.single(host);
  }

  @AfterAll
  static void remove() {
    if (lab != null) {
      lab.close();
    }
  }

  @Test
  void memoryLimitKillsTheHogAndShowSaysSo() throws Exception {
    String number =
        expect(
            "orchctl run -d --name hog --memory 40Mi -- sh -c"
                + " 'head -c 200000000 /dev/zero | tail -c 150000000 | wc -c'");
    assertEquals(137, host.run("orchctl wait " + number).code());
    String shown = expect("orchctl task show hog/0");
    assertTrue(shown.contains("out of memory"), shown);
  }

  @Test
  void linesOfOneTraceAreInTheJournalWithTheirTask() throws Exception {
    String number =
        expect("orchctl run -d --name talker -- sh -c 'echo to stdout; echo \"<3>to stderr\" >&2'");
    expect("orchctl wait " + number);
    String job = expect("orchctl job show " + number + " -o json");
    String trace = job.replaceAll("(?s).*\"traceId\": *\"([0-9a-f]*)\".*", "$1");
    String journal =
        host.await(
            Duration.ofSeconds(30),
            """
            [ "$(journalctl -q -o cat TRACE_ID=%1$s | wc -l)" = 2 ] &&
            journalctl -q -o export TRACE_ID=%1$s
            """
                .formatted(trace));
    assertTrue(journal.contains("MESSAGE=to stdout\n"), journal);
    assertTrue(journal.contains("MESSAGE=to stderr\n"), journal);
    assertTrue(journal.contains("PRIORITY=3\n"), journal);
    assertTrue(journal.contains("ORCH_TASK=talker/0\n"), journal);
  }

  @Test
  void restartOfTheAgentsServiceTouchesNoTask() throws Exception {
    String number =
        expect(
            "orchctl run -d --name sleeper -- sh -c"
                + " 'echo $$; while [ ! -e /tmp/go ]; do sleep 0.1; done; exit 9'");
    String pid =
        host.await(
                Duration.ofSeconds(30),
                "pid=$(orchctl logs " + number + ") && [ -n \"$pid\" ] && echo $pid")
            .strip();
    expect("systemctl restart orch-agent");
    expect("[ -d /proc/" + pid + " ]");
    expect("touch /tmp/go");
    assertEquals(9, host.run("orchctl wait " + number).code());
  }

  @Test
  void aForkBombIsCappedCountedAndKilledAndTheAgentIsFine() throws Exception {
    String number =
        submit(
            """
            name: bomb
            resources: {pids: 30, memory: 100Mi}
            command: [sh, -c, 'bomb() { bomb | bomb & }; bomb; sleep 1000']
            stop: {grace: 1s}
            """);
    host.await(
        Duration.ofSeconds(30),
        "cat /sys/fs/cgroup/system.slice/orch-tasks-*.scope/t-*/pids.events"
            + " | grep -q 'max [1-9]'");
    expect("orchctl cancel " + number);
    host.run("orchctl wait " + number);
    assertEquals("7\n", host.run("orchctl run -- sh -c 'echo 7'").text());
    assertEquals(
        "", expect("ls -d /sys/fs/cgroup/system.slice/orch-tasks-*.scope/t-* 2>/dev/null || :"));
  }

  @Test
  void withJournaldStoppedNoTaskBlocksAndItsLinesComeWhenItIsBack() throws Exception {
    expect(
        "systemctl stop systemd-journald.socket systemd-journald-dev-log.socket"
            + " systemd-journald-audit.socket systemd-journald 2>&1 || :");
    String number = expect("orchctl run -d --name mute -- sh -c 'seq 1 5000; exit 6'");
    assertEquals(6, host.run("orchctl wait " + number).code());
    assertEquals("5000", expect("orchctl logs mute | wc -l"));
    expect(
        "systemctl start systemd-journald.socket systemd-journald-dev-log.socket"
            + " systemd-journald");
    String seen =
        host.await(
            Duration.ofSeconds(60),
            """
            journalctl --sync
            journalctl -q -o cat ORCH_TASK=mute/0 >/tmp/mute
            [ "$(sort -n /tmp/mute | uniq | wc -l)" = 5000 ] && wc -l </tmp/mute
            """);
    System.err.println("lines in the journal: " + seen.strip() + " for 5000");
  }

  @Test
  void theLaunchersOwnTestsPassWhereEveryControllerIs() throws Exception {
    assumeTrue(Boolean.getBoolean("orch.soak"), "only in a soak: a process costs much more here");
    String binaries = Cluster.distribution() + "/../../../node-agent/target/native";
    assumeTrue(
        Files.isExecutable(Path.of(binaries, "launcher_test")),
        binaries + "/launcher_test is made by the build of node-agent");
    Host.Running tests =
        host.start(
            "ORCH_TEST_TASKS=200 systemd-run --quiet --scope -p Delegate=yes %1$s/launcher_test %1$s/orch-launcher"
                .formatted(binaries));
    CommandResult result = host.finish(tests, Duration.ofMinutes(4));
    assertEquals(0, result.code(), result.toString());
    assertTrue(result.text().contains("a_leader_killed_for_memory"), result.text());
    assertTrue(!result.text().contains("SKIPPED a_"), result.text());
  }

  private static String submit(String spec) throws Exception {
    host.write("/tmp/job.yaml", spec);
    String name = expect("orchctl job submit -o name /tmp/job.yaml");
    return name.substring(name.lastIndexOf('/') + 1);
  }

  private static String expect(String script) throws Exception {
    try {
      return host.expect(script).strip();
    } catch (IOException e) {
      throw new AssertionError(e.getMessage() + "\n" + Services.journal(host), e);
    }
  }
}

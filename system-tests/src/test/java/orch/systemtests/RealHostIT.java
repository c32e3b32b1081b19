package orch.systemtests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
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

  private static String expect(String script) throws Exception {
    try {
      return host.expect(script).strip();
    } catch (IOException e) {
      throw new AssertionError(e.getMessage() + "\n" + Services.journal(host), e);
    }
  }
}

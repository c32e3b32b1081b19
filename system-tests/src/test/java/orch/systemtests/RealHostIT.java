package orch.systemtests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** On a host with systemd, journald and every cgroup v2 controller. */
@Timeout(300)
class RealHostIT {
  private static final String CLUSTER =
      """
      set -eu
      # Daemons as their units run them, from the distribution as it was built.
      mkdir -p /etc/orch
      echo 'controller: localhost:7401' >/etc/orch/agent.yaml
      for unit in orch-controller orch-agent; do
        sed 's|/opt/orch|%1$s|g' %1$s/share/systemd/$unit.service >/run/systemd/system/$unit.service
      done
      systemctl daemon-reload
      systemctl start orch-controller orch-agent
      export PATH=%1$s/bin:$PATH ORCH_ADDRESS=localhost:7400 HOME=/root
      orchctl() { %1$s/bin/orchctl "$@"; }
      diagnose() {
        code=$?
        [ $code = 0 ] || journalctl --no-pager -n 60 -u orch-controller -u orch-agent
        exit $code
      }
      trap diagnose EXIT
      until orchctl node list -o json | grep -q NODE_STATE_READY; do sleep 0.2; done
      """;

  @BeforeAll
  static void hostsCanBeBooted() {
    String missing = RealHost.missing();
    assumeTrue(missing.isEmpty(), missing);
  }

  @Test
  void memoryLimitKillsTheHogAndShowSaysSo() throws Exception {
    CommandResult result =
        run(
            """
            number=$(orchctl run -d --name hog --memory 40Mi -- sh -c 'head -c 200000000 /dev/zero | tail -c 150000000 | wc -c')
            set +e
            orchctl wait $number; echo "wait: $?"
            set -e
            orchctl task show hog/0
            """);
    assertTrue(result.text().contains("wait: 137"), result.toString());
    assertTrue(result.text().contains("out of memory"), result.toString());
  }

  @Test
  void linesOfOneTraceAreInTheJournalWithTheirTask() throws Exception {
    CommandResult result =
        run(
            """
            number=$(orchctl run -d --name talker -- sh -c 'echo to stdout; echo "<3>to stderr" >&2')
            orchctl wait $number
            trace=$(orchctl job show $number -o json | sed -n 's/.*"traceId": *"\\([0-9a-f]*\\)".*/\\1/p' | head -n 1)
            until [ "$(journalctl -q -o cat TRACE_ID=$trace | wc -l)" = 2 ]; do sleep 0.2; done
            journalctl -q -o export TRACE_ID=$trace
            """);
    assertTrue(result.text().contains("MESSAGE=to stdout\n"), result.toString());
    assertTrue(result.text().contains("MESSAGE=to stderr\n"), result.toString());
    assertTrue(result.text().contains("PRIORITY=3\n"), result.toString());
    assertTrue(result.text().contains("ORCH_TASK=talker/0\n"), result.toString());
  }

  @Test
  void restartOfTheAgentsServiceTouchesNoTask() throws Exception {
    CommandResult result =
        run(
            """
            number=$(orchctl run -d --name sleeper -- sh -c 'echo $$; while [ ! -e /tmp/go ]; do sleep 0.1; done; exit 9')
            until pid=$(orchctl logs sleeper) && [ -n "$pid" ]; do sleep 0.2; done
            systemctl restart orch-agent
            [ -d /proc/$pid ] && echo "still there"
            touch /tmp/go
            set +e
            orchctl wait $number; echo "wait: $?"
            """);
    assertTrue(result.text().contains("still there"), result.toString());
    assertTrue(result.text().contains("wait: 9"), result.toString());
  }

  private static CommandResult run(String script) throws Exception {
    CommandResult result =
        RealHost.run("h1", "2G", CLUSTER.formatted(Cluster.distribution()) + script);
    assertEquals(0, result.code(), result.toString());
    return result;
  }
}

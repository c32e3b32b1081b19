package orch.systemtests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
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

/** Limits, stops and walls of a task where the kernel has every controller. */
@Timeout(300)
final class LimitsIT {
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

  private static String submit(String name, String spec) throws Exception {
    host.write("/tmp/" + name + ".yaml", "name: " + name + "\n" + spec);
    expect("orchctl job submit /tmp/" + name + ".yaml");
    return name;
  }

  @Test
  void everyLimitStandsInTheFilesOfTheTasksCgroup() throws Exception {
    String job =
        submit(
            "limits",
            """
            script: |
              cd /sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)
              for f in cpu.max cpu.weight memory.low memory.high memory.max memory.oom.group pids.max; do
                echo "$f $(cat $f)"
              done
              sed 's/^[0-9:]* //' io.max | sort -u
            resources:
              cpu: 100m
              cpuMax: 500m
              memory: 64Mi
              memoryHigh: 48Mi
              memoryLow: 16Mi
              pids: 33
              io: {readBandwidth: 8M, writeBandwidth: 4M, readOperations: 1000, writeOperations: 500}
            """);
    assertEquals(0, host.run("orchctl wait " + job).code(), expect("orchctl task show limits/0"));
    assertEquals(
        """
        cpu.max 50000 100000
        cpu.weight 10
        memory.low 16777216
        memory.high 50331648
        memory.max 67108864
        memory.oom.group 1
        pids.max 33
        rbps=8000000 wbps=4000000 riops=1000 wiops=500\
        """,
        expect("orchctl logs " + job));
  }

  @Test
  void aCpuSetIsRefusedByAHostWithoutThatController() throws Exception {
    assumeTrue(host.run("grep -q cpuset /sys/fs/cgroup/cgroup.controllers").code() != 0);
    String job = submit("pinned", "command: [\"true\"]\nresources: {cpuset: \"0\"}\n");
    assertNotEquals(0, host.run("orchctl wait " + job).code());
    String shown = expect("orchctl task show pinned/0");
    assertTrue(shown.contains("cannot enforce a cpuset limit"), shown);
  }

  @Test
  void aForkBombIsCappedAndNothingOfItIsLeft() throws Exception {
    String job =
        submit(
            "bomb",
            """
            command: [sh, -c, "b() { (b & b) 2>/dev/null; sleep 1; }; b & sleep 60"]
            resources: {pids: 40}
            stop: {grace: 1s}
            """);
    host.await(
        Duration.ofSeconds(60),
        "grep -q 'max [1-9]' $(find /sys/fs/cgroup -path '*/t-*/pids.events')");
    expect("orchctl job cancel " + job);
    host.run("orchctl wait " + job);
    assertEquals("", expect("find /sys/fs/cgroup -path '*/t-*' -name cgroup.procs"));
  }

  @Test
  void aStopRunsThePreStopCommandInTheTasksNamespaceOfNames() throws Exception {
    String job =
        submit(
            "drained",
            """
            command: [sh, -c, "trap 'echo told; exit 0' TERM; echo pid $$; while :; do sleep 0.1; done"]
            pidNamespace: true
            stop: {preStop: [sh, -c, "echo drain $ORCH_TASK"], grace: 20s}
            """);
    host.await(Duration.ofSeconds(60), "orchctl logs " + job + " | grep -q pid");
    expect("orchctl job cancel " + job);
    host.run("orchctl wait " + job);
    assertEquals("pid 2\ndrain drained/0\ntold", expect("orchctl logs " + job));
  }

  @Test
  void theDefaultProfileForbidsWhatChangesTheHost() throws Exception {
    String job =
        submit(
            "walled",
            """
            command: [sh, -c, "echo runs; mount -t tmpfs none /mnt 2>&1 | grep -o 'permission denied'"]
            user: root
            seccomp: default
            """);
    host.run("orchctl wait " + job);
    assertEquals("runs\npermission denied", expect("orchctl logs " + job));
  }

  private static String expect(String script) throws Exception {
    try {
      return host.expect(script).strip();
    } catch (IOException e) {
      throw new AssertionError(e.getMessage() + "\n" + Services.journal(host), e);
    }
  }
}

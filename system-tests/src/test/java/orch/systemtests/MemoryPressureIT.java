package orch.systemtests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.time.Duration;
import java.util.Locale;
import orch.systemtests.host.Host;
import orch.systemtests.host.HostLab;
import orch.systemtests.host.Services;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Memory limits and the kernel's OOM killer, on a real host of one CPU; it has no PSI. */
@Timeout(600)
class MemoryPressureIT {
  /** So many tasks, of which each holds a burst of memory now and then. */
  private static final int TASKS = 8;

  private static final int MEBIBYTES = 2_048;

  /** All burst together so often. */
  private static final int ROUNDS = 20;

  private static final int ROUND_SECONDS = 6;

  /**
   * All at once, in each round: grows by 100 MB/s to 200 to 340 MB, holds it for half a second,
   * gives it back. Together they want about 2.1 GB, which the host with all else does not have;
   * about five of them fit. Memory of a memfd, since a page fault costs a host like this one far
   * more than a real one: with ordinary memory a burst would take half a minute.
   */
  private static final String BURST =
      """
      import os, random, time
      r = random.Random(int(os.environ['ORCH_INDEX']) * 1000 + int(os.environ['ORCH_ATTEMPT']))
      block = b'x' * (4 << 20)
      def begun():
        with open('/tmp/until') as until: return time.time() < int(until.read())
      while True:
        time.sleep(6 - time.time() % 6)
        if not begun(): continue
        held = os.memfd_create('burst')
        for _ in range(r.randint(200, 340) // 4):
          os.write(held, block)
          time.sleep(0.04)
        time.sleep(0.5)
        os.close(held)
        with open('/tmp/bursts', 'a') as done: done.write('.')
      """;

  private static @Nullable HostLab lab;
  private static Host host;

  @BeforeAll
  static void boot() throws Exception {
    String missing = HostLab.missing();
    assumeTrue(missing.isEmpty(), missing);
    HostLab opened = HostLab.open();
    lab = opened;
    host = opened.add("m1", MEBIBYTES);
    host.boot();
    // A burst's memory is no process's own, so the kernel counts it with nobody: only these keep it
    // from the daemons.
    for (String daemon : new String[] {"orch-controller", "orch-agent"}) {
      host.write(
          "/etc/systemd/system/%s.service.d/oom.conf".formatted(daemon),
          "[Service]\nOOMScoreAdjust=-900\n");
    }
    Services.single(host);
  }

  @AfterAll
  static void remove() {
    if (lab != null) {
      lab.close();
    }
  }

  @Test
  void aTaskAtItsLimitIsEvictedBeforeTheKernelKillsItAndTheFiguresAreShown() throws Exception {
    host.write(
        "/tmp/hog.yaml",
        """
        name: hog
        command: [/usr/bin/python3, -c, "import time\\nh=[]\\nwhile True:\\n  h.append(b'x'*(1<<20))\\n  time.sleep(0.05)"]
        resources: {memory: 64Mi, memoryPressure: {action: evict, signal: CONT}}
        restart: {when: never}
        """);
    expect("orchctl submit /tmp/hog.yaml");
    CommandResult wait = host.run("orchctl wait hog");
    assertTrue(wait.code() != 0, wait.toString());
    String shown = expect("orchctl task show hog/0");
    assertTrue(shown.contains("evicted: memory pressure"), shown);
    String events = expect("orchctl job events hog -o wide");
    for (String type : new String[] {"MEMORY_SHORT", "EVICTED", "TASK_KILLED"}) {
      assertTrue(events.contains(type), events);
    }
    assertTrue(events.contains("memory_limit_bytes=64MiB"), events);
    assertEquals("0", expect("orchctl task show hog/0 -o json | grep -c oomKills || true"));
  }

  @Test
  void aTaskThatPressesOnIsSlowedDownByItsMemoryHigh() throws Exception {
    host.write(
        "/tmp/slow.yaml",
        """
        name: slow
        command: [/usr/bin/python3, -c, "import time\\nh=[b'x'*(40<<20)]\\nfor _ in range(11):\\n  h.append(b'x'*(1<<20))\\n  time.sleep(0.5)\\ntime.sleep(600)"]
        resources: {memory: 64Mi, memoryPressure: {action: throttle, signal: CONT, threshold: 75}}
        restart: {when: never}
        """);
    expect("orchctl submit /tmp/slow.yaml");
    host.await(
        Duration.ofSeconds(60),
        "orchctl job events slow -o wide | grep THROTTLED | grep memory_high");
    String high = expect("cat /sys/fs/cgroup/system.slice/orch-tasks-*.scope/t-*/memory.high");
    assertTrue(Long.parseLong(high) >= 48 << 20 && Long.parseLong(high) <= 64 << 20, high);
    assertTrue(
        expect("cat /sys/fs/cgroup/system.slice/orch-tasks-*.scope/t-*/memory.events")
            .lines()
            .anyMatch(line -> line.matches("high [1-9]\\d*")));
    expect("orchctl cancel slow && orchctl wait -q slow || true");
  }

  @Test
  void freezingTheLowestPriorityFirstLowersOomKillsOfABurstyWorkload() throws Exception {
    assumeTrue(Boolean.getBoolean("orch.soak"), "only in a soak: four minutes of bursts");
    Bursts without = bursts("none");
    Bursts with = bursts("freeze");
    double lowered = without.kills == 0 ? 0 : 100.0 * (without.kills - with.kills) / without.kills;
    System.out.printf(
        Locale.ROOT,
        "OOM kills of %d bursty tasks in %d rounds: %d without (%d bursts done), %d with"
            + " memoryPressure (%d bursts done): %.0f %% fewer%n",
        TASKS,
        ROUNDS,
        without.kills,
        without.done,
        with.kills,
        with.done,
        lowered);
    System.out.println(expect("orchctl events --kind task --limit 60 -o wide"));
    assertTrue(without.kills >= 8, "not bursty enough: " + without);
    assertTrue(lowered >= 80, "only " + lowered + " % fewer kills");
    // Who stood still when all begin again misses that round.
    assertTrue(2 * with.done >= without.done, "what was saved cost too much: " + with);
  }

  private record Bursts(long kills, long done) {}

  private static Bursts bursts(String action) throws Exception {
    host.write("/tmp/burst.py", BURST);
    host.write(
        "/tmp/burst.yaml",
        """
        name: burst-%1$s
        type: service
        count: %2$d
        command: [/usr/bin/python3, /tmp/burst.py]
        oomScoreAdj: 500
        resources: {cpu: 10m, memoryPressure: {action: %1$s, signal: CONT}}
        restart: {when: always, backoff: {initial: 500ms, factor: 1, max: 1s}}
        """
            .formatted(action, TASKS));
    expect("echo 0 >/tmp/until; orchctl submit /tmp/burst.yaml && orchctl wait burst-" + action);
    expect("rm -f /tmp/bursts; touch /tmp/bursts; chmod 666 /tmp/bursts");
    long before = kills();
    int seconds = ROUNDS * ROUND_SECONDS;
    expect("echo $(($(date +%s) + " + seconds + ")) >/tmp/soon; mv /tmp/soon /tmp/until");
    // One that is out of memory is slow in whatever is asked of it: it is left alone meanwhile, and
    // the bursts end by themselves.
    Thread.sleep(Duration.ofSeconds(seconds + ROUND_SECONDS));
    long killed = kills() - before;
    long done = Long.parseLong(expect("stat -c %s /tmp/bursts"));
    expect("orchctl cancel burst-%1$s && orchctl wait -q burst-%1$s || true".formatted(action));
    return new Bursts(killed, done);
  }

  private static long kills() throws Exception {
    return Long.parseLong(expect("sed -n 's/^oom_kill //p' /proc/vmstat"));
  }

  private static String expect(String script) throws Exception {
    try {
      return host.expect(script).strip();
    } catch (IOException e) {
      throw new AssertionError(e.getMessage() + "\n" + Services.journal(host), e);
    }
  }
}

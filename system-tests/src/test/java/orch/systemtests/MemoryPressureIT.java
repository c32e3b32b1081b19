package orch.systemtests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
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
@Timeout(400)
class MemoryPressureIT {
  /** So many tasks, of which each holds a burst of memory now and then. */
  private static final int TASKS = 8;

  /** Bursts of them all that are waited for, however slow the host is, but no longer than that. */
  private static final int BURSTS = 40;

  private static final int SECONDS = 100;

  /** All at once, every six seconds: grows by 4 MB at a time to 90 to 150 MB, gives it back. */
  private static final String BURST =
      """
      import os, random, time
      r = random.Random(int(os.environ['ORCH_INDEX']) * 1000 + int(os.environ['ORCH_ATTEMPT']))
      while True:
        time.sleep(6 - time.time() % 6)
        held = []
        for _ in range(r.randint(90, 150) // 4):
          held.append(b'x' * (4 << 20))
          time.sleep(0.02)
        time.sleep(0.5)
        del held
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
    host = opened.add("m1", 1024);
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
  void freezingTheLowestPriorityFirstLowersOomKillsOfABurstyWorkload() throws Exception {
    assumeTrue(Boolean.getBoolean("soak"), "run with -Dsoak=true");
    long without = killsWith("none");
    long with = killsWith("freeze");
    double lowered = without == 0 ? 0 : 100.0 * (without - with) / without;
    System.out.printf(
        Locale.ROOT,
        "OOM kills of %d bursty tasks in %d bursts: %d without, %d with memoryPressure: %.0f %%"
            + " fewer%n",
        TASKS,
        BURSTS,
        without,
        with,
        lowered);
    System.out.println(expect("orchctl events --kind task --limit 40 -o wide"));
    assertTrue(without >= 5, "the workload is not bursty enough: " + without + " kills");
    assertTrue(lowered >= 80, "only " + lowered + " % fewer kills");
  }

  private static long killsWith(String action) throws Exception {
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
    expect("orchctl submit /tmp/burst.yaml && orchctl wait burst-" + action);
    long before = kills();
    host.expect(
        "rm -f /tmp/bursts; touch /tmp/bursts; chmod 666 /tmp/bursts; for n in $(seq "
            + SECONDS
            + "); do [ $(stat -c %s /tmp/bursts) -ge "
            + BURSTS
            + " ] && break; sleep 1; done");
    long after = kills();
    expect("orchctl cancel burst-" + action + " && sleep 3");
    return after - before;
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

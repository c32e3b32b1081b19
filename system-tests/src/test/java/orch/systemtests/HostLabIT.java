package orch.systemtests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import orch.systemtests.host.Host;
import orch.systemtests.host.HostLab;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The laboratory that the tests on real hosts stand on does what it says. */
@Timeout(180)
class HostLabIT {
  /** What a killed test would have left: its owner, an early process, began at another time. */
  private static final String LEFT = "orch-lab-1-999999999999-1";

  private static @Nullable HostLab lab;
  private static Host first;
  private static Host second;

  @BeforeAll
  static void boot() throws Exception {
    String missing = HostLab.missing();
    assumeTrue(missing.isEmpty(), missing);
    Files.createDirectory(Path.of(System.getProperty("java.io.tmpdir"), LEFT));
    HostLab opened = HostLab.open();
    lab = opened;
    first = opened.add("h1", 256);
    second = opened.add("h2", 256);
    opened.bootAll();
  }

  @AfterAll
  static void remove() {
    if (lab != null) {
      lab.close();
    }
  }

  @Test
  void whatAKilledTestLeftIsRemovedByTheNextLab() {
    assertFalse(Files.exists(Path.of(System.getProperty("java.io.tmpdir"), LEFT)));
  }

  @Test
  void hostsHaveSystemdJournaldAndEveryControllerOfTheirOwn() throws Exception {
    assertEquals("systemd\n", first.read("/proc/1/comm"));
    assertEquals("cpu io memory pids\n", first.read("/sys/fs/cgroup/cgroup.controllers"));
    first.expect("logger -t lab a line; journalctl --sync; journalctl -t lab | grep 'a line'");
    assertNotEquals(first.read("/etc/machine-id"), second.read("/etc/machine-id"));
    assertNotEquals(first.bootId(), second.bootId());
  }

  @Test
  void aPulledCableAndASilentOneWayLossCutWhatTheySayAndHeal() throws Exception {
    assertTrue(reaches(first, second));
    second.cutOff();
    assertFalse(reaches(first, second));
    second.heal();
    awaitReach(first, second);
    first.cutOffFrom(second);
    assertFalse(reaches(first, second));
    assertFalse(reaches(second, first));
    first.expect(probe("10.77.0.1"));
    first.healWith(second);
    awaitReach(first, second);
  }

  @Test
  void aSlowLinkIsSlowAndFastAgainAfterwards() throws Exception {
    first.slow(Duration.ofMillis(300));
    long from = System.nanoTime();
    first.expect(probe("h2"));
    assertTrue(System.nanoTime() - from > 300_000_000L);
    first.slow(Duration.ZERO);
    awaitReach(first, second);
  }

  @Test
  void aCrashEndsWhatRanLosesWhatWasNotSyncedAndTheDiskIsThereAfterTheReboot() throws Exception {
    String machine = second.read("/etc/machine-id");
    String boot = second.bootId();
    second.expect("echo kept >/var/lib/kept; sync; echo lost >/var/lib/lost");
    Path escaped = Path.of("/tmp", "orch-escaped-" + ProcessHandle.current().pid());
    // On the host it is there already; a program that ran on as one of this machine makes it here.
    second.expect(
        """
        mkdir %1$s
        for n in 1 2 3 4 5 6; do
          python3 -c 'import os
        while True:
          try: os.mkdir("%1$s")
          except FileExistsError: pass' >/dev/null 2>&1 &
        done
        sleep 1
        """
            .formatted(escaped));
    try {
      second.crashAndReboot();
      assertFalse(Files.exists(escaped), "what ran on the host ran on as this machine's");
    } finally {
      Files.deleteIfExists(escaped);
    }
    assertEquals("kept\n", second.read("/var/lib/kept"));
    assertNotEquals(0, second.run("grep lost /var/lib/lost").code());
    assertEquals(machine, second.read("/etc/machine-id"));
    assertNotEquals(boot, second.bootId());
    awaitReach(first, second);
  }

  @Test
  void aFrozenHostSaysNothingUntilItIsThawed() throws Exception {
    first.freeze();
    Host.Running script = first.start("echo awake");
    Thread.sleep(500);
    assertFalse(script.code().isDone());
    first.thaw();
    assertEquals("awake\n", first.finish(script, Duration.ofSeconds(20)).text());
  }

  private static boolean reaches(Host from, Host to) throws Exception {
    return from.run(probe(to.address())).code() == 0;
  }

  private static void awaitReach(Host from, Host to) throws Exception {
    from.await(Duration.ofSeconds(20), probe(to.address()));
  }

  /** A TCP connection to a port that nobody listens on is refused at once, if packets get there. */
  private static String probe(String address) {
    return "timeout 2 bash -c 'exec 9<>/dev/tcp/" + address + "/9' 2>&1 | grep -q refused";
  }
}

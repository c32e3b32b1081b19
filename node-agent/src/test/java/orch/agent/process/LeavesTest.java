package orch.agent.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Objects;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import orch.agent.cgroup.CgroupRoot;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Real cgroups; time passes when the test says so. */
@Timeout(60)
class LeavesTest {
  private final ArrayDeque<Runnable> later = new ArrayDeque<>();
  private final Leaves leaves =
      new Leaves((_, action) -> {
        later.add(action);
        return () -> {};
      });
  private Path subtree;

  @BeforeEach
  void makeSubtree() throws Exception {
    CgroupRoot root =
        CgroupRoot.prepare(
            Path.of("/proc/self/mounts"), "orch-leaves-" + ProcessHandle.current().pid());
    Assumptions.assumeTrue(root.directory() != null, "no cgroups that this user may make");
    subtree = Objects.requireNonNull(root.directory());
  }

  @AfterEach
  void removeSubtree() throws Exception {
    if (subtree != null) {
      assertTrue(CgroupRoot.removeAll(subtree));
    }
  }

  private Path leaf(String name) throws Exception {
    return Files.createDirectory(subtree.resolve(name));
  }

  @Test
  void leavesOfNoLivingAttemptGoAndTheOthersStay() throws Exception {
    Path living = leaf("t-living");
    Path stray = leaf("t-stray");
    Path guards = leaf("ctl-1");
    leaves.begin(subtree.toString(), new TreeSet<>(List.of("t-living")));
    assertTrue(Files.exists(living));
    assertTrue(Files.exists(guards));
    assertFalse(Files.exists(stray));
    assertEquals(0, later.size());
  }

  @Test
  void leafOfAnAttemptThatEndsLaterGoesThen() throws Exception {
    Path orphan = leaf("t-orphan");
    leaves.begin(subtree.toString(), new TreeSet<>(List.of("t-orphan")));
    leaves.ended("t-other");
    assertTrue(Files.exists(orphan));
    leaves.ended("t-orphan");
    assertFalse(Files.exists(orphan));
  }

  @Test
  void leafWhoseProcessesAreStillDyingIsTriedAgainUntilItIsGone() throws Exception {
    Path stray = leaf("t-stray");
    Path inside = Files.createDirectory(stray.resolve("x-1"));
    Process sleeper = new ProcessBuilder("sleep", "60").start();
    try {
      Files.writeString(inside.resolve("cgroup.procs"), Long.toString(sleeper.pid()));
      leaves.begin(subtree.toString(), new TreeSet<>());
      int tries = 0;
      while (Files.exists(stray)) {
        Objects.requireNonNull(later.poll(), "it was given up").run();
        assertTrue(sleeper.waitFor(10, TimeUnit.SECONDS));
        assertTrue(++tries < 1_000);
      }
      assertEquals(0, later.size());
    } finally {
      sleeper.destroyForcibly();
    }
  }
}

package orch.agent.cgroup;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CgroupRootTest {
  private static final Path MOUNTS = Path.of("/proc/self/mounts");

  @TempDir private Path directory;

  @Test
  void theV2MountIsFoundWhereverItIs() {
    assertEquals(
        Path.of("/sys/fs/cgroup/unified"),
        CgroupRoot.mountOf(
            List.of(
                "cgroup /sys/fs/cgroup/cpu cgroup rw 0 0",
                "cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0")));
    assertNull(CgroupRoot.mountOf(List.of("proc /proc proc rw 0 0")));
  }

  @Test
  void aHostWithoutV2SaysWhatItCannotEnforce() throws IOException {
    Path mounts = Files.writeString(directory.resolve("mounts"), "proc /proc proc rw 0 0\n");
    CgroupRoot root = CgroupRoot.prepare(mounts, "orch-test");
    assertNull(root.directory());
    assertEquals(List.of("memory", "cpu", "pids", "io", "cpuset"), root.missing());
    assertFalse(root.note().isEmpty());
  }

  @Test
  void theSubtreeIsMadeAndRemovedWithEverythingThatRunsInIt() throws Exception {
    Path mount = CgroupRoot.mountOf(Files.readAllLines(MOUNTS, StandardCharsets.UTF_8));
    Assumptions.assumeTrue(
        mount != null && Files.isWritable(mount), "no cgroup v2 mount that this user may write");
    CgroupRoot root = CgroupRoot.prepare(MOUNTS, "orch-unit-" + ProcessHandle.current().pid());
    Path subtree = Objects.requireNonNull(root.directory());
    Path leaf = Files.createDirectory(subtree.resolve("t-1"));
    Process sleeper = new ProcessBuilder("sleep", "60").start();
    try {
      Files.writeString(leaf.resolve("cgroup.procs"), Long.toString(sleeper.pid()));
      assertTrue(CgroupRoot.removeAll(subtree));
      assertFalse(Files.exists(subtree));
      assertTrue(sleeper.waitFor(30, TimeUnit.SECONDS));
      assertNotNull(root.missing());
    } finally {
      sleeper.destroyForcibly();
    }
  }
}

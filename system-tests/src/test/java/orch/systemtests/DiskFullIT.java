package orch.systemtests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The disk of the agent's data is full: of the output something is lost, of the exits nothing. */
@Timeout(120)
final class DiskFullIT {
  @Test
  void withAFullDiskNoTaskBlocksNoExitIsLostAndLostOutputIsCounted() throws Exception {
    assumeTrue(System.getProperty("user.name").equals("root"), "needs root to mount a small disk");
    Path directory = Files.createTempDirectory("orch-system-test-");
    Path disk = Files.createTempDirectory("orch-small-disk-");
    Files.createSymbolicLink(directory.resolve("agent"), disk);
    // Two journal segments of 16 MiB, and some for the rest.
    FaultCases.expectRun("mount", "-t", "tmpfs", "-o", "size=44m", "orch", disk.toString());
    try (Cluster cluster = Cluster.startIn(directory)) {
      FaultCases.expectRun("sh", "-c", "dd if=/dev/zero of=" + disk + "/filler bs=64k 2>&1 || :");
      CommandResult flood =
          cluster.orchctl("run", "--name", "flood", "--", "sh", "-c", "seq 1 200000; exit 3");
      assertEquals(3, flood.code(), flood.errors() + cluster.daemonOutput());
      for (int code = 0; code < 20; code++) {
        assertEquals(code, cluster.orchctl("run", "--", "sh", "-c", "exit " + code).code());
      }
      String task = cluster.expectSuccess("task", "show", "flood", "-o", "json").text();
      long lost = number(task, "logLostBytes");
      assertEquals(1_288_895, number(task, "logBytes"), task);
      assertTrue(lost > 0, task);
      Files.delete(disk.resolve("filler"));
      CommandResult after = cluster.orchctl("run", "--", "sh", "-c", "echo room again; exit 4");
      assertEquals(4, after.code(), after.toString());
      assertEquals(List.of("room again"), after.lines());
    } finally {
      FaultCases.expectRun("umount", disk.toString());
      Files.deleteIfExists(disk);
    }
  }

  private static long number(String json, String key) {
    String value = json.replaceAll("(?s).*\"" + key + "\": *\"?([0-9]+).*", "$1");
    return value.equals(json) ? 0 : Long.parseLong(value);
  }
}

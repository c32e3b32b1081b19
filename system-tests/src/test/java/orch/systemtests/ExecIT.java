package orch.systemtests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Looking into running tasks, running commands in them, and typing into them, as users do. */
@Timeout(180)
class ExecIT {
  private static Cluster cluster;
  private static String task;

  @BeforeAll
  static void start() throws Exception {
    cluster = Cluster.start();
    task = cluster.expectSuccess("run", "-d", "--", "sleep", "600").text().strip();
    while (cluster.orchctl("exec", task, "--", "true").code() != 0) {
      Thread.sleep(100);
    }
  }

  @AfterAll
  static void stop() throws Exception {
    cluster.close();
  }

  @Test
  void streamsAndExitCodeOfACommandAreItsOwn() throws Exception {
    CommandResult result =
        cluster.orchctl("exec", task, "--", "sh", "-c", "echo out; echo err >&2; exit 3");
    assertEquals(3, result.code(), result.toString());
    assertEquals("out\n", result.text());
    assertEquals("err\n", result.errors());
    assertEquals(143, cluster.orchctl("exec", task, "--", "sh", "-c", "kill $$").code());
  }

  @Test
  void whatCannotBeExecutedHasTheCodesOfEnv() throws Exception {
    CommandResult missing = cluster.orchctl("exec", task, "--", "/no/such");
    assertEquals(127, missing.code(), missing.toString());
    assertTrue(missing.errors().contains("No such file"), missing.errors());
    assertEquals(126, cluster.orchctl("exec", task, "--", "/etc/hostname").code());
    assertEquals(125, cluster.orchctl("exec", "nosuch/0", "--", "true").code());
  }

  @Test
  void megabytesGoThroughACommandByteForByte() throws Exception {
    byte[] bytes = random(2_000_000);
    CommandResult result = cluster.orchctlWithInput(bytes, "exec", "-i", task, "--", "cat");
    assertEquals(0, result.code(), result.errors());
    assertArrayEquals(bytes, result.out());
  }

  @Test
  void inputOfRunIsExactToItsEnd() throws Exception {
    byte[] bytes = random(2_000_003);
    CommandResult result = cluster.orchctlWithInput(bytes, "run", "-i", "--", "wc", "-c");
    assertEquals(0, result.code(), result.errors());
    assertEquals("2000003", result.text().strip());
    CommandResult read =
        cluster.orchctlWithInput(
            "word\n".getBytes(StandardCharsets.UTF_8),
            "run",
            "-i",
            "--",
            "sh",
            "-c",
            "read x; echo got $x; exit 4");
    assertEquals(4, read.code(), read.toString());
    assertEquals("got word\n", read.text());
  }

  @Test
  void treeShowsTheTaskAndStatsWhatItUses() throws Exception {
    CommandResult tree = cluster.expectSuccess("task", "tree", task);
    assertTrue(tree.text().contains("sleep 600"), tree.text());
    CommandResult stats = cluster.expectSuccess("task", "stats", task + "/0");
    assertTrue(stats.text().contains("processes"), stats.text());
  }

  @Test
  void commandOfACallerThatWasKilledEndsAndTheTaskDoesNot() throws Exception {
    Path file = cluster.directory().resolve("pid");
    ProcessBuilder command =
        new ProcessBuilder(
            cluster.orchctlCommand(
                "exec", task, "--", "sh", "-c", "echo $$ >" + file + "; exec sleep 601"));
    command.environment().putAll(cluster.environment());
    Process caller =
        command
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .directory(cluster.directory().toFile())
            .start();
    while (!Files.exists(file) || Files.readString(file).isBlank()) {
      assertTrue(caller.isAlive(), "exec ended early");
      Thread.sleep(50);
    }
    long pid = Long.parseLong(Files.readString(file).strip());
    caller.descendants().forEach(ProcessHandle::destroyForcibly);
    caller.destroyForcibly();
    while (ProcessHandle.of(pid).isPresent()) {
      Thread.sleep(50);
    }
    cluster.expectSuccess("exec", task, "--", "true");
  }

  @Test
  void terminalHasTheSizeOfTheCallers() throws Exception {
    Path script = Path.of("/usr/bin/script");
    Assumptions.assumeTrue(Files.isExecutable(script), "needs script of util-linux");
    String command =
        "stty rows 31 cols 91; "
            + String.join(" ", cluster.orchctlCommand("exec", "-it", task, "--"))
            + " sh -c 'stty size; exit 6'";
    CommandResult result =
        Shell.run(
            List.of(script.toString(), "-qec", command, "/dev/null"),
            cluster.environment(),
            cluster.directory(),
            new byte[0]);
    assertEquals(6, result.code(), result.toString());
    assertTrue(result.text().contains("31 91"), result.text());
  }

  private static byte[] random(int length) {
    byte[] bytes = new byte[length];
    long seed = System.nanoTime();
    System.out.println("seed " + seed);
    new Random(seed).nextBytes(bytes);
    return bytes;
  }
}

package orch.systemtests;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** {@code orchctl run} is as good as running the command here. */
@Timeout(180)
class RunIT {
  private static Cluster cluster;

  @BeforeAll
  static void start() throws Exception {
    cluster = Cluster.start();
  }

  @AfterAll
  static void stop() throws Exception {
    cluster.close();
  }

  @Test
  void exitCodeOfTheCommandIsPassedOn() throws Exception {
    assertEquals(42, cluster.orchctl("run", "--", "sh", "-c", "exit 42").code());
    assertEquals(0, cluster.orchctl("run", "--", "true").code());
    assertEquals(143, cluster.orchctl("run", "--", "sh", "-c", "kill -TERM $$").code());
    assertEquals(137, cluster.orchctl("run", "--", "sh", "-c", "kill -KILL $$").code());
    assertEquals(137, cluster.orchctl("run", "--", "sh", "-c", "exit 137").code());
  }

  @Test
  void commandThatDoesNotExistSaysSoWithStageAndErrno() throws Exception {
    CommandResult result = cluster.orchctl("run", "--", "/no/such/program");
    assertEquals(127, result.code(), result.toString());
    assertTrue(result.errors().contains("exec /no/such/program"), result.errors());
    assertTrue(result.errors().contains("No such file or directory"), result.errors());
  }

  @Test
  void fileThatIsNoProgramGives126() throws Exception {
    Path plain = cluster.directory().resolve("plain");
    Files.writeString(plain, "no program");
    CommandResult result = cluster.orchctl("run", "--", plain.toString());
    assertEquals(126, result.code(), result.toString());
    assertTrue(result.errors().contains("Permission denied (EACCES)"), result.errors());
  }

  @Test
  void shellsOwnExpansionsPassThrough() throws Exception {
    assertEquals("a\n", out("sh", "-c", "f=a.gz; echo ${f%.gz}"));
  }

  @Test
  void tenThousandLinesOnEachStreamArriveCompleteAndInOrder() throws Exception {
    CommandResult result =
        cluster.orchctl(
            "run",
            "--",
            "sh",
            "-c",
            "i=0; while [ $i -lt 10000 ]; do echo out $i; echo err $i >&2; i=$((i+1)); done");
    assertEquals(0, result.code(), result.errors());
    assertEquals(lines("out"), result.lines());
    assertEquals(lines("err"), result.errors().lines().toList());
  }

  @Test
  void threeMegabytesOfRandomBytesArriveByteForByte() throws Exception {
    byte[] bytes = new byte[3_000_000];
    long seed = System.nanoTime();
    new Random(seed).nextBytes(bytes);
    Path file = cluster.directory().resolve("random");
    Files.write(file, bytes);
    CommandResult result = cluster.orchctl("run", "--", "cat", file.toString());
    assertEquals(0, result.code(), result.errors());
    assertArrayEquals(bytes, result.out(), "seed " + seed);
  }

  @Test
  void outputWithoutANewlineAtTheEndGetsNone() throws Exception {
    assertEquals("no newline", out("printf", "no newline"));
    assertEquals("", out("true"));
  }

  @Test
  void commandRunsInTheCallersDirectoryWithTheExportedEnvironmentOnly() throws Exception {
    assertEquals(cluster.directory().toRealPath() + "\n", out("pwd"));
    List<String> arguments =
        cluster.orchctlCommand(
            "run", "-e", "GIVEN=1", "--export", "EXPORTED", "--", "sh", "-c", "env | sort");
    HashMap<String, String> environment = new HashMap<>(cluster.environment());
    environment.put("SECRET", "do not leak");
    environment.put("EXPORTED", "yes");
    CommandResult result = Shell.run(arguments, environment, cluster.directory(), new byte[0]);
    assertTrue(result.text().contains("GIVEN=1\n"), result.text());
    assertTrue(result.text().contains("EXPORTED=yes\n"), result.text());
    assertTrue(!result.text().contains("SECRET"), result.text());
    assertTrue(result.text().contains("ORCH_NAMESPACE=default\n"), result.text());
    assertTrue(result.text().contains("TRACEPARENT=00-"), result.text());
  }

  @Test
  void detachedRunPrintsTheNumberAndNothingElse() throws Exception {
    CommandResult result = cluster.expectSuccess("run", "-d", "--", "sh", "-c", "exit 3");
    assertTrue(result.text().matches("\\d+\n"), result.text());
    assertEquals(3, cluster.orchctl("wait", result.text().strip()).code());
  }

  @Test
  void eachLineOfAFileIsATask() throws Exception {
    Path lines = cluster.directory().resolve("lines");
    Files.writeString(lines, "alpha\nbeta gamma\ndelta\n");
    CommandResult result =
        cluster.expectSuccess(
            "run", "--each-line", lines.toString(), "-j", "2", "--", "echo", "<{}>");
    assertEquals(
        List.of("<alpha>", "<beta gamma>", "<delta>"), result.lines().stream().sorted().toList());
  }

  @Test
  void ofAnArrayTheHighestExitCodeCounts() throws Exception {
    CommandResult result =
        cluster.orchctl("run", "--array", "0-9:3", "--", "sh", "-c", "exit $ORCH_INDEX");
    assertEquals(9, result.code(), result.toString());
  }

  @Test
  void timeoutEndsTheCommandWith124() throws Exception {
    assertEquals(124, cluster.orchctl("run", "--timeout", "300ms", "--", "sleep", "60").code());
  }

  @Test
  void retriesRunTheCommandAgain() throws Exception {
    CommandResult result =
        cluster.orchctl(
            "run", "--retries", "2", "--", "sh", "-c", "echo $ORCH_ATTEMPT; [ $ORCH_ATTEMPT = 3 ]");
    assertEquals(0, result.code(), result.toString());
    assertEquals("1\n2\n3\n", result.text());
  }

  @Test
  void interruptOffATerminalCancelsTheJob() throws Exception {
    ProcessBuilder builder =
        new ProcessBuilder(
            cluster.orchctlCommand(
                "run", "--name", "interrupted", "--", "sh", "-c", "echo up; sleep 99"));
    builder.environment().putAll(cluster.environment());
    Process running = builder.start();
    ByteArrayOutputStream seen = new ByteArrayOutputStream();
    while (!seen.toString(StandardCharsets.UTF_8).contains("up\n")) {
      int next = running.getInputStream().read();
      assertTrue(next >= 0, "the command ended early");
      seen.write(next);
    }
    running.destroy();
    assertEquals(143, running.waitFor());
    CommandResult job = cluster.expectSuccess("job", "show", "interrupted", "-o", "json");
    assertTrue(job.text().contains("JOB_STATE_CANCELLED"), job.text());
  }

  @Test
  void unreachableControllerGives5And125ForRun() throws Exception {
    CommandResult list = cluster.orchctl("--address", "http://localhost:1", "job", "list");
    assertEquals(5, list.code(), list.toString());
    assertTrue(list.errors().contains("localhost:1"), list.errors());
    assertEquals(
        125, cluster.orchctl("--address", "http://localhost:1", "run", "--", "true").code());
  }

  private static String out(String... command) throws Exception {
    List<String> arguments = new ArrayList<>(List.of("run", "--"));
    arguments.addAll(List.of(command));
    return cluster.expectSuccess(arguments.toArray(String[]::new)).text();
  }

  private static List<String> lines(String word) {
    return IntStream.range(0, 10_000).mapToObj(i -> word + " " + i).toList();
  }
}

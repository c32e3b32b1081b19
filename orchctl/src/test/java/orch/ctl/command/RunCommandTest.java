package orch.ctl.command;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import orch.ctl.http.ManualPause;
import orch.ctl.json.Json;
import orch.ctl.json.JsonObject;
import orch.ctl.output.Terminal;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
final class RunCommandTest {
  private static final String SUBMIT = "JobService/SubmitJob";
  private static final String GET = "JobService/GetJob";
  private static final String LOGS = "TaskService/StreamLogs";
  private static final String CANCEL = "JobService/CancelJob";

  private final Fixture fixture;

  RunCommandTest() throws IOException {
    fixture = new Fixture();
  }

  @BeforeEach
  void controllerRunsWhatIsSubmitted() {
    fixture.reply(SUBMIT, Answers.submitted()).stream(LOGS, Answers.log(0, "STDOUT", "hi\n", ""))
        .reply(GET, Answers.job("SUCCEEDED", ",\"exitCode\":0"))
        .reply("TaskService/ListTasks", "{}");
  }

  @AfterEach
  void close() throws IOException {
    fixture.close();
  }

  @Test
  void outputIsShownAndTheCodeOfTheCommandIsTheExitCode() {
    fixture.reply(GET, Answers.job("FAILED", ",\"exitCode\":42,\"reason\":\"exited with 42\""));
    assertEquals(42, fixture.orchctl("run", "--", "sh", "-c", "exit 42"));
    assertEquals("hi\n", fixture.out());
    assertEquals("", fixture.err());
  }

  @Test
  void oneConnectionAndThreeRequestsAreEnough() {
    assertEquals(0, fixture.orchctl("run", "--", "true"));
    assertEquals(
        List.of(SUBMIT, LOGS, GET),
        fixture.server.requests().stream().map(request -> request.method()).toList());
    assertEquals(1, fixture.server.connections());
    assertEquals("namespaces/default/jobs/42", fixture.sent(LOGS).text("name"));
    assertTrue(fixture.sent(LOGS).flag("follow"));
  }

  @Test
  void bytesPassAsTheyAreEachToItsStream() {
    StringBuilder all = new StringBuilder();
    for (char c = 0; c < 256; c++) {
      all.append(c);
    }
    fixture.stream(
        LOGS,
        Answers.log(0, "STDOUT", all.toString(), ",\"partial\":true"),
        Answers.log(0, "STDERR", "no newline", ""),
        Answers.log(0, "STDOUT", all.toString(), ""));
    assertEquals(0, fixture.orchctl("run", "--", "x"));
    byte[] expected = all.append(all).toString().getBytes(StandardCharsets.ISO_8859_1);
    assertArrayEquals(expected, fixture.out.toByteArray());
    assertEquals("no newline", fixture.err());
  }

  @Test
  void specIsWhatTheCommandLineSays() {
    fixture.environment.put("SECRET", "s");
    int code =
        fixture.orchctl(
            "-n",
            "team",
            "run",
            "--name",
            "train",
            "--cpu",
            "500m",
            "--memory",
            "256Mi",
            "--count",
            "3",
            "-j",
            "2",
            "-e",
            "K=a=b",
            "-eL=1",
            "--label",
            "x=y",
            "--constraint",
            "rack in (a,b)",
            "--timeout=10m",
            "--retries",
            "2",
            "-d",
            "--",
            "sh",
            "-c",
            "exit 1",
            "--",
            "-x",
            "");
    assertEquals(0, code, fixture.err());
    assertEquals("42\n", fixture.out());
    JsonObject request = fixture.sent(SUBMIT);
    assertEquals("namespaces/team", request.text("parent"));
    assertTrue(
        request.text("requestId").matches("[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f-]+"));
    assertEquals(
        "{\"name\":\"train\",\"labels\":{\"x\":\"y\"},\"count\":3,\"parallelism\":2,"
            + "\"command\":[\"sh\",\"-c\",\"exit 1\",\"--\",\"-x\",\"\"],"
            + "\"env\":{\"K\":\"a=b\",\"L\":\"1\",\"PATH\":\"/bin\"},\"user\":\"ann\","
            + "\"workingDirectory\":\"/home/ann/my $${work.dir}\","
            + "\"resources\":{\"cpuMillis\":\"500\",\"memoryBytes\":\"268435456\"},"
            + "\"placement\":{\"constraints\":[\"rack in (a,b)\"]},\"timeout\":\"600s\","
            + "\"restart\":{\"when\":\"RESTART_WHEN_ON_FAILURE\",\"maxRetries\":2}}",
        Json.compact(request.object("spec")));
  }

  @Test
  void commandMayStandWithoutDashesAndKeepsItsOwnOptions() {
    assertEquals(0, fixture.orchctl("run", "-d", "echo", "-n", "--name", "x", "--", "y"));
    assertEquals(
        List.of("echo", "-n", "--name", "x", "--", "y"),
        fixture.sent(SUBMIT).object("spec").texts("command"));
  }

  @Test
  void fileNamesAndQuotesOfTheCommandAreLeftAlone() {
    assertEquals(
        0, fixture.orchctl("run", "-d", "--", "echo", "@file", "\"q\"", "${f%.gz}", "a,b"));
    assertEquals(
        List.of("echo", "@file", "\"q\"", "${f%.gz}", "a,b"),
        fixture.sent(SUBMIT).object("spec").texts("command"));
  }

  @Test
  void eachLineIsAnItemThatTheBracesStandFor(@TempDir Path directory) throws IOException {
    Path file = Files.writeString(directory.resolve("lines"), "alpha\n\nbeta gamma\nlast");
    assertEquals(
        0, fixture.orchctl("run", "-d", "--each-line", file.toString(), "--", "echo", "<{}>"));
    JsonObject spec = fixture.sent(SUBMIT).object("spec");
    assertEquals(List.of("alpha", "beta gamma", "last"), spec.texts("items"));
    assertEquals(List.of("echo", "<${task.item}>"), spec.texts("command"));
  }

  @Test
  void itemIsTheLastArgumentWhereTheCommandDoesNotNameIt() {
    fixture.types("a\nb\n");
    assertEquals(0, fixture.orchctl("run", "-d", "--each-line", "-", "--", "gzip"));
    JsonObject spec = fixture.sent(SUBMIT).object("spec");
    assertEquals(List.of("gzip", "${task.item}"), spec.texts("command"));
    assertEquals(List.of("a", "b"), spec.texts("items"));
  }

  @Test
  void arrayHasItsIndexesAndItsParallelism() {
    assertEquals(0, fixture.orchctl("run", "-d", "--array", "0-9:2%4", "--", "x"));
    JsonObject spec = fixture.sent(SUBMIT).object("spec");
    assertEquals(4, spec.number("parallelism"));
    assertEquals(9, spec.objects("array").get(0).number("last"));
  }

  @Test
  void relativeDirectoryIsBelowTheCallers() {
    assertEquals(0, fixture.orchctl("run", "-d", "--cwd", "sub", "--", "x"));
    assertEquals(
        "/home/ann/my $${work.dir}/sub",
        fixture.sent(SUBMIT).object("spec").text("workingDirectory"));
  }

  @Test
  void ownFailuresOfOrchAre125() throws IOException {
    assertEquals(125, fixture.orchctl("run"));
    assertEquals(125, fixture.orchctl("run", "--bogus", "--", "x"));
    assertEquals(125, fixture.orchctl("run", "--cpu", "lots", "--", "x"));
    assertEquals(125, fixture.orchctl("run", "--count", "2", "--array", "1", "--", "x"));
    assertEquals(125, fixture.orchctl("run", "--each-line", "/no/such/file", "--", "x"));
    assertEquals(125, fixture.orchctl("--address", "localhost:1", "run", "--", "x"));
    fixture.refuse(SUBMIT, 400, "invalid_argument", "the user root is not allowed");
    assertEquals(125, fixture.orchctl("run", "--", "x"));
    assertTrue(fixture.err().endsWith("orchctl: the user root is not allowed\n"), fixture.err());
    assertTrue(fixture.server.messages(LOGS).isEmpty());
  }

  @Test
  void whatBefellTheCommandIsSaid() {
    fixture.reply(GET, Answers.job("FAILED", ",\"exitCode\":127,\"reason\":\"task 0 failed\""));
    fixture.reply(
        "TaskService/ListTasks",
        "{\"tasks\":[{\"task\":\"web/0\",\"attempt\":{\"result\":{\"startFailure\":{\"message\":"
            + "\"exec /no/such: No such file or directory\"}}}}]}");
    assertEquals(127, fixture.orchctl("run", "--", "/no/such"));
    assertEquals(
        "orchctl: job 42 (web) failed: task 0 failed: exec /no/such: No such file or directory\n",
        fixture.err());
  }

  @Test
  void outputGoesOnWhereItBrokeWithoutLossOrRepetition() {
    AtomicInteger calls = new AtomicInteger();
    fixture.on(
        LOGS,
        (request, answer) -> {
          int call = calls.getAndIncrement();
          if (call == 1) {
            answer.json(503, Fixture.error("unavailable", "no leader yet"));
            return;
          }
          answer.message(Answers.log(0, "STDOUT", "one\n", ""));
          answer.message(Answers.log(0, "STDERR", "err\n", ""));
          answer.message(Answers.log(0, "STDOUT", call == 0 ? "tw" : "two\nthr", ""));
          if (call < 3) {
            answer.cut();
            return;
          }
          answer.message(Answers.log(0, "STDOUT", "ee\n", ""));
          answer.end("{}");
        });
    assertEquals(0, fixture.orchctl("run", "--", "x"));
    assertEquals("one\ntwo\nthree\n", fixture.out());
    assertEquals("err\n", fixture.err());
    assertEquals(4, calls.get());
  }

  @Test
  void outputThatEndsBeforeTheJobIsReadOn() {
    AtomicInteger gets = new AtomicInteger();
    fixture.on(
        GET,
        (request, answer) ->
            answer.json(
                200, Answers.job(gets.getAndIncrement() == 0 ? "RUNNING" : "SUCCEEDED", "")));
    assertEquals(0, fixture.orchctl("run", "--", "x"));
    assertEquals("hi\n", fixture.out());
    assertEquals(2, fixture.server.messages(LOGS).size());
  }

  @Test
  void lostControllerIsNotedOnceAndAfterMinutesGivenUp() {
    fixture.on(LOGS, (request, answer) -> answer.cut());
    assertEquals(125, fixture.orchctl("run", "--", "x"));
    List<String> lines = fixture.err().lines().toList();
    assertEquals(3, lines.size(), fixture.err());
    assertTrue(lines.get(0).contains("lost the connection"), lines.get(0));
    assertTrue(lines.get(1).contains("orchctl logs -f 42"), lines.get(1));
  }

  @Test
  void droppedBytesAreToldAndCountedWhenTheStreamBeginsAnew() {
    AtomicInteger calls = new AtomicInteger();
    fixture.on(
        LOGS,
        (request, answer) -> {
          answer.message(Answers.log(0, "STDOUT", "abc", ",\"lostBytes\":\"10\""));
          if (calls.getAndIncrement() == 0) {
            answer.cut();
            return;
          }
          answer.message(Answers.log(0, "STDOUT", "def", ""));
          answer.end("{}");
        });
    assertEquals(0, fixture.orchctl("run", "--", "x"));
    assertEquals("abcdef", fixture.out());
    assertEquals(1, fixture.err().lines().filter(line -> line.contains("10 B")).count());
  }

  @Test
  void linesOfSeveralTasksAreToldApartOnATerminal() {
    fixture.terminal = new Terminal(false, true, false, false);
    fixture.stream(
        LOGS,
        Answers.log(0, "STDOUT", "a\nb", ""),
        Answers.log(1, "STDOUT", "c\n", ""),
        Answers.log(0, "STDOUT", "B\n", ""));
    assertEquals(0, fixture.orchctl("run", "--count", "2", "--", "x"));
    assertEquals("web/0| a\nweb/0| b\nweb/1| c\nweb/0| B\n", fixture.out());
  }

  @Test
  void endOfThisProcessCancelsTheJobAndTheCodeIsTheJobs() throws Exception {
    CountDownLatch cancelled = new CountDownLatch(1);
    fixture.on(
        CANCEL,
        (request, answer) -> {
          answer.json(200, Answers.job("RUNNING", ",\"cancelRequested\":true"));
          cancelled.countDown();
        });
    fixture.on(
        LOGS,
        (request, answer) -> {
          answer.message(Answers.log(0, "STDOUT", "up\n", ""));
          await(cancelled);
          answer.end("{}");
        });
    fixture.reply(GET, Answers.job("CANCELLED", ",\"exitCode\":143"));
    CompletableFuture<Integer> code =
        CompletableFuture.supplyAsync(() -> fixture.orchctl("run", "--", "sleep", "60"));
    Signals.Handler handler = fixture.signals.handler();
    Thread signal = Thread.ofVirtual().start(handler::terminated);
    assertEquals(143, code.get(10, TimeUnit.SECONDS));
    assertEquals("namespaces/default/jobs/42", fixture.sent(CANCEL).text("name"));
    assertTrue(signal.isAlive(), "the process may end only with the job's code");
    assertTrue(fixture.signals.halts.isEmpty());
    signal.interrupt();
  }

  @Test
  void jobThatIsCancelledBeforeItRanGives130() throws Exception {
    CountDownLatch cancelled = new CountDownLatch(1);
    fixture.on(
        CANCEL,
        (request, answer) -> {
          answer.json(200, Answers.job("CANCELLED", ""));
          cancelled.countDown();
        });
    fixture.on(
        LOGS,
        (request, answer) -> {
          await(cancelled);
          answer.end("{}");
        });
    fixture.reply(GET, Answers.job("CANCELLED", ""));
    CompletableFuture<Integer> code =
        CompletableFuture.supplyAsync(() -> fixture.orchctl("run", "--", "sleep", "60"));
    Thread signal = Thread.ofVirtual().start(fixture.signals.handler()::terminated);
    assertEquals(130, code.get(10, TimeUnit.SECONDS));
    signal.interrupt();
  }

  @Test
  void interruptOnATerminalAsksOnceAndAYesCancels() throws Exception {
    fixture.types("y\n");
    CompletableFuture<Integer> code = runOnTerminal();
    fixture.signals.handler().interrupted();
    assertEquals(143, code.get(10, TimeUnit.SECONDS));
    assertTrue(fixture.err().contains("cancel job 42? [y/N]"), fixture.err());
    assertEquals(1, fixture.server.messages(CANCEL).size());
  }

  @Test
  void secondInterruptIsAYes() throws Exception {
    try (PipedOutputStream nobodyTypes = new PipedOutputStream()) {
      fixture.input = new PipedInputStream(nobodyTypes);
      CompletableFuture<Integer> code = runOnTerminal();
      Signals.Handler handler = fixture.signals.handler();
      handler.interrupted();
      handler.interrupted();
      assertEquals(143, code.get(10, TimeUnit.SECONDS));
      assertEquals(1, fixture.server.messages(CANCEL).size());
    }
  }

  @Test
  void afterANoTheJobGoesOn() throws Exception {
    fixture.types("n\n");
    CountDownLatch end = new CountDownLatch(1);
    CountDownLatch begun = new CountDownLatch(1);
    fixture.on(
        LOGS,
        (request, answer) -> {
          begun.countDown();
          await(end);
          answer.end("{}");
        });
    fixture.terminal = new Terminal(true, false, true, false);
    CompletableFuture<Integer> code =
        CompletableFuture.supplyAsync(() -> fixture.orchctl("run", "--", "sleep", "60"));
    await(begun);
    fixture.signals.handler().interrupted();
    while (!fixture.err().contains("job 42 goes on")) {
      Thread.onSpinWait();
    }
    end.countDown();
    assertEquals(0, code.get(10, TimeUnit.SECONDS));
    assertTrue(fixture.server.messages(CANCEL).isEmpty());
  }

  @Test
  void whatTheJobWaitsForIsSaidOnATerminalUntilItHasOutput() {
    fixture.terminal = new Terminal(false, false, true, false);
    runWaitingFor("12 nodes: memory", "12 nodes: memory");
    String shown = "\r\033[Korchctl: job 42 waits: 12 nodes: memory";
    assertTrue(fixture.err().startsWith(shown), fixture.err());
    assertTrue(fixture.err().endsWith("\r\033[K"), fixture.err());
  }

  @Test
  void offATerminalEachReasonIsALineOfItsOwn() {
    runWaitingFor("12 nodes: memory", "12 nodes: memory", "11 nodes: memory", "11 nodes: memory");
    assertEquals(
        """
        orchctl: job 42 waits: 12 nodes: memory
        orchctl: job 42 waits: 11 nodes: memory
        """,
        fixture.err());
  }

  /** Runs a job that waits for these one after another, and has no output. */
  private void runWaitingFor(String... reasons) {
    fixture.notices = new ManualPause();
    AtomicInteger asked = new AtomicInteger();
    CountDownLatch told = new CountDownLatch(1);
    fixture.on(
        GET,
        (request, answer) ->
            answer.json(200, Answers.job(told.getCount() > 0 ? "QUEUED" : "SUCCEEDED", "")));
    fixture.on(
        "JobService/ExplainJob",
        (request, answer) -> {
          int at = asked.getAndIncrement();
          answer.json(200, "{\"summary\":\"" + reasons[Math.min(at, reasons.length - 1)] + "\"}");
          // By then the one before was shown.
          if (at == reasons.length) {
            told.countDown();
          }
        });
    fixture.on(
        LOGS,
        (request, answer) -> {
          await(told);
          answer.end("{}");
        });
    assertEquals(0, fixture.orchctl("run", "--", "x"));
  }

  @Test
  void jobIsCancelledAsSoonAsItIsAcceptedWhenTheEndWasAskedForBefore() throws Exception {
    CountDownLatch asked = new CountDownLatch(1);
    CountDownLatch cancelled = new CountDownLatch(1);
    fixture.on(
        SUBMIT,
        (request, answer) -> {
          await(asked);
          answer.json(200, Answers.submitted());
        });
    fixture.on(
        CANCEL,
        (request, answer) -> {
          answer.json(200, Answers.job("CANCELLED", ""));
          cancelled.countDown();
        });
    fixture.on(
        LOGS,
        (request, answer) -> {
          await(cancelled);
          answer.end("{}");
        });
    fixture.reply(GET, Answers.job("CANCELLED", ",\"exitCode\":143"));
    CompletableFuture<Integer> code =
        CompletableFuture.supplyAsync(() -> fixture.orchctl("run", "--", "sleep", "60"));
    Thread signal = Thread.ofVirtual().start(fixture.signals.handler()::terminated);
    asked.countDown();
    assertEquals(143, code.get(10, TimeUnit.SECONDS));
    signal.interrupt();
  }

  @Test
  void jobThatCannotBeCancelledIsNamed() throws Exception {
    CountDownLatch begun = new CountDownLatch(1);
    CountDownLatch end = new CountDownLatch(1);
    fixture.refuse(CANCEL, 403, "permission_denied", "you may not");
    fixture.on(
        LOGS,
        (request, answer) -> {
          begun.countDown();
          await(end);
          answer.end("{}");
        });
    CompletableFuture<Integer> code =
        CompletableFuture.supplyAsync(() -> fixture.orchctl("run", "--", "sleep", "60"));
    await(begun);
    Thread signal = Thread.ofVirtual().start(fixture.signals.handler()::terminated);
    assertEquals(125, fixture.signals.halts.poll(10, TimeUnit.SECONDS));
    assertTrue(fixture.err().contains("cannot cancel job 42: you may not"), fixture.err());
    end.countDown();
    assertEquals(0, code.get(10, TimeUnit.SECONDS));
    signal.interrupt();
  }

  /** Runs a job that ends when it is cancelled, and waits until its output is followed. */
  private CompletableFuture<Integer> runOnTerminal() throws InterruptedException {
    CountDownLatch cancelled = new CountDownLatch(1);
    CountDownLatch begun = new CountDownLatch(1);
    fixture.on(
        CANCEL,
        (request, answer) -> {
          answer.json(200, Answers.job("RUNNING", ",\"cancelRequested\":true"));
          cancelled.countDown();
        });
    fixture.on(
        LOGS,
        (request, answer) -> {
          begun.countDown();
          await(cancelled);
          answer.end("{}");
        });
    fixture.reply(GET, Answers.job("CANCELLED", ",\"exitCode\":143"));
    fixture.terminal = new Terminal(true, true, true, false);
    CompletableFuture<Integer> code =
        CompletableFuture.supplyAsync(() -> fixture.orchctl("run", "--", "sleep", "60"));
    await(begun);
    return code;
  }

  @Test
  void closedOutputEndsTheCommandSilently() {
    fixture.failingOut = failing("Broken pipe");
    fixture.reply(CANCEL, Answers.job("RUNNING", ""));
    assertEquals(141, fixture.orchctl("run", "--", "yes"));
    assertEquals("", fixture.err());
    assertEquals(1, fixture.server.messages(CANCEL).size());
  }

  @Test
  void fullDiskIsToldAndIsOrchsFailure() {
    fixture.failingOut = failing("No space left on device");
    assertEquals(125, fixture.orchctl("run", "--", "yes"));
    assertEquals("orchctl: cannot write standard output: No space left on device\n", fixture.err());
    assertFalse(fixture.server.requests().isEmpty());
  }

  private static void await(CountDownLatch latch) {
    try {
      if (!latch.await(10, TimeUnit.SECONDS)) {
        throw new IllegalStateException("nothing happened");
      }
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
    }
  }

  private static OutputStream failing(String message) {
    return new OutputStream() {
      @Override
      public void write(int b) throws IOException {
        throw new IOException(message);
      }
    };
  }
}

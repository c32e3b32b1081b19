package orch.ctl.command;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import orch.ctl.json.JsonObject;
import orch.ctl.output.Terminal;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
final class WaitAndLogsTest {
  private static final String GET = "JobService/GetJob";
  private static final String WATCH = "JobService/WatchJobs";
  private static final String LOGS = "TaskService/StreamLogs";

  private final Fixture fixture;

  WaitAndLogsTest() throws IOException {
    fixture = new Fixture();
  }

  @AfterEach
  void close() throws IOException {
    fixture.close();
  }

  private static String event(String token, String job) {
    return "{\"resumeToken\":\"" + token + "\",\"job\":" + job + "}";
  }

  @Test
  void endedJobIsNotWaitedFor() {
    fixture.reply(
        GET, Answers.job("FAILED", ",\"exitCode\":7,\"endTime\":\"2026-11-24T07:59:03Z\""));
    assertEquals(7, fixture.orchctl("wait", "42"));
    assertEquals("job 42 (web) failed after 2.0s\n", fixture.err());
    assertEquals("", fixture.out());
    assertTrue(fixture.server.messages(WATCH).isEmpty());
  }

  @Test
  void brokenWatchIsResumedWhereItBroke() {
    AtomicInteger calls = new AtomicInteger();
    fixture.reply(GET, Answers.job("QUEUED", 4, ""));
    fixture.on(
        WATCH,
        (request, answer) -> {
          switch (calls.getAndIncrement()) {
            case 0 -> {
              answer.message(event("t1", Answers.job("RUNNING", 4, "")));
              answer.message("{\"resumeToken\":\"t2\"}");
              answer.cut();
            }
            case 1 -> answer.json(409, Fixture.error("aborted", "compacted"));
            default -> {
              answer.message(event("t3", Answers.job("SUCCEEDED", 4, "")));
              answer.end("{}");
            }
          }
        });
    assertEquals(0, fixture.orchctl("wait", "42"));
    List<JsonObject> sent = fixture.server.messages(WATCH);
    assertEquals("", sent.get(0).text("resumeToken"));
    assertEquals("t2", sent.get(1).text("resumeToken"));
    assertEquals("", sent.get(2).text("resumeToken"), "the present state is read anew");
    assertEquals(List.of("42"), sent.get(0).object("filter").texts("numbers"));
    assertTrue(sent.get(0).flag("untilEnded"));
    assertEquals(
        "job 42 (web): queued, 0/4 done\njob 42 (web): running, 0/4 done\n"
            + "job 42 (web) succeeded: 0/4 done\n",
        fixture.err());
  }

  @Test
  void ofSeveralJobsTheHighestCodeCounts() {
    fixture.on(
        GET,
        (request, answer) -> {
          String number = request.message().text("name").replace("namespaces/default/jobs/", "");
          answer.json(
              200,
              Answers.job("FAILED", ",\"exitCode\":" + number)
                  .replace("\"42\"", "\"" + number + "\""));
        });
    assertEquals(9, fixture.orchctl("wait", "-q", "3", "9", "5"));
    assertEquals("", fixture.err());
  }

  @Test
  void serviceIsWaitedForUntilAllItsTasksRun() {
    String service = ",\"spec\":{\"type\":\"JOB_TYPE_SERVICE\"}";
    fixture.reply(GET, Answers.job("RUNNING", 2, service));
    fixture.stream(
        WATCH,
        event(
            "t",
            Answers.job("RUNNING", 2, service)
                .replace("\"total\":2", "\"total\":2,\"running\":2")));
    assertEquals(0, fixture.orchctl("wait", "web"));
  }

  @Test
  void deletedJobIsWaitedForNoLongerAndHasNoCodeOfItsOwn() {
    fixture.reply(GET, Answers.job("RUNNING", ""));
    fixture.stream(WATCH, "{\"deleted\":true,\"job\":{\"number\":\"42\"}}");
    assertEquals(125, fixture.orchctl("wait", "-q", "42"));
    assertEquals("orchctl: job 42 was deleted\n", fixture.err());
  }

  @Test
  void progressIsShownOnATerminal() {
    fixture.terminal = new Terminal(false, false, true, false);
    fixture.reply(GET, Answers.job("RUNNING", 4, ""));
    fixture.stream(WATCH, event("t", Answers.job("SUCCEEDED", 4, "")));
    assertEquals(0, fixture.orchctl("wait", "42"));
    assertEquals(
        "\r\033[Kjob 42 (web): running, 0/4 done\r\033[Kjob 42 (web) succeeded: 0/4 done\n",
        fixture.err());
  }

  @Test
  void logsOfATaskAreAskedForAsItIsNamed() {
    fixture.stream(LOGS, Answers.log(3, "STDOUT", "x\n", ""));
    assertEquals(
        0,
        fixture.orchctl(
            "logs", "web/3@2", "-f", "--tail", "10", "--since", "1h", "--stream", "stderr"));
    JsonObject request = fixture.sent(LOGS);
    assertEquals("namespaces/default/jobs/web/tasks/3", request.text("name"));
    assertEquals(2, request.number("attempt"));
    assertEquals(10, request.number("tail"));
    assertEquals("2026-11-24T07:00:00Z", request.text("since"));
    assertEquals("LOG_STREAM_STDERR", request.text("stream"));
    assertEquals("x\n", fixture.out());
  }

  @Test
  void tailIsResumedByTimeSinceItsBeginMoves() {
    AtomicInteger calls = new AtomicInteger();
    fixture.on(
        LOGS,
        (request, answer) -> {
          if (calls.getAndIncrement() == 0) {
            answer.message(Answers.logAt(3, "c\n"));
            answer.message(Answers.logAt(4, "d\n"));
            answer.cut();
            return;
          }
          answer.message(Answers.logAt(4, "d\n"));
          answer.message(Answers.logAt(4, "e\n"));
          answer.message(Answers.logAt(5, "f\n"));
          answer.end("{}");
        });
    assertEquals(0, fixture.orchctl("logs", "-f", "--tail", "2", "42"));
    assertEquals("c\nd\ne\nf\n", fixture.out());
    JsonObject second = fixture.server.messages(LOGS).get(1);
    assertFalse(second.has("tail"));
    assertEquals("2026-11-24T08:00:04Z", second.text("since"));
  }

  @Test
  void linesHaveTimesAndTasksWhereAsked() {
    fixture.reply(GET, Answers.job("RUNNING", ""));
    fixture.stream(LOGS, Answers.logAt(3, "a\nb"), Answers.logAt(4, "c\n"));
    assertEquals(0, fixture.orchctl("logs", "--timestamps", "--prefix", "web"));
    List<String> lines = fixture.out().lines().toList();
    assertEquals(2, lines.size());
    assertTrue(
        lines.get(1).matches("20\\d\\d-\\d\\d-\\d\\d \\d\\d:\\d\\d:03\\.000 web/0\\| bc"),
        lines.get(1));
  }

  @Test
  void noticesAreToldOnce() {
    fixture.stream(
        LOGS,
        "{\"notices\":[\"node n2 does not answer\"]}",
        "{\"notices\":[\"node n2 does not answer\"]}");
    assertEquals(0, fixture.orchctl("logs", "42"));
    assertEquals("orchctl: node n2 does not answer\n", fixture.err());
  }

  @Test
  void unknownJobIs3() {
    fixture.refuse(LOGS, 404, "not_found", "there is no job nope");
    assertEquals(3, fixture.orchctl("logs", "nope"));
    assertEquals("orchctl: there is no job nope\n", fixture.err());
  }
}

package orch.ctl.command;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import orch.ctl.json.Json;
import orch.ctl.json.JsonObject;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
final class ChangeTest {
  private static final String PARSE = "JobService/ParseSpec";
  private static final String SUBMIT = "JobService/SubmitJob";

  private final Fixture fixture;

  @TempDir Path directory;

  ChangeTest() throws IOException {
    fixture = new Fixture();
  }

  @AfterEach
  void close() throws IOException {
    fixture.close();
  }

  private String file(String name) throws IOException {
    return Files.writeString(directory.resolve(name), "text of " + name).toString();
  }

  @Test
  void allProblemsOfAllFilesAreToldAtOnceAndNothingIsSubmitted() throws IOException {
    String first = file("a.yaml");
    String second = file("b.yaml");
    fixture.on(
        PARSE,
        (request, answer) -> {
          String name = request.message().text("fileName");
          answer.json(
              200,
              name.equals(first)
                  ? "{\"problems\":[{\"fileName\":\"a.yaml\",\"line\":2,\"column\":1,"
                      + "\"field\":\"comand\",\"message\":\"unknown key\","
                      + "\"suggestion\":\"command\"},{\"line\":3,\"column\":8,"
                      + "\"message\":\"count: expected a number\"}]}"
                  : "{\"problems\":[{\"line\":1,\"column\":1,\"message\":\"no job\"}]}");
        });
    assertEquals(2, fixture.orchctl("job", "submit", first, second));
    assertEquals(
        "a.yaml:2:1: comand: unknown key (did you mean 'command'?)\n"
            + first
            + ":3:8: count: expected a number\n"
            + second
            + ":1:1: no job\n",
        fixture.err());
    assertTrue(fixture.server.messages(SUBMIT).isEmpty());
    assertEquals("text of a.yaml", fixture.server.messages(PARSE).get(0).text("text"));
  }

  @Test
  void jobIsSubmittedAsItWasParsed() throws IOException {
    fixture.reply(PARSE, "{\"specs\":[{\"name\":\"web\",\"x\":[1]}]}");
    fixture.reply(SUBMIT, Answers.submitted());
    fixture.types("name: web\n");
    assertEquals(0, fixture.orchctl("submit", "-"));
    assertEquals("job 42 (web) submitted\n", fixture.out());
    assertEquals("stdin", fixture.sent(PARSE).text("fileName"));
    assertEquals("{\"name\":\"web\",\"x\":[1]}", Json.compact(fixture.sent(SUBMIT).object("spec")));
    fixture.out.reset();
    assertEquals(0, fixture.orchctl("job", "submit", "-o", "name", file("a.yaml"), "--replace"));
    assertEquals("namespaces/default/jobs/42\n", fixture.out());
    assertTrue(fixture.server.messages(SUBMIT).get(1).flag("replace"));
  }

  @Test
  void severalJobsAreAllCheckedBeforeTheFirstIsSubmitted() throws IOException {
    fixture.reply(PARSE, "{\"specs\":[{\"name\":\"a\"},{\"name\":\"b\"}]}");
    fixture.on(
        SUBMIT,
        (request, answer) -> {
          if (request.message().object("spec").text("name").equals("b")) {
            answer.json(409, Fixture.error("already_exists", "b is live; --replace ends it"));
          } else {
            answer.json(200, Answers.submitted());
          }
        });
    assertEquals(4, fixture.orchctl("submit", file("two.yaml")));
    assertEquals("orchctl: b is live; --replace ends it\n", fixture.err());
    assertTrue(
        fixture.server.messages(SUBMIT).stream().allMatch(sent -> sent.flag("validateOnly")));
  }

  @Test
  void fieldsThatTheControllerRefusesAreToldWithTheFile() throws IOException {
    fixture.reply(PARSE, "{\"specs\":[{\"name\":\"a\"}]}");
    // google.rpc.BadRequest{field_violations: [{"spec.count", "too big"}]}
    String detail = "ChUKCnNwZWMuY291bnQSB3RvbyBiaWc";
    fixture.on(
        SUBMIT,
        (request, answer) ->
            answer.json(
                400,
                "{\"code\":\"invalid_argument\",\"message\":\"x\",\"details\":[{\"type\":"
                    + "\"google.rpc.BadRequest\",\"value\":\""
                    + detail
                    + "\"}]}"));
    String name = file("a.yaml");
    assertEquals(2, fixture.orchctl("submit", name));
    assertEquals(name + ": count: too big\n", fixture.err());
  }

  @Test
  void missingFileIsSaidWithTheReason() {
    assertEquals(2, fixture.orchctl("submit", "/no/such.yaml"));
    assertEquals("orchctl: cannot read /no/such.yaml: no such file or directory\n", fixture.err());
  }

  @Test
  void jobsAndTasksAreCancelledByName() {
    fixture.reply("JobService/CancelJob", Answers.job("RUNNING", ""));
    assertEquals(0, fixture.orchctl("cancel", "last", "--reason", "wrong input"));
    assertEquals("42 (web) cancelling\n", fixture.out());
    JsonObject one = fixture.sent("JobService/CancelJob");
    assertEquals("namespaces/default/jobs/last", one.text("name"));
    assertEquals("wrong input", one.text("reason"));
    assertTrue(one.has("requestId"));
    fixture.reply(
        "TaskService/CancelTask", "{\"task\":\"web/3\",\"state\":\"TASK_STATE_STOPPING\"}");
    fixture.reply(
        "JobService/BatchCancelJobs",
        "{\"jobs\":[" + Answers.job("SUCCEEDED", "") + "],\"missing\":[\"nope\"]}");
    fixture.out.reset();
    assertEquals(3, fixture.orchctl("kill", "42", "nope", "web/3"));
    assertEquals("42 (web) has ended: succeeded\nweb/3 stopping\n", fixture.out());
    assertEquals("orchctl: not found: nope\n", fixture.err());
    JsonObject batch = fixture.sent("JobService/BatchCancelJobs");
    assertEquals(List.of("42", "nope"), batch.texts("names"));
    assertEquals("namespaces/default", batch.text("parent"));
  }

  @Test
  void retryNamesIndexesOrMeansWhatFailed() {
    fixture.reply("JobService/RetryJob", Answers.job("QUEUED", 6, ""));
    assertEquals(0, fixture.orchctl("retry", "42", "--failed"));
    assertEquals(0, fixture.orchctl("job", "retry", "42", "--index", "3,7-9"));
    assertEquals("42 (web) runs again, queued: 0/6 done\n".repeat(2), fixture.out());
    List<JsonObject> sent = fixture.server.messages("JobService/RetryJob");
    assertTrue(sent.get(0).objects("indexes").isEmpty());
    assertEquals(7, sent.get(1).objects("indexes").get(1).number("first"));
    assertEquals(2, fixture.orchctl("retry", "42", "--failed", "--index", "1"));
  }

  @Test
  void nodesAreCordonedDrainedAndLabelled() {
    String node =
        "{\"name\":\"nodes/n1\",\"state\":\"NODE_STATE_DRAINING\",\"labels\":{\"a\":\"b\"}}";
    fixture.reply("NodeService/CordonNode", node);
    fixture.reply("NodeService/DrainNode", node);
    fixture.reply("NodeService/UpdateNodeLabels", node);
    assertEquals(0, fixture.orchctl("node", "cordon", "n1", "--reason", "disk"));
    assertEquals(0, fixture.orchctl("node", "drain", "n1", "--deadline", "10m"));
    assertEquals(0, fixture.orchctl("node", "labels", "n1", "a=b", "old-"));
    assertEquals("n1 draining\nn1 drained\nn1 labels: a=b\n", fixture.out());
    assertEquals("disk", fixture.sent("NodeService/CordonNode").text("reason"));
    assertEquals("600s", fixture.sent("NodeService/DrainNode").text("deadline"));
    JsonObject labels = fixture.sent("NodeService/UpdateNodeLabels");
    assertEquals("b", labels.object("set").text("a"));
    assertEquals(List.of("old"), labels.texts("remove"));
  }

  @Test
  void drainWaitsUntilNothingIsLeftUnlessItIsToldNotTo() {
    fixture.reply(
        "NodeService/DrainNode",
        "{\"name\":\"nodes/n1\",\"state\":\"NODE_STATE_DRAINING\",\"attempts\":2,"
            + "\"reason\":\"2 attempts to be moved away\"}");
    fixture.reply(
        "NodeService/GetNode", "{\"name\":\"nodes/n1\",\"state\":\"NODE_STATE_DRAINING\"}");
    assertEquals(0, fixture.orchctl("node", "drain", "n1", "-d"));
    assertEquals("n1 draining\n", fixture.out());
    fixture.out.reset();
    assertEquals(0, fixture.orchctl("node", "drain", "n1"));
    assertEquals("n1 drained\n", fixture.out());
    assertTrue(fixture.err().contains("n1: draining: 2 attempts to be moved away"), fixture.err());
  }

  @Test
  void aDrainThatWasTakenBackIsNoSuccess() {
    fixture.reply(
        "NodeService/DrainNode",
        "{\"name\":\"nodes/n1\",\"state\":\"NODE_STATE_DRAINING\",\"attempts\":2}");
    fixture.reply(
        "NodeService/GetNode",
        "{\"name\":\"nodes/n1\",\"state\":\"NODE_STATE_READY\",\"attempts\":1}");
    assertEquals(1, fixture.orchctl("node", "drain", "n1"));
    assertEquals("n1 ready\n", fixture.out());
  }

  @Test
  void aNameIsGivenToAnotherMachineAndAForeignNodeIsTakenIn() {
    fixture.reply(
        "NodeService/ReplaceNode", "{\"name\":\"nodes/n1\",\"state\":\"NODE_STATE_GONE\"}");
    fixture.reply("NodeService/AdoptNode", "{}");
    assertEquals(0, fixture.orchctl("node", "replace", "n1", "--uid", "u-2", "--i-verified"));
    assertEquals("u-2", fixture.sent("NodeService/ReplaceNode").text("newUid"));
    assertTrue(fixture.sent("NodeService/ReplaceNode").flag("verified"));
    assertEquals(0, fixture.orchctl("node", "adopt", "n1"));
    assertEquals("nodes/n1", fixture.sent("NodeService/AdoptNode").text("name"));
  }

  @Test
  void theBrakeIsReleasedOnlyByOneWhoLooked() {
    assertEquals(2, fixture.orchctl("cluster", "release-brake"));
    fixture.reply("ClusterService/ReleaseBrake", "{\"clusterId\":\"c1\"}");
    assertEquals(0, fixture.orchctl("cluster", "release-brake", "--i-verified"));
    assertTrue(fixture.sent("ClusterService/ReleaseBrake").flag("verified"));
  }

  @Test
  void planShowsWhatWouldChange() throws IOException {
    fixture.reply(PARSE, "{\"specs\":[{\"name\":\"web\"}]}");
    fixture.reply(
        "JobService/PlanJob",
        "{\"outcome\":\"SUBMIT_OUTCOME_UPDATED\",\"changes\":[\"count: 2 -> 3\"],"
            + "\"placements\":{\"n1\":2},\"waiting\":{\"summary\":\"1 task waits: memory\"}}");
    assertEquals(0, fixture.orchctl("job", "plan", file("a.yaml")));
    assertEquals(
        "web: a new version of the live job\n  count: 2 -> 3\n  on n1: 2 tasks\n"
            + "  1 task waits: memory\n",
        fixture.out());
  }

  @Test
  void jobIsSuspendedAndResumed() {
    fixture.reply("JobService/SuspendJob", Answers.job("RUNNING", ""));
    fixture.reply("JobService/ResumeJob", Answers.job("RUNNING", ""));
    assertEquals(0, fixture.orchctl("job", "suspend", "web"));
    assertEquals(0, fixture.orchctl("job", "resume", "web"));
    assertEquals("42 (web) suspended\n42 (web) resumed\n", fixture.out());
  }

  @Test
  void jobIsHeldReleasedAndDeleted() {
    fixture.reply("JobService/HoldJob", Answers.job("HELD", ""));
    fixture.reply("JobService/DeleteJob", "{}");
    assertEquals(0, fixture.orchctl("job", "hold", "web"));
    assertEquals(0, fixture.orchctl("job", "delete", "42", "web"));
    assertEquals("42 (web) held\n42 deleted\nweb deleted\n", fixture.out());
    assertEquals(2, fixture.orchctl("job", "delete", "42", "web/3"));
    assertEquals(2, fixture.server.messages("JobService/DeleteJob").size());
  }
}

package orch.ctl.command;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.util.List;
import orch.ctl.json.JsonObject;
import orch.ctl.output.Terminal;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
final class ListingTest {
  private static final String LIST = "JobService/ListJobs";

  private static final String JOBS =
      "{\"jobs\":["
          + Answers.job("RUNNING", 10000, "")
              .replace(
                  "\"total\":10000",
                  "\"total\":10000,\"succeeded\":7340,\"running\":12,\"failed\":3")
          + ","
          + Answers.job(
              "FAILED", ",\"endTime\":\"2026-11-24T07:59:04Z\",\"reason\":\"exited with 3\"")
          + "]}";

  private final Fixture fixture;

  ListingTest() throws IOException {
    fixture = new Fixture();
  }

  @AfterEach
  void close() throws IOException {
    fixture.close();
  }

  private String out(String... arguments) {
    fixture.out.reset();
    assertEquals(0, fixture.orchctl(arguments), fixture.err());
    return fixture.out();
  }

  @Test
  void jobsAreATable() {
    fixture.reply(LIST, JOBS);
    assertEquals(
        """
        job  name  state    tasks                                  age  took  reason
         42  web   running  7340/10000 done, 12 running, 3 failed  60s  59s
         42  web   failed   1                                      60s  3.0s  exited with 3
        """,
        out("job", "list"));
  }

  @Test
  void membersShowHowFarTheyAreBehindTheLeader() {
    fixture.reply(
        "ClusterService/ListMembers",
        """
        {"members":[
          {"name":"a","role":"MEMBER_ROLE_STANDBY","epoch":"3","appliedRevision":"95",
           "httpAddress":"h1:7400","grpcAddress":"h1:7401","version":"1.0","maxFormatLevel":2},
          {"name":"b","role":"MEMBER_ROLE_LEADER","epoch":"3","appliedRevision":"99",
           "httpAddress":"h2:7400","grpcAddress":"h2:7401","version":"1.0","maxFormatLevel":1}]}
        """);
    assertEquals(
        """
        member  role     epoch  revision  lag  http     grpc     version  format
        a       standby      3        95    4  h1:7400  h1:7401  1.0           2
        b       leader       3        99    0  h2:7400  h2:7401  1.0           1
        """,
        out("cluster", "members"));
  }

  @Test
  void jsonIsTheDocumentAsTheControllerSentIt() {
    fixture.reply(LIST, "{\"jobs\":[{\"name\":\"a\",\"unknown\":[1.50,\"x\"]}]}");
    assertEquals(
        """
        {
          "jobs": [
            {
              "name": "a",
              "unknown": [
                1.50,
                "x"
              ]
            }
          ]
        }
        """,
        out("job", "list", "-o", "json"));
    assertEquals(
        "jobs:\n- name: a\n  unknown:\n  - 1.50\n  - x\n", out("job", "list", "-o", "yaml"));
    assertEquals("a\n", out("job", "list", "-o", "name"));
    assertFalse(fixture.server.messages(LIST).get(0).flag("omitSpecs"));
    assertTrue(fixture.server.messages(LIST).get(2).flag("omitSpecs"));
  }

  @Test
  void coloursAreForTerminalsAlone() {
    fixture.reply(LIST, JOBS);
    assertFalse(out("job", "list").contains("\033"));
    fixture.terminal = new Terminal(false, true, true, true);
    assertTrue(out("job", "list").contains("\033[31mfailed\033[0m"));
    fixture.terminal = new Terminal(false, true, true, false);
    assertFalse(out("job", "list").contains("\033"));
  }

  @Test
  void pagesAreReadToTheLimitAsOneDocument() {
    fixture.on(
        LIST,
        (request, answer) -> {
          String token = request.message().text("pageToken");
          answer.json(
              200,
              token.equals("p2")
                  ? "{\"jobs\":[{\"name\":\"c\"}]}"
                  : "{\"jobs\":[{\"name\":\"a\"},{\"name\":\"b\"}],\"nextPageToken\":\"p2\"}");
        });
    assertEquals("a\nb\nc\n", out("job", "list", "-o", "name", "--limit", "0"));
    assertEquals("a\nb\n", out("job", "list", "-o", "name", "--limit", "2"));
    assertEquals(2, fixture.server.messages(LIST).get(2).number("pageSize"));
    out("job", "list", "--limit", "2");
    assertEquals("orchctl: there are older ones; --limit 0 lists all\n", fixture.err());
  }

  @Test
  void filtersAreHandedToTheController() {
    fixture.reply(LIST, "{}");
    out(
        "job", "list", "-A", "--mine", "--live", "--state", "failed", "--state", "HELD", "-l",
        "a=b", "-l", "c", "--name", "x", "--since", "1h");
    JsonObject request = fixture.sent(LIST);
    JsonObject filter = request.object("filter");
    assertEquals("namespaces/-", request.text("parent"));
    assertEquals("me", filter.text("owner"));
    assertTrue(filter.flag("live"));
    assertEquals(List.of("JOB_STATE_FAILED", "JOB_STATE_HELD"), filter.texts("states"));
    assertEquals("b", filter.object("labels").text("a"));
    assertTrue(filter.object("labels").has("c"));
    assertEquals("2026-11-24T07:00:00Z", filter.text("submittedAfter"));
  }

  @Test
  void plainOrchctlShowsMyJobsOrHowToBegin() {
    fixture.reply(LIST, JOBS);
    assertTrue(out().contains("7340/10000 done"));
    assertEquals("me", fixture.sent(LIST).object("filter").text("owner"));
    fixture.reply(LIST, "{}");
    assertTrue(out().startsWith("You have no jobs. Try: orchctl run -- echo hi"));
    assertTrue(out("status").startsWith("You have no jobs"));
    assertEquals("{\n  \"jobs\": []\n}\n", out("-o", "json"));
  }

  @Test
  void jobIsShownWithWhatPeopleAskForAndItsTasks() {
    fixture.reply(
        "JobService/GetJob",
        Answers.job(
            "FAILED",
            ",\"exitCode\":3,\"endTime\":\"2026-11-24T07:59:05Z\",\"reason\":\"exited with 3\","
                + "\"traceId\":\"abc\",\"spec\":{\"command\":[\"sh\",\"-c\",\"exit 3\"],"
                + "\"resources\":{\"cpuMillis\":\"500\",\"memoryBytes\":\"1048576\"}}"));
    fixture.reply(
        "TaskService/ListTasks",
        "{\"tasks\":[{\"task\":\"web/0\",\"state\":\"TASK_STATE_FAILED\",\"reason\":\"exited\","
            + "\"attempt\":{\"node\":\"n1\",\"result\":{\"exitCode\":3}}}]}");
    String shown = out("job", "show", "last");
    for (String line :
        List.of(
            "job        42 (web)\n",
            "state      failed: exited with 3\n",
            "command    sh -c 'exit 3'\n",
            "resources  cpu 500m, memory 1 MiB\n",
            "took       4.0s\n",
            "exit code  3\n",
            "trace      abc\n",
            "web/0  failed  n1             3  exited\n")) {
      assertTrue(shown.contains(line), line + "in:\n" + shown);
    }
    assertEquals("namespaces/default/jobs/last", fixture.sent("JobService/GetJob").text("name"));
  }

  @Test
  void specIsShownAsThePersonWouldWriteIt() {
    fixture.reply("JobService/GetJob", Answers.job("RUNNING", ",\"spec\":{\"name\":\"web\"}"));
    fixture.reply("JobService/FormatSpec", "{\"text\":\"name: web\\n\"}");
    assertEquals("name: web\n", out("job", "show", "42", "-o", "spec"));
    assertEquals("web", fixture.sent("JobService/FormatSpec").object("spec").text("name"));
  }

  @Test
  void outOfMemoryIsSaidOfATask() {
    fixture.reply(
        "TaskService/GetTask",
        "{\"task\":\"hog/0\",\"jobNumber\":\"7\",\"state\":\"TASK_STATE_FAILED\","
            + "\"reason\":\"out of memory\",\"attempts\":3,\"attempt\":{\"number\":2,"
            + "\"state\":\"ATTEMPT_STATE_FAILED\",\"node\":\"n1\",\"result\":{"
            + "\"kind\":\"RESULT_KIND_OUT_OF_MEMORY\",\"exitCode\":137,\"siCode\":2,\"siStatus\":9,"
            + "\"oomKilled\":true,\"oomKills\":\"2\",\"memoryPeakBytes\":\"41943040\"}}}");
    String shown = out("task", "show", "hog/0");
    assertTrue(shown.contains("state          failed: out of memory\n"), shown);
    assertTrue(shown.contains("attempt        2 of 3, failed\n"), shown);
    assertTrue(shown.contains("result         out of memory\n"), shown);
    assertTrue(shown.contains("the kernel ended it, and 1 more of its processes"), shown);
    assertTrue(shown.contains("memory peak    40 MiB\n"), shown);
  }

  @Test
  void jobNameAloneStandsForItsOnlyTask() {
    fixture.reply(
        "TaskService/ListTasks", "{\"tasks\":[{\"name\":\"namespaces/default/jobs/42/tasks/5\"}]}");
    fixture.reply("TaskService/GetTask", "{\"task\":\"web/5\"}");
    out("task", "show", "web");
    assertEquals(
        "namespaces/default/jobs/42/tasks/5", fixture.sent("TaskService/GetTask").text("name"));
    fixture.reply(
        "TaskService/ListTasks", "{\"tasks\":[{\"task\":\"web/0\"},{\"task\":\"web/1\"}]}");
    assertEquals(2, fixture.orchctl("task", "show", "web"));
    assertEquals(
        "orchctl: job web has several tasks; name one, for example web/0\n", fixture.err());
  }

  @Test
  void tasksOfAllLiveJobsAreListedUnlessOneIsNamed() {
    fixture.reply("TaskService/ListTasks", "{}");
    out("ps");
    out("task", "list", "web", "--failed", "--node", "nodes/n1");
    List<JsonObject> sent = fixture.server.messages("TaskService/ListTasks");
    assertEquals("namespaces/default/jobs/-", sent.get(0).text("parent"));
    assertEquals("namespaces/default/jobs/web", sent.get(1).text("parent"));
    assertEquals("n1", sent.get(1).text("node"));
    assertEquals(List.of("TASK_STATE_FAILED", "TASK_STATE_KILLED"), sent.get(1).texts("states"));
  }

  @Test
  void nodesAndClusterAreShown() {
    String node =
        "{\"name\":\"nodes/n1\",\"state\":\"NODE_STATE_READY\",\"attempts\":2,"
            + "\"capacity\":{\"cpuMillis\":\"8000\",\"memoryBytes\":\"17179869184\"},"
            + "\"allocated\":{\"cpuMillis\":\"1500\"},\"missingLimits\":[\"memory\",\"io\"],"
            + "\"lastSeenTime\":\"2026-11-24T07:59:58Z\"}";
    fixture.reply("NodeService/ListNodes", "{\"nodes\":[" + node + "]}");
    fixture.reply("NodeService/GetNode", node);
    assertEquals(
        """
        node  state  tasks  cpu      memory      seen  reason
        n1    ready      2  1500m/8  0 B/16 GiB  2s
        """,
        out("node", "list"));
    assertTrue(out("node", "show", "n1").contains("cannot enforce  memory, io\n"));
    assertEquals("nodes/n1", fixture.sent("NodeService/GetNode").text("name"));
    fixture.reply(
        "ClusterService/GetCluster",
        "{\"clusterId\":\"c1\",\"leader\":\"a\",\"nodes\":{\"ready\":3,\"gone\":0},"
            + "\"revision\":\"12\",\"warnings\":[\"disk nearly full\"]}");
    String status = out("cluster", "status");
    assertTrue(status.contains("nodes     3 ready\n"), status);
    assertTrue(status.contains("warning   disk nearly full\n"), status);
  }

  @Test
  void whyTellsTheSummaryAndTheReasons() {
    fixture.reply(
        "JobService/ExplainJob",
        "{\"summary\":\"15 nodes cannot take it\",\"reasons\":[{\"kind\":\"memory\","
            + "\"message\":\"memory\",\"nodes\":12},{\"kind\":\"rack\",\"nodes\":3,\"tasks\":1}]}");
    fixture.reply("TaskService/ExplainTask", "{\"summary\":\"it runs\"}");
    assertEquals(
        "15 nodes cannot take it\n  12 nodes: memory\n  1 task, 3 nodes: rack\n", out("why", "42"));
    assertEquals("it runs\n", out("why", "web/3"));
  }

  @Test
  void readerThatGoesAwayIsNotToldOf() {
    fixture.reply(LIST, JOBS);
    fixture.failingOut =
        new OutputStream() {
          @Override
          public void write(int b) throws IOException {
            throw new IOException("Broken pipe");
          }
        };
    assertEquals(141, fixture.orchctl("job", "list"));
    assertEquals("", fixture.err());
  }
}

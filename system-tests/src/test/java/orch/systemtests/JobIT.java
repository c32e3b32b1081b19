package orch.systemtests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Jobs from files, their states, and the API below. */
@Timeout(180)
class JobIT {
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
  void everyProblemOfASpecIsToldAtOnceAndNothingIsCreated() throws Exception {
    Path file = cluster.directory().resolve("wrong.yaml");
    Files.writeString(
        file,
        """
        name: wrong-spec
        comand: [/bin/true]
        count: three
        count: 4
        timeout: 10 fortnights
        resources: {memory: 256MBytes}
        priority: 500
        """);
    CommandResult result = cluster.orchctl("job", "submit", file.toString());
    assertEquals(2, result.code(), result.toString());
    for (String expected :
        List.of(
            "wrong.yaml:2:1",
            "command",
            "wrong.yaml:4:",
            "wrong.yaml:5:",
            "wrong.yaml:6:",
            "wrong.yaml:7:")) {
      assertTrue(result.errors().contains(expected), expected + " in:\n" + result.errors());
    }
    assertFalse(cluster.expectSuccess("job", "list", "-o", "json").text().contains("wrong-spec"));
  }

  @Test
  void finishedJobSubmittedAgainRunsAgainUnderANewNumber() throws Exception {
    String spec = "name: again\ncommand: [sh, -c, 'echo $ORCH_JOB_NUMBER']\n";
    String first = cluster.submit(spec);
    cluster.expectSuccess("wait", first);
    String second = cluster.submit(spec);
    cluster.expectSuccess("wait", second);
    assertTrue(Long.parseLong(second) > Long.parseLong(first));
    assertEquals(first + "\n", cluster.expectSuccess("logs", first).text());
    assertEquals(second + "\n", cluster.expectSuccess("logs", "again").text());
    assertTrue(
        cluster.expectSuccess("job", "show", first, "-o", "json").text().contains("SUCCEEDED"));
  }

  @Test
  void liveBatchJobOfTheSameNameIsAConflict() throws Exception {
    String number = cluster.submit("name: busy\ncommand: [sleep, '60']\n");
    assertEquals(number, cluster.submit("name: busy\ncommand: [sleep, '60']\n"));
    Path other = cluster.directory().resolve("busy.yaml");
    Files.writeString(other, "name: busy\ncommand: [sleep, '61']\n");
    assertEquals(4, cluster.orchctl("job", "submit", other.toString()).code());
    cluster.expectSuccess("cancel", number);
    assertNotEquals(0, waitCode(number));
  }

  @Test
  void arrayWithFailuresIsRetriedForItsFailedTasksOnly() throws Exception {
    Path marker = cluster.directory().resolve("marker");
    String number =
        cluster.submit(
            """
            name: flaky
            count: 6
            command: [sh, -c, 'echo run $ORCH_INDEX; [ $ORCH_INDEX -lt 4 ] || [ -e %s ]']
            """
                .formatted(marker));
    assertEquals(1, cluster.orchctl("wait", number).code());
    assertEquals(4, states(number, "TASK_STATE_SUCCEEDED"));
    assertEquals(2, states(number, "TASK_STATE_FAILED"));
    Files.createFile(marker);
    cluster.expectSuccess("retry", number, "--failed");
    cluster.expectSuccess("wait", number);
    assertEquals(6, states(number, "TASK_STATE_SUCCEEDED"));
    assertEquals(8, cluster.expectSuccess("logs", number).lines().size());
  }

  @Test
  void cancelledJobEndsItsWholeTreeAndStartsNothing() throws Exception {
    Path pids = cluster.directory().resolve("pids");
    String number =
        cluster.submit(
            """
            name: tree
            command:
            - sh
            - -c
            - setsid sleep 77 & echo $! >%s; echo up; trap '' TERM; wait; sleep 77
            stop: {grace: 300ms}
            """
                .formatted(pids));
    awaitLine(number, "up");
    String escaped = Files.readString(pids).strip();
    assertTrue(Files.exists(Path.of("/proc", escaped)));
    cluster.expectSuccess("cancel", number);
    waitCode(number);
    assertFalse(Files.exists(Path.of("/proc", escaped)), "the setsid child survived");
    assertTrue(
        cluster.expectSuccess("job", "show", number, "-o", "json").text().contains("CANCELLED"));
  }

  @Test
  void whyTellsWhatATaskWaitsFor() throws Exception {
    String number = cluster.submit("name: huge\ncommand: ['true']\nresources: {cpu: 100000}\n");
    CommandResult why = cluster.expectSuccess("why", number);
    assertTrue(why.text().contains("cpu"), why.text());
    cluster.expectSuccess("cancel", number);
  }

  @Test
  void unknownThingsGive3AndWrongUsage2() throws Exception {
    assertEquals(3, cluster.orchctl("job", "show", "no-such-job").code());
    assertEquals(3, cluster.orchctl("job", "show", "999999").code());
    assertEquals(3, cluster.orchctl("node", "show", "no-such-node").code());
    assertEquals(2, cluster.orchctl("job", "shaw", "1").code());
  }

  @Test
  void everyOutputFormIsThere() throws Exception {
    cluster.expectSuccess("run", "--name", "forms", "--", "true");
    for (String form : List.of("table", "json", "yaml", "name", "wide")) {
      assertTrue(cluster.expectSuccess("job", "list", "-o", form).text().contains("job"), form);
      assertFalse(cluster.expectSuccess("node", "list", "-o", form).text().isBlank(), form);
      assertFalse(
          cluster.expectSuccess("task", "list", "forms", "-o", form).text().isBlank(), form);
    }
    assertTrue(cluster.expectSuccess("cluster", "status").text().contains("1"));
    assertFalse(cluster.expectSuccess("version").text().isBlank());
  }

  @Test
  void connectProtocolAnswersCurl() throws Exception {
    HttpResponse<String> found = post("orch.v1.ClusterService/GetCluster", "{}");
    assertEquals(200, found.statusCode(), found.body());
    assertTrue(found.body().contains("clusterId"), found.body());
    HttpResponse<String> missing =
        post("orch.v1.JobService/GetJob", "{\"name\":\"namespaces/default/jobs/nowhere\"}");
    assertEquals(404, missing.statusCode(), missing.body());
    assertTrue(missing.body().contains("\"code\":\"not_found\""), missing.body());
    assertEquals(404, post("orch.v1.JobService/NoSuchMethod", "{}").statusCode());
    HttpResponse<String> wrong = post("orch.v1.JobService/GetJob", "{\"nmae\":\"x\"}");
    assertEquals(400, wrong.statusCode(), wrong.body());
    assertTrue(wrong.body().contains("invalid_argument"), wrong.body());
  }

  private static HttpResponse<String> post(String method, String body)
      throws IOException, InterruptedException {
    try (HttpClient client = HttpClient.newHttpClient()) {
      return client.send(
          HttpRequest.newBuilder(URI.create(cluster.address() + "/" + method))
              .header("Content-Type", "application/json")
              .POST(HttpRequest.BodyPublishers.ofString(body))
              .build(),
          HttpResponse.BodyHandlers.ofString());
    }
  }

  private static int waitCode(String number) throws Exception {
    return cluster.orchctl("wait", number).code();
  }

  private static long states(String number, String state) throws Exception {
    return cluster
        .expectSuccess("task", "list", number, "-o", "json")
        .text()
        .lines()
        .filter(line -> line.contains("\"state\"") && line.contains(state))
        .count();
  }

  /** Follows the job's output until a line is seen. */
  private static void awaitLine(String number, String line) throws Exception {
    ProcessBuilder builder = new ProcessBuilder(cluster.orchctlCommand("logs", "-f", number));
    builder.environment().putAll(cluster.environment());
    Process process = builder.redirectErrorStream(true).start();
    try (var reader = process.inputReader()) {
      String seen = reader.readLine();
      while (seen != null && !seen.equals(line)) {
        seen = reader.readLine();
      }
      assertEquals(line, seen);
    } finally {
      process.destroyForcibly().waitFor();
    }
  }
}

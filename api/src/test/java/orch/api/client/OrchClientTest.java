package orch.api.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import com.google.protobuf.Timestamp;
import com.google.rpc.Code;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import orch.v1.GetJobRequest;
import orch.v1.Job;
import orch.v1.JobServiceGrpc;
import orch.v1.LogRecord;
import orch.v1.SignalTaskRequest;
import orch.v1.StreamLogsRequest;
import orch.v1.StreamLogsResponse;
import orch.v1.SubmitJobRequest;
import orch.v1.SubmitJobResponse;
import orch.v1.WatchJobsRequest;
import orch.v1.WatchJobsResponse;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The client against controllers on loopback that fail as the test says. */
@Timeout(60)
final class OrchClientTest {
  private static final GetJobRequest GET = GetJobRequest.newBuilder().setName("web").build();

  private ScriptedController first;
  private ScriptedController second;

  @BeforeEach
  void start() throws IOException {
    first = new ScriptedController();
    second = new ScriptedController();
  }

  @AfterEach
  void stop() {
    first.close();
    second.close();
  }

  private OrchClient client() {
    return OrchClient.of(first.address(), second.address());
  }

  // ---- calls

  @Test
  void theNextControllerIsAskedWhenOneIsDownAndKeptWhileItAnswers() throws IOException {
    second.thenJob("web");
    try (OrchClient client = OrchClient.of("127.0.0.1:" + closedPort(), second.address())) {
      assertEquals("web", client.jobs().getJob(GET).getJobName());
      assertEquals("web", client.jobs().getJob(GET).getJobName());
    }
    assertEquals(2, second.asked.size());
  }

  @Test
  void theLeaderThatAControllerNamesIsAskedNext() {
    first.thenError(Code.UNAVAILABLE, "NOT_LEADER", Map.of("leader", second.address()));
    second.thenJob("web");
    try (OrchClient client = OrchClient.of(first.address())) {
      assertEquals("web", client.jobs().getJob(GET).getJobName());
    }
    assertEquals(1, first.asked.size());
  }

  @Test
  void aChangeIsRepeatedUnderOneId() {
    first.thenError(Code.UNAVAILABLE, "OUTCOME_UNKNOWN", Map.of());
    second.<SubmitJobResponse>then(observer -> {
      observer.onNext(SubmitJobResponse.newBuilder().setJob(job("web")).build());
      observer.onCompleted();
    });
    try (OrchClient client = client()) {
      assertEquals(
          "web",
          client.jobs().submitJob(SubmitJobRequest.getDefaultInstance()).getJob().getJobName());
    }
    String id = first.asked(0, SubmitJobRequest.class).getRequestId();
    assertEquals(7, UUID.fromString(id).version());
    assertEquals(id, second.asked(0, SubmitJobRequest.class).getRequestId());
  }

  @Test
  void anIdOfTheCallersOwnIsKept() {
    first.<SubmitJobResponse>then(observer -> {
      observer.onNext(SubmitJobResponse.getDefaultInstance());
      observer.onCompleted();
    });
    try (OrchClient client = client()) {
      client.jobs().submitJob(SubmitJobRequest.newBuilder().setRequestId("mine").build());
    }
    assertEquals("mine", first.asked(0, SubmitJobRequest.class).getRequestId());
  }

  @Test
  void whatHasNoIdIsRepeatedOnlyIfNothingWasDone() {
    first.thenError(Code.UNAVAILABLE, "NO_LEADER", Map.of());
    second.thenError(Code.UNAVAILABLE, "OUTCOME_UNKNOWN", Map.of());
    try (OrchClient client = client()) {
      StatusRuntimeException failure =
          assertThrows(
              StatusRuntimeException.class,
              () -> client.tasks().signalTask(SignalTaskRequest.getDefaultInstance()));
      assertEquals("said OUTCOME_UNKNOWN", failure.getStatus().getDescription());
    }
    assertEquals(1, first.asked.size());
    assertEquals(1, second.asked.size());
  }

  @Test
  void aRefusalForGoodComesAsItIs() {
    first.thenError(Code.NOT_FOUND, "JOB_NOT_FOUND", Map.of());
    try (OrchClient client = client()) {
      StatusRuntimeException failure =
          assertThrows(StatusRuntimeException.class, () -> client.jobs().getJob(GET));
      assertEquals(Status.Code.NOT_FOUND, failure.getStatus().getCode());
      assertEquals(
          "JOB_NOT_FOUND", Refusal.of(failure.getStatus(), failure.getTrailers()).reason());
    }
    assertEquals(0, second.asked.size());
  }

  @Test
  void afterItsPatienceAChangeOfUnknownOutcomeSaysSo() {
    first.thenError(Code.UNAVAILABLE, "OUTCOME_UNKNOWN", Map.of());
    try (OrchClient client = OrchClient.of(List.of(first.address()), Duration.ofMillis(1_500))) {
      StatusRuntimeException failure =
          assertThrows(
              StatusRuntimeException.class,
              () -> client.jobs().submitJob(SubmitJobRequest.getDefaultInstance()));
      assertEquals(Status.Code.UNAVAILABLE, failure.getStatus().getCode());
      String description = String.valueOf(failure.getStatus().getDescription());
      assertTrue(description.startsWith("outcome unknown: "), description);
    }
    assertTrue(first.asked.size() > 1);
  }

  @Test
  void aReadThatFailedForLongSaysOnlyWhy() {
    first.thenError(Code.UNAVAILABLE, "NO_LEADER", Map.of());
    try (OrchClient client = OrchClient.of(List.of(first.address()), Duration.ofSeconds(1))) {
      StatusRuntimeException failure =
          assertThrows(StatusRuntimeException.class, () -> client.jobs().getJob(GET));
      assertEquals("said NO_LEADER", failure.getStatus().getDescription());
    }
  }

  @Test
  void theCallersDeadlineEndsTheRepeating() {
    first.thenError(Code.UNAVAILABLE, "NO_LEADER", Map.of());
    second.thenError(Code.UNAVAILABLE, "NO_LEADER", Map.of());
    try (OrchClient client = client()) {
      StatusRuntimeException failure =
          assertThrows(
              StatusRuntimeException.class,
              () -> client.jobs().withDeadlineAfter(300, TimeUnit.MILLISECONDS).getJob(GET));
      assertTrue(
          List.of(Status.Code.DEADLINE_EXCEEDED, Status.Code.UNAVAILABLE)
              .contains(failure.getStatus().getCode()));
    }
  }

  @Test
  void futureStubsAreRepeatedToo() throws Exception {
    first.thenError(Code.UNAVAILABLE, "NO_LEADER", Map.of()).thenJob("web");
    second.thenError(Code.UNAVAILABLE, "NO_LEADER", Map.of()).thenJob("web");
    try (OrchClient client = client()) {
      assertEquals(
          "web", JobServiceGrpc.newFutureStub(client.channel()).getJob(GET).get().getJobName());
    }
  }

  // ---- streams

  @Test
  void aWatchGoesOnByItsTokenAtAnotherController() throws InterruptedException {
    first.<WatchJobsResponse>then(observer -> {
      observer.onNext(event("a", ""));
      observer.onNext(event("b", "t1"));
      observer.onError(ScriptedController.error(Code.UNAVAILABLE, "LEADER_CHANGED", Map.of()));
    });
    second.<WatchJobsResponse>then(observer -> {
      observer.onNext(event("c", "t2"));
      observer.onCompleted();
    });
    try (OrchClient client = client();
        ResumingStream<WatchJobsResponse> watch =
            client.watch(WatchJobsRequest.newBuilder().setParent("namespaces/n").build())) {
      assertEquals("a", name(watch.next()));
      assertEquals("b", name(watch.next()));
      assertEquals("c", name(watch.next()));
      assertNull(watch.next());
    }
    assertEquals(1, first.asked.size(), "the stream resumes elsewhere at once");
    WatchJobsRequest resumed = second.asked(0, WatchJobsRequest.class);
    assertEquals("t1", resumed.getResumeToken());
    assertEquals("namespaces/n", resumed.getParent());
  }

  @Test
  void aWatchWhoseTokenIsTooOldSaysSo() throws InterruptedException {
    first.thenError(Code.ABORTED, "COMPACTED", Map.of());
    try (OrchClient client = client();
        ResumingStream<WatchJobsResponse> watch =
            client.watch(WatchJobsRequest.newBuilder().setResumeToken("old").build())) {
      StatusRuntimeException failure = assertThrows(StatusRuntimeException.class, watch::next);
      assertEquals(Status.Code.ABORTED, failure.getStatus().getCode());
    }
  }

  @Test
  void ofTheOutputEachByteComesOnce() throws InterruptedException {
    first
        .<StreamLogsResponse>then(observer -> {
          observer.onNext(logs(record(0, 1, "one\n"), record(1, 1, "uno\n")));
          observer.onNext(logs(record(0, 2, "two\n")));
          observer.onError(ScriptedController.error(Code.UNAVAILABLE, "STOPPING", Map.of()));
        })
        .<StreamLogsResponse>then(observer -> {
          observer.onNext(logs(record(1, 1, "uno\ndue\n")));
          observer.onNext(logs(record(0, 1, "one\n"), record(0, 2, "two\n"), record(0, 3, "3\n")));
          observer.onCompleted();
        });
    assertEquals(
        "0:one 1:uno 0:two 1:due 0:3 ",
        output(StreamLogsRequest.newBuilder().setName("jobs/1").build()));
    assertEquals(first.asked(0, Object.class), first.asked(1, Object.class));
  }

  @Test
  void theLastLinesAreResumedByTheirTimes() throws InterruptedException {
    first
        .<StreamLogsResponse>then(observer -> {
          observer.onNext(logs(record(0, 5, "a\n"), record(0, 5, "b\n")));
          observer.onError(ScriptedController.error(Code.UNAVAILABLE, "STOPPING", Map.of()));
        })
        .<StreamLogsResponse>then(observer -> {
          observer.onNext(logs(record(0, 5, "a\n"), record(0, 5, "b\n"), record(0, 5, "c\n")));
          observer.onCompleted();
        });
    assertEquals(
        "0:a 0:b 0:c ",
        output(StreamLogsRequest.newBuilder().setName("jobs/1").setTail(2).build()));
    StreamLogsRequest resumed = first.asked(1, StreamLogsRequest.class);
    assertFalse(resumed.hasTail());
    assertEquals(Timestamp.newBuilder().setSeconds(5).build(), resumed.getSince());
  }

  @Test
  void aClosedStreamLetsItsReaderGo() throws Exception {
    CountDownLatch open = new CountDownLatch(1);
    first.<WatchJobsResponse>then(observer -> open.countDown());
    try (OrchClient client = client()) {
      ResumingStream<WatchJobsResponse> watch = client.watch(WatchJobsRequest.getDefaultInstance());
      CompletableFuture<WatchJobsResponse> next =
          CompletableFuture.supplyAsync(() -> {
            try {
              return watch.next();
            } catch (InterruptedException e) {
              throw new AssertionError(e);
            }
          });
      assertTrue(open.await(20, TimeUnit.SECONDS));
      watch.close();
      ExecutionException failure = assertThrows(ExecutionException.class, next::get);
      assertEquals(Status.Code.CANCELLED, Status.fromThrowable(failure).getCode());
    }
  }

  // ---- below

  private String output(StreamLogsRequest request) throws InterruptedException {
    StringBuilder output = new StringBuilder();
    try (OrchClient client = OrchClient.of(first.address());
        ResumingStream<StreamLogsResponse> logs = client.logs(request)) {
      for (StreamLogsResponse part = logs.next(); part != null; part = logs.next()) {
        for (LogRecord record : part.getRecordsList()) {
          output
              .append(record.getIndex())
              .append(':')
              .append(record.getData().toStringUtf8().replace('\n', ' '));
        }
      }
    }
    return output.toString();
  }

  private static Job job(String name) {
    return Job.newBuilder().setJobName(name).build();
  }

  private static WatchJobsResponse event(String name, String token) {
    return WatchJobsResponse.newBuilder().setJob(job(name)).setResumeToken(token).build();
  }

  private static String name(WatchJobsResponse event) {
    return event.getJob().getJobName();
  }

  private static StreamLogsResponse logs(LogRecord... records) {
    return StreamLogsResponse.newBuilder().addAllRecords(List.of(records)).build();
  }

  private static LogRecord record(int index, long second, String data) {
    return LogRecord.newBuilder()
        .setIndex(index)
        .setAttempt(1)
        .setTime(Timestamp.newBuilder().setSeconds(second))
        .setData(ByteString.copyFromUtf8(data))
        .build();
  }

  private static int closedPort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }
}

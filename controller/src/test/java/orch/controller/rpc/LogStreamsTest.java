package orch.controller.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.grpc.Context;
import io.grpc.Status;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import orch.api.convert.AttemptConvert;
import orch.api.model.ControllerMessage;
import orch.api.model.DesiredAttempt;
import orch.v1.CordonNodeRequest;
import orch.v1.LogRecord;
import orch.v1.LogStream;
import orch.v1.StreamLogsRequest;
import orch.v1.StreamLogsResponse;
import orch.v1.TaskServiceGrpc;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Output of tasks from fake agents, over real streams, to a real client. */
@Timeout(60)
final class LogStreamsTest {
  private Bench bench;
  private final Context.CancellableContext clients = Context.ROOT.withCancellation();

  @BeforeEach
  void start() throws IOException {
    bench =
        new Bench(
            new GrpcServer.Bounds(
                Watches.MAX_WEIGHT,
                Duration.ofSeconds(15),
                1_000,
                Duration.ofSeconds(1),
                Duration.ofMillis(300),
                Duration.ofSeconds(1),
                Duration.ofSeconds(1)));
  }

  @AfterEach
  void stop() {
    clients.cancel(null);
    bench.close();
  }

  @Test
  void outputThatIsThereComesAndTheStreamEnds() {
    try (FakeAgent alpha = bench.agent("alpha").join()) {
      long job = running(alpha, "web");
      Reader reader = read("web");
      FakeAgent.Output output = alpha.openOutput();
      assertFalse(output.query.follow());
      output.send(line(job, 1, "one\n"), line(job, 2, "two\n"));
      output.complete();
      assertEquals("one\ntwo\n", reader.rest());
    }
  }

  @Test
  void bytesAreCarriedAsTheyAre() {
    try (FakeAgent alpha = bench.agent("alpha").join()) {
      long job = running(alpha, "web");
      Reader reader = read("web");
      LogRecord record =
          line(job, 1, "").toBuilder()
              .setData(ByteString.copyFrom(new byte[] {0, (byte) 0xff, 10, (byte) 0x80}))
              .setPartial(true)
              .setLostBytes(7)
              .setStream(LogStream.LOG_STREAM_STDERR)
              .build();
      FakeAgent.Output output = alpha.openOutput();
      output.send(record);
      output.complete();
      reader.rest();
      assertEquals(List.of(record), reader.records);
    }
  }

  @Test
  void queryGoesToTheNodeAsItWasAsked() {
    try (FakeAgent alpha = bench.agent("alpha").join()) {
      running(alpha, "web");
      read(
          StreamLogsRequest.newBuilder()
              .setName("namespaces/default/jobs/web/tasks/0")
              .setAttempt(2)
              .setTail(10)
              .setSince(AttemptConvert.timestamp(12_345L))
              .setStream(LogStream.LOG_STREAM_STDERR)
              .setFollow(true));
      ControllerMessage.OpenLogs query = alpha.openOutput().query;
      assertEquals(0, query.index());
      assertEquals(2, query.attempt());
      assertEquals(10, query.tail());
      assertEquals(12_345, query.sinceNanos());
      assertEquals(2, query.logStream());
      assertTrue(query.follow());
    }
  }

  @Test
  void followedOutputEndsWhenTheJobHasEndedAndTheNodeHasSentTheRest() {
    try (FakeAgent alpha = bench.agent("alpha").join()) {
      long job = bench.submit("web", 1).getNumber();
      DesiredAttempt attempt = alpha.wanted(0);
      alpha.running(attempt, job);
      Reader reader = follow("web");
      FakeAgent.Output output = alpha.openOutput();
      output.send(line(job, 1, "one\n"));
      assertEquals("one\n", reader.next());
      alpha.exited(attempt, job, 0);
      ControllerMessage.CloseLogs close =
          alpha.await(ControllerMessage.CloseLogs.class, message -> true);
      assertEquals(output.query.stream(), close.stream());
      assertTrue(close.drain());
      output.send(line(job, 2, "two\n"));
      output.complete();
      assertEquals("two\n", reader.rest());
    }
  }

  @Test
  void followerOfAJobThatHasNoTaskYetWaitsForItsNode() {
    long job = bench.submit("web", 1).getNumber();
    Reader reader = follow("web");
    try (FakeAgent alpha = bench.agent("alpha").join()) {
      DesiredAttempt attempt = alpha.wanted(0);
      alpha.running(attempt, job);
      FakeAgent.Output output = alpha.openOutput();
      output.send(line(job, 1, "late\n"));
      assertEquals("late\n", reader.next());
    }
  }

  @Test
  void outputOfSeveralNodesIsMerged() {
    try (FakeAgent alpha = bench.agent("alpha").join();
        FakeAgent beta = bench.agent("beta").join()) {
      bench.nodes().cordonNode(CordonNodeRequest.newBuilder().setName("beta").build());
      long job =
          bench.submit(Bench.spec("web", 2).toBuilder().setParallelism(1).build()).getNumber();
      DesiredAttempt first = alpha.wanted(0);
      alpha.running(first, job);
      bench.nodes().cordonNode(CordonNodeRequest.newBuilder().setName("alpha").build());
      bench.nodes().uncordonNode(orch.v1.UncordonNodeRequest.newBuilder().setName("beta").build());
      alpha.exited(first, job, 0);
      beta.running(beta.wanted(1), job);
      Reader reader = read("web");
      FakeAgent.Output fromAlpha = alpha.openOutput();
      FakeAgent.Output fromBeta = beta.openOutput();
      fromAlpha.send(line(job, 1, "a"));
      fromAlpha.complete();
      fromBeta.send(task(1, line(job, 2, "b")));
      fromBeta.complete();
      String all = reader.rest();
      assertTrue(all.equals("ab") || all.equals("ba"), all);
    }
  }

  @Test
  void slowClientHoldsTheNodeBack() throws Exception {
    try (FakeAgent alpha = bench.agent("alpha").join()) {
      long job = running(alpha, "web");
      Held client = new Held();
      TaskServiceGrpc.newStub(bench.channel())
          .streamLogs(StreamLogsRequest.newBuilder().setName("web").build(), client);
      FakeAgent.Output output = alpha.openOutput();
      ByteString block = ByteString.copyFrom(new byte[32 * 1024]);
      long credit = 0;
      long sent = 0;
      while (true) {
        Long more = output.credit.poll(300, TimeUnit.MILLISECONDS);
        if (more == null) {
          break;
        }
        credit += more;
        while (credit >= block.size()) {
          output.send(line(job, sent, "").toBuilder().setData(block).build());
          sent += block.size();
          credit -= block.size();
        }
        assertTrue(sent < 64L << 20, "a client that reads nothing is sent on and on");
      }
      long total = sent;
      client.take();
      output.complete();
      client.end.get(10, TimeUnit.SECONDS);
      assertEquals(total, client.bytes, "everything that was sent arrives");
    }
  }

  @Test
  void nodeThatSendsWithoutCreditIsCutOff() {
    try (FakeAgent alpha = bench.agent("alpha").join()) {
      long job = running(alpha, "web");
      Held client = new Held();
      TaskServiceGrpc.newStub(bench.channel())
          .streamLogs(StreamLogsRequest.newBuilder().setName("web").build(), client);
      FakeAgent.Output output = alpha.openOutput();
      ByteString block = ByteString.copyFrom(new byte[1024 * 1024]);
      for (int i = 0; i < 64; i++) {
        output.send(line(job, i, "").toBuilder().setData(block).build());
      }
      client.take();
      client.end.join();
      assertTrue(client.bytes < 40L << 20, client.bytes + " bytes");
      assertTrue(
          client.notices.stream().anyMatch(notice -> notice.contains("cut off")),
          client.notices.toString());
    }
  }

  @Test
  void brokenStreamIsOpenedAgainAndNothingComesTwice() {
    try (FakeAgent alpha = bench.agent("alpha").join()) {
      long job = running(alpha, "web");
      Reader reader = follow("web");
      FakeAgent.Output output = alpha.openOutput();
      output.send(line(job, 1, "one\n"), line(job, 2, "two\n"), line(job, 2, "too\n"));
      assertEquals("one\n", reader.next());
      assertEquals("two\n", reader.next());
      assertEquals("too\n", reader.next());
      output.fail();
      FakeAgent.Output again = alpha.openOutput();
      again.send(line(job, 1, "one\n"), line(job, 2, "two\n"), line(job, 2, "too\n"));
      again.send(line(job, 2, "new at the same time\n"), line(job, 3, "three\n"));
      assertEquals("new at the same time\n", reader.next());
      assertEquals("three\n", reader.next());
    }
  }

  @Test
  void agentsNoticeIsPassedOnWithItsNode() {
    try (FakeAgent alpha = bench.agent("alpha").join()) {
      running(alpha, "web");
      Reader reader = read("web");
      FakeAgent.Output output = alpha.openOutput();
      output.notice("older output was removed");
      output.complete();
      reader.rest();
      assertEquals(List.of("node alpha: older output was removed"), reader.notices);
    }
  }

  @Test
  void nodeThatDoesNotAnswerIsNamedAndTheStreamEnds() {
    FakeAgent alpha = bench.agent("alpha").join();
    running(alpha, "web");
    alpha.close();
    while (!bench.controller.connected().isEmpty()) {
      Thread.onSpinWait();
    }
    Reader reader = read("web");
    reader.rest();
    assertEquals(1, reader.notices.size());
    assertTrue(
        reader.notices.getFirst().contains("alpha does not answer"), reader.notices.toString());
  }

  @Test
  void newestAttemptIsThatOfTheTaskNotOfTheNode() {
    try (FakeAgent alpha = bench.agent("alpha").join()) {
      long job =
          bench
              .submit(
                  Bench.spec("web", 1).toBuilder()
                      .setRestart(
                          orch.v1.RestartPolicy.newBuilder()
                              .setWhen(orch.v1.RestartWhen.RESTART_WHEN_ON_FAILURE)
                              .setMaxRetries(3))
                      .build())
              .getNumber();
      DesiredAttempt first = alpha.wanted(0);
      alpha.running(first, job);
      alpha.exited(first, job, 1);
      DesiredAttempt second = alpha.wanted(0);
      assertEquals(2, second.attempt());
      alpha.running(second, job);
      Reader reader = read(StreamLogsRequest.newBuilder().setName("web").setAttempt(-1));
      FakeAgent.Output output = alpha.openOutput();
      output.send(line(job, 1, "old\n"), line(job, 2, "new\n").toBuilder().setAttempt(2).build());
      output.complete();
      assertEquals("new\n", reader.rest());
    }
  }

  @Test
  void clientThatLeavesEndsTheNodesStream() throws Exception {
    try (FakeAgent alpha = bench.agent("alpha").join()) {
      running(alpha, "web");
      follow("web");
      FakeAgent.Output output = alpha.openOutput();
      output.credited();
      clients.cancel(null);
      ControllerMessage.CloseLogs close =
          alpha.await(ControllerMessage.CloseLogs.class, message -> true);
      assertFalse(close.drain());
      assertTrue(output.ended.get(10, TimeUnit.SECONDS));
    }
  }

  @Test
  void streamThatNobodyAskedForIsRefused() throws Exception {
    CompletableFuture<Throwable> refused = new CompletableFuture<>();
    var stub = orch.agent.v1.AgentServiceGrpc.newStub(bench.channel());
    var stream =
        stub.serveLogs(
            new io.grpc.stub.StreamObserver<>() {
              @Override
              public void onNext(orch.agent.v1.LogCredit credit) {}

              @Override
              public void onError(Throwable failure) {
                refused.complete(failure);
              }

              @Override
              public void onCompleted() {}
            });
    stream.onNext(orch.agent.v1.LogBatch.newBuilder().setStream(5).build());
    assertEquals(
        Status.Code.CANCELLED, Status.fromThrowable(refused.get(10, TimeUnit.SECONDS)).getCode());
  }

  @Test
  void outputOfWhatDoesNotExistIsNotFound() {
    assertEquals("JOB_NOT_FOUND", Bench.refused(() -> read("nope").rest()).reason());
    bench.submit("web", 1);
    assertEquals("TASK_NOT_FOUND", Bench.refused(() -> read("web/tasks/7").rest()).reason());
    assertEquals(
        List.of("tail"),
        Bench.refused(() -> read(StreamLogsRequest.newBuilder().setName("web").setTail(-1)).rest())
            .fields());
  }

  // ---- vocabulary

  /** A job of one task that runs on the agent. */
  private long running(FakeAgent agent, String name) {
    long job = bench.submit(name, 1).getNumber();
    agent.running(agent.wanted(0), job);
    return job;
  }

  private static LogRecord line(long job, long nanos, String text) {
    return LogRecord.newBuilder()
        .setJobNumber(job)
        .setAttempt(1)
        .setStream(LogStream.LOG_STREAM_STDOUT)
        .setTime(AttemptConvert.timestamp(1_000_000_000L + nanos))
        .setData(ByteString.copyFromUtf8(text))
        .build();
  }

  private static LogRecord task(int index, LogRecord record) {
    return record.toBuilder().setIndex(index).build();
  }

  private Reader read(String name) {
    return read(StreamLogsRequest.newBuilder().setName(name));
  }

  private Reader follow(String name) {
    return read(StreamLogsRequest.newBuilder().setName(name).setFollow(true));
  }

  private Reader read(StreamLogsRequest.Builder request) {
    Context previous = clients.attach();
    try {
      return new Reader(bench.tasks().streamLogs(request.build()));
    } finally {
      clients.detach(previous);
    }
  }

  private static final class Reader {
    private final Iterator<StreamLogsResponse> stream;
    private final List<LogRecord> records = new ArrayList<>();
    private final List<String> notices = new ArrayList<>();
    private int shown;

    Reader(Iterator<StreamLogsResponse> stream) {
      this.stream = stream;
    }

    /** The next record's text. */
    String next() {
      while (shown == records.size()) {
        take(stream.next());
      }
      return records.get(shown++).getData().toStringUtf8();
    }

    /** Everything up to the end. */
    String rest() {
      stream.forEachRemaining(this::take);
      StringBuilder text = new StringBuilder();
      while (shown < records.size()) {
        text.append(records.get(shown++).getData().toStringUtf8());
      }
      return text.toString();
    }

    private void take(StreamLogsResponse response) {
      records.addAll(response.getRecordsList());
      notices.addAll(response.getNoticesList());
    }
  }

  /** A client that reads nothing until it is told to. */
  private static final class Held
      implements ClientResponseObserver<StreamLogsRequest, StreamLogsResponse> {
    private final CompletableFuture<ClientCallStreamObserver<StreamLogsRequest>> call =
        new CompletableFuture<>();
    private final CompletableFuture<Boolean> end = new CompletableFuture<>();
    private final List<String> notices = new ArrayList<>();
    private long bytes;

    void take() {
      call.join().request(1 << 20);
    }

    @Override
    public void beforeStart(ClientCallStreamObserver<StreamLogsRequest> stream) {
      stream.disableAutoRequestWithInitial(0);
      call.complete(stream);
    }

    @Override
    public void onNext(StreamLogsResponse response) {
      for (LogRecord record : response.getRecordsList()) {
        bytes += record.getData().size();
      }
      notices.addAll(response.getNoticesList());
    }

    @Override
    public void onError(Throwable failure) {
      end.completeExceptionally(failure);
    }

    @Override
    public void onCompleted() {
      end.complete(true);
    }
  }
}

package orch.controller.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import com.google.rpc.RetryInfo;
import io.grpc.Context;
import io.grpc.Metadata;
import io.grpc.Status.Code;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import orch.agent.v1.AgentServiceGrpc;
import orch.agent.v1.ExecInput;
import orch.agent.v1.ExecOutput;
import orch.api.model.ControllerMessage;
import orch.controller.http.HttpGateway;
import orch.controller.port.Member;
import orch.v1.ExecRequest;
import orch.v1.ExecResponse;
import orch.v1.ExecStart;
import orch.v1.GetJobRequest;
import orch.v1.GetTaskRequest;
import orch.v1.Job;
import orch.v1.JobServiceGrpc;
import orch.v1.JobSpec;
import orch.v1.Result;
import orch.v1.SubmitJobRequest;
import orch.v1.TaskServiceGrpc;
import orch.v1.TaskState;
import orch.v1.WatchJobsRequest;
import orch.v1.WatchJobsResponse;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a standby is asked goes to the leader, over real connections on both ports. */
@Timeout(60)
final class ForwardingTest {
  private static final Duration PATIENCE = Duration.ofMillis(500);

  private Bench leader;
  private Bench standby;

  @BeforeEach
  void start() throws IOException {
    leader = bench(PATIENCE);
    standby = bench(PATIENCE);
    standby.controller.follow(member(leader));
  }

  @AfterEach
  void stop() {
    standby.close();
    leader.close();
  }

  // ---- gRPC

  @Test
  void standbyAnswersWhatTheLeaderDoes() {
    Job submitted = standby.submit("web", 2);
    assertEquals(submitted, leader.jobs().getJob(get("web")));
    assertEquals(submitted, standby.jobs().getJob(get("web")));
    assertEquals("NOT_FOUND", Bench.refused(() -> job(standby, "nope")).code().name());
  }

  @Test
  void principalAndTraceOfTheCallerArrive() {
    Job job =
        JobServiceGrpc.newBlockingStub(
                standby.as(
                    "alice",
                    Map.of(
                        "traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")))
            .submitJob(SubmitJobRequest.newBuilder().setSpec(Bench.spec("web", 1)).build())
            .getJob();
    assertEquals("local:alice", job.getOwner());
    assertTrue(
        leader.jobs().getJob(get("web")).toString().contains("0af7651916cd43dd8448eb211c80319c"));
  }

  @Test
  void requestIdIsTheCallersWhoeverIsAsked() {
    SubmitJobRequest request =
        SubmitJobRequest.newBuilder().setSpec(Bench.spec("once", 1)).setRequestId(uuid7()).build();
    long number = standby.jobs().submitJob(request).getJob().getNumber();
    assertEquals(number, leader.jobs().submitJob(request).getJob().getNumber());
    assertEquals(number, standby.jobs().submitJob(request).getJob().getNumber());
  }

  @Test
  void errorsComeBackWithTheirDetails() {
    SubmitJobRequest wrong =
        SubmitJobRequest.newBuilder()
            .setSpec(JobSpec.newBuilder().setName("UPPER").setCount(-1))
            .build();
    Bench.Refused here = Bench.refused(() -> leader.jobs().submitJob(wrong));
    Bench.Refused there = Bench.refused(() -> standby.jobs().submitJob(wrong));
    assertEquals(Code.INVALID_ARGUMENT, there.code());
    assertEquals("INVALID_SPEC", there.reason());
    assertEquals(here.message(), there.message());
    assertEquals(here.fields(), there.fields());
    assertFalse(there.fields().isEmpty());
  }

  @Test
  void deadlineMetadataAndCancellationReachTheLeader() throws Exception {
    try (StubLeader stub = new StubLeader();
        Context.CancellableContext caller = Context.current().withCancellation()) {
      standby.controller.follow(stub.member());
      caller.run(() -> {
        var _ =
            JobServiceGrpc.newFutureStub(standby.as("bob", Map.of("baggage", "a=b")))
                .withDeadlineAfter(30, TimeUnit.SECONDS)
                .getJob(get("web"));
      });
      StubLeader.Asked asked = stub.next();
      assertEquals("bob", asked.headers().get(key("orch-user")));
      assertEquals("a=b", asked.headers().get(key("baggage")));
      long left = Objects.requireNonNull(asked.deadline()).timeRemaining(TimeUnit.SECONDS);
      assertTrue(left > 10 && left <= 30, "the leader has " + left + " s");
      caller.cancel(null);
      assertTrue(stub.cancelled.await(20, TimeUnit.SECONDS));
    }
  }

  @Test
  void commandThroughAStandbyIsJoinedWithTheNodesStreamAtTheLeader() throws Exception {
    try (FakeAgent agent = leader.agent("alpha").join()) {
      long job = leader.submit("web", 1).getNumber();
      agent.running(agent.wanted(0), job);
      GetTaskRequest task = GetTaskRequest.newBuilder().setName("web/0").build();
      while (leader.tasks().getTask(task).getState() != TaskState.TASK_STATE_RUNNING) {
        Thread.onSpinWait();
      }
      Heard<ExecResponse> client = new Heard<>();
      StreamObserver<ExecRequest> input =
          TaskServiceGrpc.newStub(standby.newChannel()).exec(client);
      input.onNext(
          ExecRequest.newBuilder()
              .setStart(ExecStart.newBuilder().setName("web/0").addCommand("cat"))
              .build());
      ControllerMessage.OpenExec order =
          agent.await(ControllerMessage.OpenExec.class, message -> true);
      Heard<ExecInput> node = new Heard<>();
      StreamObserver<ExecOutput> output =
          AgentServiceGrpc.newStub(leader.newChannel()).serveExec(node);
      output.onNext(ExecOutput.newBuilder().setStream(order.stream()).build());
      assertTrue(((ExecInput) node.next()).getCredit() > 0);
      output.onNext(ExecOutput.newBuilder().setCredit(1_000).build());
      for (int word = 0; word < 100; word++) {
        input.onNext(
            ExecRequest.newBuilder().setStdin(ByteString.copyFromUtf8("word" + word)).build());
        assertEquals("word" + word, ((ExecInput) node.next()).getStdin().toStringUtf8());
        output.onNext(ExecOutput.newBuilder().setStdout(ByteString.copyFromUtf8("a")).build());
        assertEquals("a", ((ExecResponse) client.next()).getStdout().toStringUtf8());
        assertEquals(1, ((ExecInput) node.next()).getCredit());
        output.onNext(ExecOutput.newBuilder().setCredit(10).build());
      }
      output.onNext(ExecOutput.newBuilder().setResult(Result.newBuilder().setExitCode(3)).build());
      assertEquals(3, ((ExecResponse) client.next()).getResult().getExitCode());
      assertEquals(Heard.END, client.next());
    }
  }

  @Test
  void commandThroughAStandbyIsRefusedAsTheLeaderRefusesItAndWhenNobodyLeads() throws Exception {
    ExecRequest start =
        ExecRequest.newBuilder()
            .setStart(ExecStart.newBuilder().setName("nope/0").addCommand("cat"))
            .build();
    Heard<ExecResponse> unknown = new Heard<>();
    TaskServiceGrpc.newStub(standby.newChannel()).exec(unknown).onNext(start);
    assertEquals(
        Code.NOT_FOUND, io.grpc.Status.fromThrowable((Throwable) unknown.next()).getCode());
    standby.controller.follow(null);
    Heard<ExecResponse> nobody = new Heard<>();
    TaskServiceGrpc.newStub(standby.newChannel()).exec(nobody).onNext(start);
    io.grpc.Status refused = io.grpc.Status.fromThrowable((Throwable) nobody.next());
    assertEquals(Code.UNAVAILABLE, refused.getCode());
    assertTrue(
        Objects.requireNonNull(refused.getDescription()).contains("no controller leads"),
        refused.toString());
  }

  @Test
  void watchThroughAStandbySeesWhatHappensAtTheLeader() {
    leader.submit("first", 1);
    Iterator<WatchJobsResponse> watch =
        standby.jobs().watchJobs(WatchJobsRequest.getDefaultInstance());
    assertEquals("first", watch.next().getJob().getJobName());
    assertFalse(watch.next().hasJob());
    leader.submit("second", 1);
    WatchJobsResponse event = watch.next();
    assertEquals("second", event.getJob().getJobName());
    Iterator<WatchJobsResponse> resumed =
        leader
            .jobs()
            .watchJobs(
                WatchJobsRequest.newBuilder().setResumeToken(event.getResumeToken()).build());
    assertFalse(resumed.next().hasJob());
    leader.server.close();
    // Whether the leader's last word comes through or not.
    assertTrue(
        List.of("LEADER_UNREACHABLE", "LEADER_CHANGED")
            .contains(Bench.refused(watch::hasNext).reason()));
  }

  // ---- loops, and times without a leader

  @Test
  void callThatWasSentOnIsNotSentOnAgain() {
    Bench.Refused refused =
        Bench.refused(() ->
            JobServiceGrpc.newBlockingStub(standby.as("alice", Map.of("orch-forwarded-by", "1")))
                .getJob(get("a")));
    assertEquals(Code.UNAVAILABLE, refused.code());
    assertEquals("NOT_LEADER", refused.reason());
    assertEquals(member(leader).grpcAddress(), refused.info().getMetadataOrThrow("leader"));
  }

  @Test
  void twoThatTakeEachOtherForTheLeaderRefuseInTime() {
    leader.controller.follow(member(standby));
    Bench.Refused refused = Bench.refused(() -> job(standby, "web"));
    assertEquals(Code.UNAVAILABLE, refused.code());
    assertEquals("NOT_LEADER", refused.reason());
  }

  @Test
  void callIsRefusedWhenNobodyLeadsForLongAndSaysWhenToTryAgain() {
    standby.controller.follow(null);
    Bench.Refused refused = Bench.refused(() -> standby.submit("web", 1));
    assertEquals(Code.UNAVAILABLE, refused.code());
    assertEquals("NO_LEADER", refused.reason());
    assertTrue(refused.message().contains("nothing was done"), refused.message());
    assertEquals(
        1, Objects.requireNonNull(refused.detail(RetryInfo.class)).getRetryDelay().getSeconds());
  }

  @Test
  void callWaitsForTheNextLeader() throws Exception {
    try (Bench patient = bench(Duration.ofSeconds(30))) {
      patient.controller.follow(null);
      CompletableFuture<Job> job = CompletableFuture.supplyAsync(() -> patient.submit("web", 1));
      patient.controller.follow(member(leader));
      assertEquals(job.get(), leader.jobs().getJob(get("web")));
    }
  }

  @Test
  void callOfOneThatBecomesLeaderMeanwhileIsAnsweredHere() throws Exception {
    try (Bench patient = bench(Duration.ofSeconds(30))) {
      patient.controller.follow(null);
      CompletableFuture<Job> job = CompletableFuture.supplyAsync(() -> patient.submit("web", 1));
      patient.controller.lead();
      assertEquals(job.get(), patient.jobs().getJob(get("web")));
    }
  }

  @Test
  void requestWithAnIdGoesToTheSuccessorOfALeaderThatHangs() throws Exception {
    try (StubLeader hanging = new StubLeader();
        Bench patient = bench(Duration.ofSeconds(30))) {
      patient.controller.follow(hanging.member());
      CompletableFuture<Job> job = CompletableFuture.supplyAsync(() -> job(patient, "web"));
      hanging.next();
      Job submitted = leader.submit("web", 1);
      patient.controller.follow(member(leader));
      assertEquals(submitted, job.get());
    }
  }

  @Test
  void requestWithoutAnIdIsNotToldTwice() throws Exception {
    Member gone = new Member("gone", true, 9, 0, "", "127.0.0.1:" + freePort(), "test", 1);
    standby.controller.follow(gone);
    Bench.Refused refused = Bench.refused(() -> standby.submit("web", 1));
    assertEquals("LEADER_UNREACHABLE", refused.reason());
    assertTrue(refused.message().contains("may have taken effect"), refused.message());
    assertTrue(refused.message().contains("gone at 127.0.0.1:"), refused.message());
  }

  @Test
  void leaderThatIsDeposedSendsOnWhatItDidNotDo() {
    // It takes itself for the leader when the call begins, and finds out in its loop.
    Bench deposed = leader;
    deposed.controller.follow(member(standby));
    deposed.controller.takeItselfForLeader(1);
    standby.controller.lead();
    assertEquals("web", deposed.submit("web", 1).getJobName());
    assertEquals("web", standby.jobs().getJob(get("web")).getJobName());
  }

  // ---- HTTP

  @Test
  void httpPortOfAStandbyAnswersAsTheLeaderDoes() throws Exception {
    try (HttpGateway gateway =
            new HttpGateway(loopback(), standby.server.publicServices(), standby.controller);
        HttpClient client = HttpClient.newHttpClient()) {
      gateway.start();
      leader.submit("web", 1);
      HttpResponse<String> job =
          post(client, gateway, "JobService/GetJob", "application/json", "{\"name\":\"web\"}");
      assertEquals(200, job.statusCode(), job.body());
      assertTrue(job.body().contains("\"jobName\":\"web\""), job.body());
      assertEquals(List.of("application/json"), job.headers().allValues("content-type"));
      HttpResponse<String> missing =
          post(client, gateway, "JobService/GetJob", "application/json", "{\"name\":\"no\"}");
      assertEquals(404, missing.statusCode());
      assertTrue(missing.body().contains("JOB_NOT_FOUND"), missing.body());
      assertEquals(List.of("application/json"), missing.headers().allValues("content-type"));
      HttpResponse<String> watch =
          post(
              client,
              gateway,
              "JobService/WatchJobs",
              "application/connect+json",
              "\0\0\0\0\2{}",
              "Connect-Timeout-Ms",
              "2000");
      assertTrue(watch.body().contains("\"jobName\":\"web\""), watch.body());
      assertTrue(watch.body().contains("deadline_exceeded"), watch.body());
    }
  }

  @Test
  void everyControllerTellsItsOwnVersion() {
    standby.controller.follow(null);
    assertEquals(
        "1.2.3",
        standby.cluster().getVersion(orch.v1.GetVersionRequest.getDefaultInstance()).getVersion());
    assertNull(standby.controller.leadership().leader());
  }

  // ---- below

  private static Bench bench(Duration patience) throws IOException {
    GrpcServer.Bounds usual = GrpcServer.Bounds.DEFAULT;
    return new Bench(
        new GrpcServer.Bounds(
            usual.watchWeight(),
            usual.bookmarks(),
            usual.outbox(),
            usual.signalTimeout(),
            usual.logPatience(),
            patience,
            usual.leaderPatience()));
  }

  private static Member member(Bench bench) {
    return new Member("other", true, 2, 0, "", "127.0.0.1:" + bench.server.port(), "test", 1);
  }

  private static Job job(Bench bench, String name) {
    return bench.jobs().getJob(get(name));
  }

  private static GetJobRequest get(String name) {
    return GetJobRequest.newBuilder().setName(name).build();
  }

  private static InetSocketAddress loopback() {
    return new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
  }

  private static Metadata.Key<String> key(String name) {
    return Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER);
  }

  private static String uuid7() {
    UUID random = UUID.randomUUID();
    long high =
        System.currentTimeMillis() << 16 | 0x7000L | random.getMostSignificantBits() & 0xFFF;
    return new UUID(high, random.getLeastSignificantBits()).toString();
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  private static HttpResponse<String> post(
      HttpClient client,
      HttpGateway gateway,
      String method,
      String type,
      String body,
      String... headers)
      throws Exception {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(
                URI.create("http://127.0.0.1:" + gateway.port() + "/orch.v1." + method))
            .header("Content-Type", type)
            .POST(HttpRequest.BodyPublishers.ofString(body));
    if (headers.length > 0) {
      request.headers(headers);
    }
    return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
  }
}

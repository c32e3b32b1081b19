package orch.controller.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.Context;
import io.grpc.Status;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import orch.api.model.DesiredAttempt;
import orch.v1.CancelJobRequest;
import orch.v1.CordonNodeRequest;
import orch.v1.DeleteJobRequest;
import orch.v1.HoldJobRequest;
import orch.v1.Job;
import orch.v1.JobFilter;
import orch.v1.JobState;
import orch.v1.NodeState;
import orch.v1.ReleaseJobRequest;
import orch.v1.TaskState;
import orch.v1.WatchJobsRequest;
import orch.v1.WatchJobsResponse;
import orch.v1.WatchNodesRequest;
import orch.v1.WatchTasksRequest;
import orch.v1.WatchTasksResponse;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
final class WatchTest {
  private static final int SMALL_RING = 20;

  private Bench bench;
  private final Context.CancellableContext clients = Context.ROOT.withCancellation();

  @BeforeEach
  void start() throws IOException {
    bench =
        new Bench(
            new GrpcServer.Bounds(
                SMALL_RING,
                Duration.ofMillis(50),
                1_000,
                Duration.ofSeconds(1),
                Duration.ofSeconds(1),
                Duration.ofSeconds(1),
                Duration.ofSeconds(1)));
  }

  @AfterEach
  void stop() {
    clients.cancel(null);
    bench.close();
  }

  // ---- jobs

  @Test
  void watchBeginsWithWhatIsThereAndGoesOnWithChanges() {
    bench.submit("a", 1);
    Jobs watch = watch(WatchJobsRequest.newBuilder());
    assertEquals("a QUEUED", watch.next());
    bench.submit("b", 1);
    assertEquals("b QUEUED", watch.next());
    bench.jobs().holdJob(HoldJobRequest.newBuilder().setName("a").build());
    assertEquals("a HELD", watch.next());
  }

  @Test
  void brokenWatchResumesWithoutAGapOrARepetition() {
    bench.submit("a", 1);
    Jobs first = watch(WatchJobsRequest.newBuilder());
    assertEquals("a QUEUED", first.next());
    bench.jobs().holdJob(HoldJobRequest.newBuilder().setName("a").build());
    assertEquals("a HELD", first.next());
    bench.submit("b", 1);
    Jobs second = watch(WatchJobsRequest.newBuilder().setResumeToken(first.token));
    assertEquals("b QUEUED", second.next());
  }

  @Test
  void watchThatBreaksOffInItsBeginningBeginsAnew() {
    bench.submit("a", 1);
    bench.submit("b", 1);
    Jobs first = watch(WatchJobsRequest.newBuilder());
    String begun = first.next();
    Jobs second = watch(WatchJobsRequest.newBuilder().setResumeToken(first.token));
    assertEquals(begun, second.next());
    assertNotEquals(begun, second.next());
    String token = second.token;
    bench.jobs().holdJob(HoldJobRequest.newBuilder().setName("b").build());
    assertEquals("b HELD", watch(WatchJobsRequest.newBuilder().setResumeToken(token)).next());
  }

  @Test
  void severalChangesThatNobodyReadAreToldAsOne() {
    bench.submit("a", 1);
    Jobs first = watch(WatchJobsRequest.newBuilder());
    assertEquals("a QUEUED", first.next());
    String token = first.token;
    bench.jobs().holdJob(HoldJobRequest.newBuilder().setName("a").build());
    bench.jobs().releaseJob(ReleaseJobRequest.newBuilder().setName("a").build());
    bench.jobs().cancelJob(CancelJobRequest.newBuilder().setName("a").build());
    Jobs second = watch(WatchJobsRequest.newBuilder().setResumeToken(token));
    assertEquals("a CANCELLED", second.next());
    bench.submit("b", 1);
    assertEquals("b QUEUED", second.next());
  }

  @Test
  void tokenFromBeforeTheRingIsCompacted() {
    bench.submit("a", 1);
    Jobs watch = watch(WatchJobsRequest.newBuilder());
    assertEquals("a QUEUED", watch.next());
    String token = watch.token;
    for (int i = 0; i < SMALL_RING; i++) {
      bench.submit("j" + i, 1);
    }
    Bench.Refused refused =
        Bench.refused(() -> watch(WatchJobsRequest.newBuilder().setResumeToken(token)).next());
    assertEquals(Status.Code.ABORTED, refused.code());
    assertEquals("COMPACTED", refused.reason());
  }

  @Test
  void tokenOfAnotherIncarnationIsCompactedAndOneThatIsNoneIsInvalid() {
    bench.submit("a", 1);
    assertEquals(
        "COMPACTED",
        Bench.refused(() ->
                watch(
                        WatchJobsRequest.newBuilder()
                            .setResumeToken(new Tokens.Resume(9, 1).toString()))
                    .next())
            .reason());
    assertEquals(
        List.of("resume_token"),
        Bench.refused(() -> watch(WatchJobsRequest.newBuilder().setResumeToken("x")).next())
            .fields());
  }

  @Test
  void silentWatchSendsBookmarksThatCarryTheNewestRevision() {
    long job = bench.submit("a", 1).getNumber();
    Jobs watch =
        watch(WatchJobsRequest.newBuilder().setFilter(JobFilter.newBuilder().addNumbers(job)));
    assertEquals("a QUEUED", watch.next());
    String before = watch.token;
    for (int i = 0; i < SMALL_RING; i++) {
      bench.submit("j" + i, 1);
      watch.bookmark();
    }
    assertFalse(watch.token.equals(before));
    bench.jobs().holdJob(HoldJobRequest.newBuilder().setName("a").build());
    assertEquals("a HELD", watch(WatchJobsRequest.newBuilder().setResumeToken(watch.token)).next());
  }

  @Test
  void watchUntilTheEndEndsWithTheLastJob() {
    long a = bench.submit("a", 1).getNumber();
    long b = bench.submit("b", 1).getNumber();
    bench.submit("c", 1);
    Jobs watch =
        watch(
            WatchJobsRequest.newBuilder()
                .setFilter(JobFilter.newBuilder().addNumbers(a).addNumbers(b))
                .setUntilEnded(true));
    assertEquals("b QUEUED", watch.next());
    assertEquals("a QUEUED", watch.next());
    bench.jobs().cancelJob(CancelJobRequest.newBuilder().setName("a").build());
    assertEquals("a CANCELLED", watch.next());
    bench.jobs().cancelJob(CancelJobRequest.newBuilder().setName("b").build());
    assertEquals("b CANCELLED", watch.next());
    assertTrue(watch.ends());
  }

  @Test
  void watchUntilTheEndOfWhatHasEndedShowsItAndEnds() {
    long a = bench.submit("a", 1).getNumber();
    bench.jobs().cancelJob(CancelJobRequest.newBuilder().setName("a").build());
    WatchJobsRequest.Builder request =
        WatchJobsRequest.newBuilder()
            .setFilter(JobFilter.newBuilder().addNumbers(a))
            .setUntilEnded(true);
    Jobs watch = watch(request);
    assertEquals("a CANCELLED", watch.next());
    assertTrue(watch.ends());
    assertTrue(watch(request.setResumeToken(watch.token)).ends());
    assertEquals(
        Status.Code.NOT_FOUND,
        Bench.refused(() ->
                watch(
                        WatchJobsRequest.newBuilder()
                            .setFilter(JobFilter.newBuilder().addNumbers(99))
                            .setUntilEnded(true))
                    .next())
            .code());
    assertEquals(
        List.of("until_ended"),
        Bench.refused(() -> watch(WatchJobsRequest.newBuilder().setUntilEnded(true)).next())
            .fields());
  }

  @Test
  void watchUntilTheEndThatResumesTellsOfTheEndThatItMissed() {
    long a = bench.submit("a", 1).getNumber();
    WatchJobsRequest.Builder request =
        WatchJobsRequest.newBuilder()
            .setFilter(JobFilter.newBuilder().addNumbers(a))
            .setUntilEnded(true);
    Jobs watch = watch(request);
    assertEquals("a QUEUED", watch.next());
    String token = watch.token;
    bench.jobs().cancelJob(CancelJobRequest.newBuilder().setName("a").build());
    Jobs resumed = watch(request.setResumeToken(token));
    assertEquals("a CANCELLED", resumed.next());
    assertTrue(resumed.ends());
    assertTrue(watch(request.setResumeToken(resumed.token)).ends(), "it is told once");
  }

  @Test
  void watcherOfLiveJobsHearsOfTheirEndAndDeletion() {
    bench.submit("done", 1);
    bench.jobs().cancelJob(CancelJobRequest.newBuilder().setName("done").build());
    bench.submit("a", 1);
    Jobs watch =
        watch(WatchJobsRequest.newBuilder().setFilter(JobFilter.newBuilder().setLive(true)));
    assertEquals("a QUEUED", watch.next());
    bench.jobs().cancelJob(CancelJobRequest.newBuilder().setName("a").build());
    assertEquals("a CANCELLED", watch.next());
    bench.jobs().deleteJob(DeleteJobRequest.newBuilder().setName("a").build());
    assertTrue(watch.next().startsWith("deleted "));
  }

  @Test
  void watchEndsWhenTheStateIsGivenUp() {
    bench.submit("a", 1);
    Jobs watch = watch(WatchJobsRequest.newBuilder());
    assertEquals("a QUEUED", watch.next());
    bench.controller.rebuild();
    Bench.Refused refused = Bench.refused(watch::next);
    assertEquals(Status.Code.UNAVAILABLE, refused.code());
  }

  @Test
  void watchEndsWhenAnotherMayLead() {
    bench.submit("a", 1);
    Jobs watch = watch(WatchJobsRequest.newBuilder());
    assertEquals("a QUEUED", watch.next());
    bench.controller.suspend();
    Bench.Refused refused = Bench.refused(watch::next);
    assertEquals(Status.Code.UNAVAILABLE, refused.code());
    bench.submit("b", 1);
    assertEquals(
        "b QUEUED", watch(WatchJobsRequest.newBuilder().setResumeToken(watch.token)).next());
  }

  // ---- tasks

  @Test
  void watchOfTasksFollowsThemToTheEndOfTheJob() {
    try (FakeAgent agent = bench.agent("alpha").join()) {
      long job = bench.submit("web", 2).getNumber();
      DesiredAttempt zero = agent.wanted(0);
      Iterator<WatchTasksResponse> watch =
          bench
              .tasks()
              .watchTasks(
                  WatchTasksRequest.newBuilder()
                      .setParent("namespaces/default/jobs/" + job)
                      .setUntilEnded(true)
                      .build());
      assertEquals("0 PLACED", nextTask(watch));
      assertEquals("1 PLACED", nextTask(watch));
      agent.running(zero, job);
      assertEquals("0 RUNNING", nextTask(watch));
      agent.exited(zero, job, 0);
      assertEquals("0 SUCCEEDED", nextTask(watch));
      bench.jobs().cancelJob(CancelJobRequest.newBuilder().setName("web").build());
      assertEquals("0 SUCCEEDED", nextTask(watch));
      assertEquals("1 STOPPING", nextTask(watch));
    }
  }

  @Test
  void watchOfTasksOfAnUnknownJobIsNotFound() {
    assertEquals(
        "JOB_NOT_FOUND",
        Bench.refused(() ->
                bench
                    .tasks()
                    .watchTasks(WatchTasksRequest.newBuilder().setParent("nope").build())
                    .next())
            .reason());
  }

  // ---- nodes

  @Test
  void watchOfNodesTellsOfEachChange() {
    try (FakeAgent alpha = bench.agent("alpha").join()) {
      var watch = bench.nodes().watchNodes(WatchNodesRequest.getDefaultInstance());
      assertEquals("nodes/alpha", watch.next().getNode().getName());
      bench.nodes().cordonNode(CordonNodeRequest.newBuilder().setName("alpha").build());
      NodeState state = NodeState.NODE_STATE_UNSPECIFIED;
      while (state != NodeState.NODE_STATE_CORDONED) {
        state = watch.next().getNode().getState();
      }
      assertEquals(List.of("uid-" + alpha.name), bench.controller.connected());
    }
  }

  // ---- vocabulary

  private static String nextTask(Iterator<WatchTasksResponse> watch) {
    WatchTasksResponse event = watch.next();
    while (!event.hasTask()) {
      event = watch.next();
    }
    TaskState state = event.getTask().getState();
    return event.getTask().getIndex() + " " + state.name().replace("TASK_STATE_", "");
  }

  private Jobs watch(WatchJobsRequest.Builder request) {
    Context previous = clients.attach();
    try {
      return new Jobs(bench.jobs().watchJobs(request.build()));
    } finally {
      clients.detach(previous);
    }
  }

  private static final class Jobs {
    private final Iterator<WatchJobsResponse> stream;
    private String token = "";

    Jobs(Iterator<WatchJobsResponse> stream) {
      this.stream = stream;
    }

    /** The next event. */
    String next() {
      while (true) {
        WatchJobsResponse event = stream.next();
        token = event.getResumeToken();
        if (event.hasJob()) {
          Job job = event.getJob();
          return event.getDeleted()
              ? "deleted " + job.getNumber()
              : job.getJobName() + " " + state(job.getState());
        }
      }
    }

    /** Nothing but bookmarks until one comes. */
    void bookmark() {
      WatchJobsResponse event = stream.next();
      token = event.getResumeToken();
      assertFalse(event.hasJob(), "an event nobody asked for: " + event);
    }

    boolean ends() {
      List<WatchJobsResponse> left = new ArrayList<>();
      stream.forEachRemaining(left::add);
      return left.stream().noneMatch(WatchJobsResponse::hasJob);
    }

    private static String state(JobState state) {
      return state.name().replace("JOB_STATE_", "");
    }
  }
}

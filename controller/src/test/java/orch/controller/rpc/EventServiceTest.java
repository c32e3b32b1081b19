package orch.controller.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.Context;
import io.grpc.Status;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import orch.api.model.AgentMessage;
import orch.api.model.AttemptState;
import orch.api.model.AttemptStatus;
import orch.api.model.DesiredAttempt;
import orch.api.model.NodeEvent;
import orch.api.model.Readiness;
import orch.api.model.StageTimes;
import orch.v1.Attempt;
import orch.v1.CancelJobRequest;
import orch.v1.CordonNodeRequest;
import orch.v1.Event;
import orch.v1.EventFilter;
import orch.v1.EventKind;
import orch.v1.GetTaskRequest;
import orch.v1.HealthCheck;
import orch.v1.HealthChecks;
import orch.v1.Job;
import orch.v1.JobType;
import orch.v1.ListEventsRequest;
import orch.v1.ListEventsResponse;
import orch.v1.ListJobEventsRequest;
import orch.v1.NotifyProbe;
import orch.v1.WatchEventsRequest;
import orch.v1.WatchEventsResponse;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
final class EventServiceTest {
  private Bench bench;
  private final Context.CancellableContext clients = Context.ROOT.withCancellation();

  @BeforeEach
  void start() throws IOException {
    bench = new Bench();
  }

  @AfterEach
  void stop() {
    clients.cancel(null);
    bench.close();
  }

  private ListEventsResponse list(EventFilter.Builder filter) {
    return bench.cluster().listEvents(ListEventsRequest.newBuilder().setFilter(filter).build());
  }

  private static List<String> types(List<Event> newestFirst) {
    return newestFirst.reversed().stream().map(Event::getType).toList();
  }

  private static String words(Event event) {
    return event.getType() + " " + event.getSubject() + ": " + event.getMessage();
  }

  /** Awaits an event, which may come a moment after its cause. */
  private Event await(EventFilter.Builder filter, String type) throws InterruptedException {
    for (int i = 0; i < 1_000; i++) {
      for (Event event : list(filter).getEventsList()) {
        if (event.getType().equals(type)) {
          return event;
        }
      }
      Thread.sleep(5);
    }
    throw new AssertionError("no event " + type + "; there are " + list(filter));
  }

  private Iterator<WatchEventsResponse> watch(EventFilter filter, String token) {
    Context previous = clients.attach();
    try {
      return bench
          .cluster()
          .watchEvents(
              WatchEventsRequest.newBuilder().setFilter(filter).setResumeToken(token).build());
    } finally {
      clients.detach(previous);
    }
  }

  private static WatchEventsResponse nextEvent(Iterator<WatchEventsResponse> watch) {
    WatchEventsResponse next = watch.next();
    while (!next.hasEvent()) {
      next = watch.next();
    }
    return next;
  }

  @Test
  void theLifeOfAJobIsTold() throws Exception {
    try (FakeAgent agent = bench.agent("alpha").join()) {
      Job job = bench.submit("web", 1);
      DesiredAttempt attempt = agent.wanted(0);
      agent.running(attempt, job.getNumber());
      agent.exited(attempt, job.getNumber(), 3);
      await(EventFilter.newBuilder().setSubject("web"), "JOB_FAILED");
      List<Event> events =
          bench
              .jobs()
              .listJobEvents(ListJobEventsRequest.newBuilder().setName("web").build())
              .getEventsList();
      assertEquals(
          List.of("JOB_SUBMITTED", "TASK_PLACED", "TASK_RUNNING", "TASK_FAILED", "JOB_FAILED"),
          types(events));
      Event failed = events.get(1);
      assertEquals("TASK_FAILED namespaces/default/jobs/1/tasks/0: exit code 3", words(failed));
      assertEquals(3, failed.getFiguresOrThrow("exit_code"));
      assertEquals("alpha", failed.getNode());
      assertEquals(1, failed.getAttempt());
      assertEquals("web", failed.getJob());
    }
  }

  @Test
  void aFilterChoosesByJobTaskNodeKindAndType() throws Exception {
    try (FakeAgent agent = bench.agent("alpha").join();
        FakeAgent other = bench.agent("beta").join()) {
      assertEquals(List.of("alpha", "beta"), List.of(agent.name, other.name));
      bench.submit("web", 2);
      bench.submit("other", 1);
      await(EventFilter.newBuilder(), "TASK_PLACED");
      assertEquals(
          List.of("JOB_SUBMITTED"),
          types(
              list(EventFilter.newBuilder().setSubject("web").addKinds(EventKind.EVENT_KIND_JOB))
                  .getEventsList()));
      assertEquals(1, list(EventFilter.newBuilder().setSubject("web/1")).getEventsList().size());
      assertEquals(
          List.of("NODE_JOINED"),
          types(
              list(EventFilter.newBuilder().setNode("beta").addKinds(EventKind.EVENT_KIND_NODE))
                  .getEventsList()
                  .stream()
                  .filter(event -> event.getType().equals("NODE_JOINED"))
                  .toList()));
      assertEquals(
          2, list(EventFilter.newBuilder().addTypes("JOB_SUBMITTED")).getEventsList().size());
    }
  }

  @Test
  void aLargeArrayIsOneEventAChange() throws Exception {
    try (FakeAgent agent = bench.agent("alpha").join()) {
      bench.submit("many", 500);
      Event placed = await(EventFilter.newBuilder().setSubject("many"), "TASK_PLACED");
      assertTrue(placed.getMessage().endsWith(" tasks on 1 node"), words(placed));
      assertTrue(list(EventFilter.newBuilder().setSubject("many")).getEventsCount() < 20);
      assertEquals("alpha", agent.name);
    }
  }

  @Test
  void pagesFollowEachOther() {
    for (int i = 0; i < 5; i++) {
      bench.submit("job-" + i, 1);
    }
    ListEventsRequest.Builder request =
        ListEventsRequest.newBuilder()
            .setFilter(EventFilter.newBuilder().addTypes("JOB_SUBMITTED"))
            .setPageSize(2);
    List<String> names = new ArrayList<>();
    String token = "";
    do {
      ListEventsResponse page =
          bench.cluster().listEvents(request.clone().setPageToken(token).build());
      page.getEventsList().forEach(event -> names.add(event.getJob()));
      token = page.getNextPageToken();
    } while (!token.isEmpty());
    assertEquals(List.of("job-4", "job-3", "job-2", "job-1", "job-0"), names);
  }

  @Test
  void aWatchTellsWhatHappensFromNowOnAndResumesWithoutAGap() {
    bench.submit("before", 1);
    EventFilter jobs = EventFilter.newBuilder().addKinds(EventKind.EVENT_KIND_JOB).build();
    Iterator<WatchEventsResponse> first = watch(jobs, "");
    first.next();
    bench.submit("a", 1);
    WatchEventsResponse seen = nextEvent(first);
    assertEquals("a", seen.getEvent().getJob());
    bench.submit("b", 1);
    bench.submit("c", 1);
    Iterator<WatchEventsResponse> resumed = watch(jobs, seen.getResumeToken());
    assertEquals("b", nextEvent(resumed).getEvent().getJob());
    assertEquals("c", nextEvent(resumed).getEvent().getJob());
  }

  @Test
  void aWatchEndsWhenAnotherMayLead() {
    Iterator<WatchEventsResponse> watch = watch(EventFilter.getDefaultInstance(), "");
    String token = watch.next().getResumeToken();
    bench.controller.suspend();
    Bench.Refused refused = Bench.refused(() -> nextEvent(watch));
    assertEquals(Status.Code.UNAVAILABLE, refused.code());
    bench.submit("a", 1);
    assertEquals(
        "a", nextEvent(watch(EventFilter.getDefaultInstance(), token)).getEvent().getJob());
  }

  @Test
  void aTokenThatMakesNoSenseIsRefused() {
    Bench.Refused refused =
        Bench.refused(() -> watch(EventFilter.getDefaultInstance(), "x").next());
    assertEquals(Status.Code.INVALID_ARGUMENT, refused.code());
  }

  @Test
  void whatAnAgentTellsTwiceIsShownOnce() throws Exception {
    try (FakeAgent agent = bench.agent("alpha").join()) {
      Job job = bench.submit("web", 1);
      agent.running(agent.wanted(0), job.getNumber());
      NodeEvent evicted = event(1, job.getNumber(), "MEMORY_PRESSURE");
      NodeEvent own = event(2, 0, "HOST_MEMORY_SHORT");
      agent.say(new AgentMessage.Events(7, List.of(evicted)));
      agent.say(new AgentMessage.Events(7, List.of(evicted, own)));
      agent.say(new AgentMessage.Events(7, List.of(evicted, own)));
      agent.say(new AgentMessage.Events(8, List.of(event(1, 0, "LAST"))));
      await(EventFilter.newBuilder().setNode("alpha"), "LAST");
      List<Event> told =
          list(EventFilter.newBuilder()
                  .setNode("alpha")
                  .addTypes("MEMORY_PRESSURE")
                  .addTypes("HOST_MEMORY_SHORT"))
              .getEventsList();
      assertEquals(List.of("MEMORY_PRESSURE", "HOST_MEMORY_SHORT"), types(told));
      assertEquals("namespaces/default/jobs/1/tasks/0", told.get(1).getSubject());
      assertEquals(64, told.get(1).getFiguresOrThrow("memory_bytes"));
      assertEquals("nodes/alpha", told.get(0).getSubject());
    }
  }

  private static NodeEvent event(long sequence, long job, String type) {
    return new NodeEvent(
        sequence, 1_000, job, 0, 1, type, "said", new TreeMap<>(Map.of("memory_bytes", 64L)));
  }

  @Test
  void aTaskIsShownReadyAndWithWhatItSaid() throws Exception {
    try (FakeAgent agent = bench.agent("alpha").join()) {
      HealthCheck notify =
          HealthCheck.newBuilder().setNotify(NotifyProbe.getDefaultInstance()).build();
      Job job =
          bench.submit(
              Bench.spec("web", 1).toBuilder()
                  .setType(JobType.JOB_TYPE_SERVICE)
                  .setHealth(HealthChecks.newBuilder().setReadiness(notify))
                  .build());
      DesiredAttempt wanted = agent.wanted(0);
      say(agent, wanted, job.getNumber(), Readiness.NOT_READY, "loading");
      await(EventFilter.newBuilder().setSubject("web"), "TASK_NOT_READY");
      assertEquals("not ready yet", task().getReason());
      say(agent, wanted, job.getNumber(), Readiness.READY, "serving");
      await(EventFilter.newBuilder().setSubject("web"), "TASK_READY");
      Attempt attempt = task().getAttempt();
      assertEquals(orch.v1.Readiness.READINESS_READY, attempt.getReadiness());
      assertEquals("serving", attempt.getStatusText());
      assertEquals("ready", task().getReason());
      assertEquals(
          1,
          bench
              .jobs()
              .cancelJob(CancelJobRequest.newBuilder().setName("web").build())
              .getTasks()
              .getStopping());
    }
  }

  private orch.v1.Task task() {
    return bench.tasks().getTask(GetTaskRequest.newBuilder().setName("web/0").build());
  }

  private static void say(
      FakeAgent agent, DesiredAttempt attempt, long job, Readiness readiness, String text) {
    agent.say(
        new AgentMessage.Reports(
            List.of(
                new AttemptStatus(
                    attempt.uid(),
                    attempt.jobUid(),
                    job,
                    attempt.index(),
                    attempt.attempt(),
                    AttemptState.RUNNING,
                    "",
                    1_000,
                    0,
                    null,
                    StageTimes.NONE,
                    readiness,
                    text))));
  }

  @Test
  void whatOperatorsDoToANodeIsTold() throws Exception {
    try (FakeAgent agent = bench.agent("alpha").join()) {
      bench
          .nodes()
          .cordonNode(
              CordonNodeRequest.newBuilder().setName("nodes/alpha").setReason("new disk").build());
      Event cordoned = await(EventFilter.newBuilder().setNode("alpha"), "NODE_CORDONED");
      assertTrue(cordoned.getMessage().contains("new disk"), words(cordoned));
      assertEquals("alpha", agent.name);
    }
  }
}

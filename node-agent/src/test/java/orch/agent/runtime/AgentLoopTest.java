package orch.agent.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import orch.agent.core.Buried;
import orch.agent.core.KnownAttempt;
import orch.agent.core.Obeyed;
import orch.agent.link.ControllerLink;
import orch.agent.live.LiveTasks;
import orch.agent.logs.LogServer;
import orch.agent.logs.LogSink;
import orch.agent.logs.TaskIdentity;
import orch.agent.process.LauncherPort;
import orch.agent.process.StartRequest;
import orch.agent.process.TaskPreparation;
import orch.api.model.AgentMessage;
import orch.api.model.AttemptState;
import orch.api.model.AttemptStatus;
import orch.api.model.Blob;
import orch.api.model.ControllerMessage;
import orch.api.model.DesiredAttempt;
import orch.api.model.JobSpec;
import orch.api.model.LinkHeader;
import orch.api.model.NodeCapacity;
import orch.api.model.NodeDescription;
import orch.api.model.Result;
import orch.api.model.SpecDefinition;
import orch.api.model.StageTimes;
import orch.api.model.StopOrder;
import orch.api.model.StopPolicy;
import orch.api.model.TaskSet;
import orch.api.model.Uid;
import orch.api.seam.Clock;
import orch.api.seam.Timers;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The loop over fakes, on the test's thread, with a clock that stands still until it is moved. */
class AgentLoopTest {
  private static final String BOOT = "boot-1";
  private static final Uid JOB = new Uid(1, 1, 100);
  private static final Duration BEAT = Duration.ofSeconds(1);

  private final ArrayDeque<Runnable> loop = new ArrayDeque<>();
  private final ArrayDeque<Runnable> background = new ArrayDeque<>();
  private final List<Alarm> alarms = new ArrayList<>();
  private final Launcher launcher = new Launcher();
  private final Link link = new Link();
  private final Tasks tasks = new Tasks();
  private final Memory files = new Memory();
  private final Logs logs = new Logs();
  private int ready;
  private long nanos = 1_000_000_000L;
  private AgentLoop agent;

  private record Alarm(long at, Runnable action) {}

  @BeforeEach
  void begin() {
    agent =
        new AgentLoop(
            new AgentLoop.Seams(
                loop::add,
                background::add,
                new Standing(),
                this::after,
                launcher,
                link,
                tasks,
                files,
                logs,
                stream -> {
                  throw new AssertionError("nobody asked for output");
                },
                LiveTasks.none(),
                () -> ready++,
                (why, cause) -> {
                  throw new AssertionError(why, cause);
                }),
            "n1",
            BOOT,
            AgentLoopTest::node);
    agent.start();
    run();
  }

  private Timers.Timer after(Duration delay, Runnable action) {
    Alarm alarm = new Alarm(nanos + delay.toNanos(), action);
    alarms.add(alarm);
    return () -> alarms.remove(alarm);
  }

  private void run() {
    while (!loop.isEmpty()) {
      loop.remove().run();
    }
  }

  private void passes(Duration time) {
    long until = nanos + time.toNanos();
    while (true) {
      Alarm next = null;
      for (Alarm each : alarms) {
        if (each.at() <= until && (next == null || each.at() < next.at())) {
          next = each;
        }
      }
      if (next == null) {
        break;
      }
      alarms.remove(next);
      nanos = Math.max(nanos, next.at());
      next.action().run();
      run();
    }
    nanos = until;
  }

  private final class Standing implements Clock {
    @Override
    public Instant now() {
      return Instant.ofEpochSecond(0, nanos);
    }

    @Override
    public long bootNanos() {
      return nanos;
    }
  }

  private static final class Launcher implements LauncherPort {
    final List<String> did = new ArrayList<>();
    LauncherPort.@Nullable Listener listener;

    @Override
    public void connect(Listener heard) {
      listener = heard;
    }

    Listener tell() {
      return java.util.Objects.requireNonNull(listener);
    }

    @Override
    public void start(StartRequest request, boolean leased) {
      did.add("start " + request.uid());
    }

    @Override
    public void renew(List<Deadline> deadlines) {
      deadlines.forEach(each -> did.add("renew " + each.uid() + " " + each.bootNanos()));
    }

    @Override
    public void stop(Uid uid, @Nullable Duration grace) {
      did.add("stop " + uid);
    }

    @Override
    public void extendStop(Uid uid, Duration by, Duration most) {
      did.add("extend the stop of " + uid + " by " + by + ", at most " + most);
    }

    @Override
    public void freeze(Uid uid, boolean frozen, SignalOutcome outcome) {
      outcome.done(1, "");
    }

    @Override
    public void signal(Uid uid, int signal, int target, SignalOutcome outcome) {
      did.add("signal " + uid + " " + signal);
      outcome.done(3, "");
    }

    @Override
    public void ack(List<Uid> uids) {
      did.add("ack " + uids);
    }

    @Override
    public int capacity() {
      return 10;
    }

    @Override
    public void close() {}
  }

  private static final class Link implements ControllerLink {
    final List<AgentMessage> sent = new ArrayList<>();
    boolean started;
    boolean writable = true;
    String resetBecause = "";
    ControllerLink.@Nullable Listener listener;

    @Override
    public void start(Listener heard) {
      started = true;
      listener = heard;
    }

    Listener tell() {
      return java.util.Objects.requireNonNull(listener);
    }

    @Override
    public void send(AgentMessage message) {
      sent.add(message);
    }

    @Override
    public boolean writable() {
      return writable;
    }

    @Override
    public void reset(String why) {
      resetBecause = why;
    }

    @Override
    public void close() {}

    <T extends AgentMessage> List<T> sent(Class<T> kind) {
      return sent.stream().filter(kind::isInstance).map(kind::cast).toList();
    }

    List<AttemptStatus> reports() {
      List<AttemptStatus> all = new ArrayList<>();
      sent(AgentMessage.Reports.class).forEach(each -> all.addAll(each.attempts()));
      return all;
    }
  }

  private static final class Tasks implements TaskPreparation {
    final List<Uid> cleaned = new ArrayList<>();
    boolean blocks;

    @Override
    public boolean blocks(SpecDefinition definition) {
      return blocks;
    }

    @Override
    public StartRequest prepare(
        DesiredAttempt order, SpecDefinition definition, String claim, long deadlineBootNanos) {
      return new StartRequest(
          order.uid(),
          order.bootId(),
          claim,
          definition.spec().execution().command(),
          new TreeMap<>(),
          "/",
          null,
          null,
          null,
          false,
          null,
          null,
          null,
          null,
          true,
          null,
          false,
          null,
          List.of(),
          List.of(),
          StopPolicy.BATCH_DEFAULT,
          deadlineBootNanos,
          0,
          Blob.EMPTY,
          List.of(),
          false,
          List.of(),
          StartRequest.Input.NONE);
    }

    @Override
    public void cleanUp(Uid uid) {
      cleaned.add(uid);
    }
  }

  private static final class Memory implements AgentFiles {
    final List<String> wrote = new ArrayList<>();

    @Override
    public Obeyed obeyed() {
      return Obeyed.NOBODY;
    }

    @Override
    public List<KnownAttempt> known() {
      return List.of();
    }

    @Override
    public List<Buried> buried() {
      return List.of();
    }

    @Override
    public void obey(Obeyed leader) {
      wrote.add("obey " + leader.epoch());
    }

    @Override
    public void remember(KnownAttempt attempt) {
      wrote.add("remember " + attempt.uid());
    }

    @Override
    public void bury(Buried tombstone) {
      wrote.add("bury " + tombstone.uid());
    }

    @Override
    public void compact(List<KnownAttempt> live) {}

    @Override
    public void sync() {}
  }

  private static final class Logs implements LogServer {
    final List<String> told = new ArrayList<>();

    @Override
    public void attemptStarted(TaskIdentity identity) {
      told.add("started " + identity.uid());
    }

    @Override
    public void attemptEnded(Uid uid) {
      told.add("ended " + uid);
    }

    @Override
    public void open(ControllerMessage.OpenLogs query, LogSink sink) {}

    @Override
    public void close(long stream, boolean drain) {
      told.add("close " + stream);
    }
  }

  private static NodeDescription node() {
    return new NodeDescription(
        "u1",
        "n1",
        "m1",
        BOOT,
        "0",
        new TreeMap<>(),
        new TreeMap<>(),
        new NodeCapacity(1, 1, 1, new TreeMap<>()),
        List.of(),
        "root");
  }

  private static Uid uid(long sequence) {
    return new Uid(1, 1, sequence);
  }

  private void ready() {
    launcher.tell().connected(List.of());
    run();
    message(new ControllerMessage.Welcome(BEAT, false));
  }

  private void message(ControllerMessage message) {
    link.tell().received(new LinkHeader("c1", 1, 1, 1), message);
    run();
  }

  private void order(Uid uid, @Nullable StopOrder stop) {
    order(uid, stop, false);
  }

  private void order(Uid uid, @Nullable StopOrder stop, boolean frozen) {
    message(
        new ControllerMessage.Desired(
            false,
            false,
            List.of(
                new SpecDefinition(
                    JOB,
                    1,
                    JobSpec.batch("web", TaskSet.count(1), List.of("true")),
                    "default",
                    "web",
                    1,
                    "",
                    "",
                    1)),
            List.of(
                new DesiredAttempt(
                    uid,
                    JOB,
                    1,
                    0,
                    1,
                    BOOT,
                    stop,
                    Duration.ZERO,
                    new TreeMap<>(),
                    1,
                    "",
                    "",
                    0,
                    StageTimes.NONE,
                    frozen))));
  }

  private void ends(Uid uid, int code) {
    launcher.tell().ended(uid, new LauncherPort.End(Result.exited(code), 1, 2, 3, false));
    run();
  }

  @Test
  void theControllerIsDialledOnceTheJournalWasRead() {
    assertFalse(link.started);
    launcher.tell().connected(List.of());
    assertTrue(link.started);
  }

  @Test
  void itIsReadyWhenAControllerHasTakenItIn() {
    assertEquals(0, ready);
    ready();
    assertEquals(1, ready);
    link.tell().closed("gone");
    message(new ControllerMessage.Welcome(BEAT, false));
    assertEquals(1, ready);
  }

  @Test
  void anAttemptGoesFromItsOrderToItsEndAndIsForgotten() {
    ready();
    order(uid(1), null);
    assertEquals(List.of("start 1-1-1"), launcher.did);
    assertEquals(List.of("obey 1", "remember 1-1-1"), files.wrote);
    launcher.tell().started(uid(1), 77, 5);
    run();
    ends(uid(1), 3);
    assertEquals(
        List.of(AttemptState.RUNNING, AttemptState.FAILED),
        link.reports().stream().map(AttemptStatus::state).toList());
    assertEquals(List.of("started 1-1-1", "ended 1-1-1"), logs.told);
    background.remove().run();
    assertEquals(List.of(uid(1)), tasks.cleaned);
    message(new ControllerMessage.Forget(List.of(uid(1))));
    assertEquals("bury 1-1-1", files.wrote.getLast());
    assertEquals("ack [1-1-1]", launcher.did.getLast());
  }

  @Test
  void theNewestStatusOfAnAttemptIsTheOnlyOneThatWaits() {
    ready();
    link.writable = false;
    order(uid(1), null);
    launcher.tell().started(uid(1), 77, 5);
    run();
    ends(uid(1), 0);
    assertEquals(List.of(), link.reports());
    link.writable = true;
    link.tell().writable();
    run();
    assertEquals(
        List.of(AttemptState.SUCCEEDED),
        link.reports().stream().map(AttemptStatus::state).toList());
  }

  @Test
  void statusesLeaveInBatches() {
    ready();
    link.writable = false;
    int attempts = Outbox.BATCH + 1;
    for (int i = 1; i <= attempts; i++) {
      order(uid(i), null);
      launcher.tell().started(uid(i), 77, 5);
    }
    link.writable = true;
    link.tell().writable();
    run();
    assertEquals(
        List.of(Outbox.BATCH, 1),
        link.sent(AgentMessage.Reports.class).stream()
            .map(each -> each.attempts().size())
            .toList());
  }

  @Test
  void nothingIsLostWithASession() {
    ready();
    order(uid(1), null);
    link.tell().closed("gone");
    ends(uid(1), 0);
    assertEquals(List.of(), link.reports());
    message(new ControllerMessage.Welcome(BEAT, false));
    assertEquals(AttemptState.SUCCEEDED, link.reports().getLast().state());
  }

  @Test
  void aStopDuringThePreparationMeansThatItNeverRuns() {
    ready();
    tasks.blocks = true;
    order(uid(1), null);
    order(uid(1), new StopOrder(null, "cancelled"));
    background.remove().run();
    run();
    assertEquals(List.of(), launcher.did);
    assertEquals(AttemptState.DROPPED, link.reports().getLast().state());
  }

  @Test
  void anAttemptIsHandedOverOnceThoughTheLauncherCameBackWhileItWasPrepared() {
    ready();
    tasks.blocks = true;
    Uid uid = new Uid(1, 1, 7);
    order(uid, null);
    launcher.tell().disconnected("it died");
    launcher.tell().connected(List.of());
    run();
    while (!background.isEmpty()) {
      background.remove().run();
      run();
    }
    assertEquals(List.of("start " + uid), launcher.did);
  }

  @Test
  void aStartThatIsNotWantedAnyMoreWhenItIsPreparedIsNotHandedOver() {
    ready();
    tasks.blocks = true;
    order(uid(1), null);
    launcher.tell().disconnected("it died");
    order(uid(1), null, true);
    launcher.tell().connected(List.of());
    run();
    background.remove().run();
    run();
    assertEquals(List.of(), launcher.did);
    order(uid(1), null, false);
    background.remove().run();
    run();
    assertEquals(List.of("start 1-1-1"), launcher.did);
  }

  @Test
  void whatWasStoppedWhileTheLauncherWasAwayIsCleanedUpOnceItIsPrepared() {
    ready();
    tasks.blocks = true;
    order(uid(1), null);
    launcher.tell().disconnected("it died");
    order(uid(1), null, true);
    launcher.tell().connected(List.of());
    order(uid(1), new StopOrder(null, "cancelled"));
    run();
    assertEquals(AttemptState.DROPPED, link.reports().getLast().state());
    while (!background.isEmpty()) {
      background.remove().run();
      run();
    }
    assertEquals(List.of(), launcher.did);
    assertEquals(uid(1), tasks.cleaned.getLast());
  }

  @Test
  void aPreparationThatTakesLongHoldsNobodyUp() {
    ready();
    tasks.blocks = true;
    order(uid(1), null);
    tasks.blocks = false;
    order(uid(2), null);
    assertEquals(List.of("start 1-1-2"), launcher.did);
    background.remove().run();
    run();
    assertEquals(List.of("start 1-1-2", "start 1-1-1"), launcher.did);
  }

  @Test
  void questionsAreAnsweredOnTheSession() {
    ready();
    message(new ControllerMessage.Inspect(4, uid(1), true));
    assertEquals(
        List.of(new AgentMessage.Inspected(4, "this node cannot look at its tasks", null, null)),
        link.sent(AgentMessage.Inspected.class));
  }

  @Test
  void aSignalIsAnsweredWithTheProcessesThatItReached() {
    ready();
    message(new ControllerMessage.Signal(9, uid(1), 10, 2));
    assertEquals(
        List.of(new AgentMessage.SignalOutcome(9, 3, "")),
        link.sent(AgentMessage.SignalOutcome.class));
  }

  @Test
  void heartbeatsGoOutAndASilentControllerIsLeft() {
    ready();
    assertEquals(1, link.sent(AgentMessage.Heartbeat.class).size());
    passes(BEAT);
    message(new ControllerMessage.HeartbeatReply(2, true));
    passes(BEAT.multipliedBy(3));
    assertEquals("", link.resetBecause);
    passes(BEAT.multipliedBy(2));
    assertTrue(link.resetBecause.contains("heartbeats"), link.resetBecause);
  }

  @Test
  void anEndThatWasNotForgottenIsToldAgainEveryHalfMinute() {
    ready();
    order(uid(1), null);
    ends(uid(1), 0);
    int before = link.reports().size();
    for (int i = 0; i < 70; i++) {
      message(new ControllerMessage.HeartbeatReply(1_000, true));
      passes(BEAT);
    }
    assertEquals(before + 2, link.reports().size());
  }
}

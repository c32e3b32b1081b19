package orch.agent.runtime;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.Executor;
import java.util.function.Supplier;
import orch.agent.core.AgentCore;
import orch.agent.core.Effect;
import orch.agent.core.End;
import orch.agent.core.Found;
import orch.agent.core.Input;
import orch.agent.core.KnownAttempt;
import orch.agent.core.Moment;
import orch.agent.core.Notification;
import orch.agent.core.Obeyed;
import orch.agent.core.Timer;
import orch.agent.link.ControllerLink;
import orch.agent.live.LiveTasks;
import orch.agent.logs.LogServer;
import orch.agent.logs.TaskIdentity;
import orch.agent.process.LauncherPort;
import orch.agent.process.StartRefusedException;
import orch.agent.process.StartRequest;
import orch.agent.process.TaskPreparation;
import orch.agent.process.TaskWatch;
import orch.api.model.AgentMessage;
import orch.api.model.ControllerMessage;
import orch.api.model.LinkHeader;
import orch.api.model.NodeDescription;
import orch.api.model.StartFailure;
import orch.api.model.Uid;
import orch.api.seam.Clock;
import orch.api.seam.Timers;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The agent's loop. Everything happens on one executor: inputs are queued, decided one by one by
 * the core, and their effects carried out in order. The controller is dialled once the launcher's
 * journal was read, since before that the agent does not know what it has.
 */
public final class AgentLoop {
  private static final Logger log = LoggerFactory.getLogger(AgentLoop.class);
  private static final Duration TICK = Duration.ofSeconds(30);
  private static final Duration LEASE_TICK = Duration.ofSeconds(1);

  /** How long a node that stops waits, after its last task, for a controller to commit its end. */
  static final Duration DELIVERY = Duration.ofSeconds(5);

  /** Heartbeats that may go unanswered before the session counts as dead. */
  private static final int SILENT_HEARTBEATS = 4;

  private final Seams seams;
  private final Supplier<NodeDescription> node;
  private final String nodeName;
  private final String instance;
  private final AgentCore core;
  private final Map<Uid, KnownAttempt> recovered = new HashMap<>();
  private final ArrayDeque<Input> inputs = new ArrayDeque<>();
  private final Outbox outbox = new Outbox();
  private final List<Uid> acks = new ArrayList<>();
  private final Map<Uid, Map<Timer, Timers.Timer>> timers = new HashMap<>();

  /** Attempts whose start is being prepared elsewhere; true: taken back meanwhile. */
  private final Map<Uid, Boolean> preparing = new HashMap<>();

  private final Happenings happenings;
  private TaskWatch watch = TaskWatch.NONE;
  private @Nullable Runnable shutDown;
  private boolean delivering;
  private boolean deliveryOver;
  private boolean draining;
  private boolean flushAsked;
  private boolean dialled;
  private boolean sessionOpen;
  private long heartbeat;
  private long answered;
  private int session;

  /**
   * Everything outside the loop.
   *
   * @param loop runs one thing at a time, in order
   * @param background for what may wait for a disk; runs things one at a time, in order
   * @param firstSession called once, when a controller has taken this agent in
   * @param broken ends the agent: a promise cannot be kept
   */
  public record Seams(
      Executor loop,
      Executor background,
      Clock clock,
      Timers timers,
      LauncherPort launcher,
      ControllerLink link,
      TaskPreparation tasks,
      AgentFiles files,
      LogServer logs,
      LogStreams logStreams,
      LiveTasks live,
      Runnable firstSession,
      Broken broken) {}

  /** Called when the agent must not go on. */
  @FunctionalInterface
  public interface Broken {
    void broken(String why, Exception cause);
  }

  /**
   * Reads the agent's files.
   *
   * @param node asked at the opening of each session, once the launcher has answered
   */
  public AgentLoop(Seams seams, String nodeName, String bootId, Supplier<NodeDescription> node) {
    this(seams, nodeName, bootId, node, "");
  }

  /**
   * The same, for an agent that can be told from others with a copy of its identity.
   *
   * @param instance a name that no other process has
   */
  public AgentLoop(
      Seams seams,
      String nodeName,
      String bootId,
      Supplier<NodeDescription> node,
      String instance) {
    this.seams = seams;
    this.instance = instance;
    this.nodeName = nodeName;
    this.node = node;
    this.core = new AgentCore(bootId, seams.files().obeyed(), seams.files().buried());
    this.happenings = new Happenings(seams.link(), nanos(seams.clock().now()));
    seams.files().known().forEach(known -> recovered.put(known.uid(), known));
  }

  /** Who is told of the attempts that run. To be called before {@link #start}. */
  public void watch(TaskWatch by) {
    watch = by;
  }

  /** A task said something of itself. To be called on the loop. */
  public void said(Uid uid, Notification what) {
    take(new Input.Notified(uid, what));
  }

  /** Memory is short and this attempt has to go. To be called on the loop. */
  public void evict(Uid uid, String reason, SortedMap<String, Long> figures) {
    if (core.runs(uid)) {
      happened(uid, "EVICTED", reason, figures);
      take(new Input.Evicted(uid, reason));
    }
  }

  /** Memory is short and it was frozen, or goes on again. To be called on the loop. */
  public void frozenForMemory(Uid uid, boolean frozen) {
    take(new Input.FrozenForMemory(uid, frozen));
  }

  /** Something that people may want to know of. To be called on the loop. */
  public void happened(
      @Nullable Uid uid, String type, String message, SortedMap<String, Long> figures) {
    KnownAttempt attempt = uid == null ? null : core.known(uid);
    String whose = attempt == null ? nodeName : attempt.name();
    log.info("{} {}: {}{}", whose, type, message, figures.isEmpty() ? "" : " " + figures);
    happenings.add(attempt, type, message, figures, nanos(seams.clock().now()));
  }

  /** Begins with the launcher. To be called on the loop. */
  public void start() {
    seams.launcher().connect(new LauncherEvents());
    seams.timers().after(TICK, this::tick);
    seams.timers().after(LEASE_TICK, this::leaseTick);
  }

  /** Leaves the controller, the launcher and every task alone. To be called on the loop. */
  public void stop() {
    seams.link().close();
    seams.launcher().close();
  }

  /**
   * Stops every task, in order, and kills what lives on after the given time. Said again it can
   * make that sooner. To be called on the loop.
   *
   * @param done called once: all have ended, and a controller has committed every end or has had
   *     {@link #DELIVERY} for it; what it has not is reported by the next agent
   */
  public void shutDown(Duration within, Runnable done) {
    if (shutDown == null) {
      shutDown = done;
    }
    if (within.isPositive()) {
      seams.timers().after(within, () -> take(new Input.ShutDown(seams.clock().bootNanos())));
    }
    take(new Input.ShutDown(seams.clock().bootNanos() + within.toNanos()));
  }

  private void checkShutDown() {
    Runnable done = shutDown;
    if (done == null || !core.recovered() || core.live() > 0) {
      return;
    }
    if (!core.owesReports() || deliveryOver) {
      shutDown = () -> {};
      done.run();
    } else if (!delivering) {
      delivering = true;
      seams
          .timers()
          .after(
              DELIVERY,
              () -> {
                deliveryOver = true;
                checkShutDown();
              });
    }
  }

  /** Attempts that run or are being started or stopped. */
  public int live() {
    return core.live();
  }

  /** The same by name. To be called on the loop. */
  public Set<Uid> liveUids() {
    return core.liveUids();
  }

  public boolean sessionOpen() {
    return sessionOpen;
  }

  /** Queues an input and, unless that is going on already, decides until the queue is empty. */
  void take(Input input) {
    inputs.add(input);
    drain();
  }

  private void drain() {
    if (draining) {
      return;
    }
    draining = true;
    try {
      for (Input next = inputs.poll(); next != null; next = inputs.poll()) {
        for (Effect effect : core.handle(next, now())) {
          carryOut(effect);
        }
      }
    } catch (IOException e) {
      seams.broken().broken("the agent's files cannot be written: " + e.getMessage(), e);
    } finally {
      draining = false;
    }
    askFlush();
    checkShutDown();
  }

  private Moment now() {
    return new Moment(seams.clock().bootNanos(), nanos(seams.clock().now()));
  }

  private static long nanos(Instant time) {
    return time.getEpochSecond() * 1_000_000_000L + time.getNano();
  }

  private void carryOut(Effect effect) throws IOException {
    switch (effect) {
      case Effect.Obey of -> {
        log.info("following epoch {} of cluster {}", of.epoch(), of.clusterId());
        seams.files().obey(new Obeyed(of.clusterId(), of.incarnation(), of.epoch()));
      }
      case Effect.CloseSession of -> {
        log.warn("closing the session: {}", of.why());
        seams.link().reset(of.why());
      }
      case Effect.Remember of -> seams.files().remember(of.attempt());
      case Effect.Start of -> start(of);
      case Effect.Stop of -> stop(of);
      case Effect.ExtendStop of -> seams.launcher().extendStop(of.uid(), of.by(), of.most());
      case Effect.Renew of ->
          seams
              .launcher()
              .renew(
                  of.deadlines().stream()
                      .map(each ->
                          new LauncherPort.Deadline(each.uid(), each.bootNanos(), each.lease()))
                      .toList());
      case Effect.Signal of -> signal(of);
      case Effect.Freeze of -> freeze(of);
      case Effect.Report of -> {
        log.debug("{} is {} {}", of.status().uid(), of.status().state(), of.status().reason());
        outbox.put(of.status());
      }
      case Effect.Send of -> seams.link().send(of.message());
      case Effect.Bury of -> {
        seams.files().bury(of.tombstone());
        outbox.remove(of.tombstone().uid());
        acks.add(of.tombstone().uid());
      }
      case Effect.SetTimer of -> setTimer(of);
      case Effect.Release of -> release(of.uid());
      case Effect.OpenLog of -> seams.logs().attemptStarted(identity(of.attempt()));
      case Effect.ServeLogs of ->
          seams.logs().open(of.query(), seams.logStreams().open(of.query().stream()));
      case Effect.EndLogs of -> seams.logs().close(of.stream(), of.drain());
      case Effect.RunCommand of ->
          seams.live().run(of.query(), of.order(), of.definition(), seams.tasks());
      case Effect.Attach of ->
          seams.live().attach(of.query(), of.attempt(), of.terminal(), seams.logs());
      case Effect.Inspect of -> seams.live().inspect(of.query(), seams.link()::send);
      case Effect.HeartbeatAnswered of -> answered = Math.max(answered, of.sequence());
      case Effect.SessionOpen of -> {
        if (session == 0) {
          seams.firstSession().run();
        }
        sessionOpen = true;
        happenings.sendAll();
        answered = heartbeat;
        beat(++session, of.heartbeatInterval());
      }
      case Effect.Watch of -> watch.running(of.attempt(), of.definition(), of.memoryBytes());
      case Effect.Happened of ->
          happened(of.attempt().uid(), of.type(), of.message(), new TreeMap<>());
      case Effect.Complain of -> log.error("{}; before that: {}", of.what(), of.history());
    }
  }

  // ---- starting and stopping ----

  private void start(Effect.Start of) {
    Uid uid = of.order().uid();
    if (!seams.tasks().blocks(of.definition())) {
      handOver(of, prepare(of));
      return;
    }
    if (preparing.putIfAbsent(uid, false) != null) {
      // It is prepared already: the launcher went away and came back meanwhile. Handed over once.
      return;
    }
    seams
        .background()
        .execute(() -> {
          Prepared prepared = prepare(of);
          seams
              .loop()
              .execute(() -> {
                boolean takenBack = Boolean.TRUE.equals(preparing.remove(uid));
                if (takenBack) {
                  take(new Input.TakenBack(uid));
                } else if (core.starts(uid)) {
                  handOver(of, prepared);
                } else if (core.over(uid)) {
                  // It was stopped while the launcher was away, and cleaned up too early.
                  seams.background().execute(() -> seams.tasks().cleanUp(uid));
                }
              });
        });
  }

  /** Either a request, or why there can be none. */
  private sealed interface Prepared {
    record Request(StartRequest request) implements Prepared {}

    record Refused(StartFailure why) implements Prepared {}
  }

  private Prepared prepare(Effect.Start of) {
    String claim =
        of.definition().jobName() + "/" + of.order().index() + "@" + of.order().attempt();
    try {
      return new Prepared.Request(
          seams.tasks().prepare(of.order(), of.definition(), claim, of.deadline().bootNanos()));
    } catch (StartRefusedException e) {
      return new Prepared.Refused(e.failure());
    }
  }

  private void handOver(Effect.Start start, Prepared prepared) {
    switch (prepared) {
      case Prepared.Request of -> seams.launcher().start(of.request(), start.deadline().lease());
      case Prepared.Refused of ->
          take(new Input.StartFailed(start.order().uid(), of.why(), nanos(seams.clock().now())));
    }
  }

  private void stop(Effect.Stop of) {
    watch.stopping(of.uid());
    if (preparing.containsKey(of.uid())) {
      preparing.put(of.uid(), true);
    } else {
      seams.launcher().stop(of.uid(), of.grace());
    }
  }

  private void signal(Effect.Signal of) {
    seams
        .launcher()
        .signal(
            of.uid(),
            of.signal(),
            of.target(),
            (processes, error) -> {
              if (of.request() != 0) {
                take(new Input.Signalled(of.request(), processes, error));
              }
            });
  }

  private void freeze(Effect.Freeze of) {
    watch.suspended(of.uid(), of.frozen());
    seams
        .launcher()
        .freeze(
            of.uid(),
            of.frozen(),
            (processes, error) -> take(new Input.Frozen(of.uid(), of.frozen(), error)));
  }

  private void release(Uid uid) {
    Map<Timer, Timers.Timer> set = timers.remove(uid);
    if (set != null) {
      set.values().forEach(Timers.Timer::cancel);
    }
    watch.ended(uid);
    seams.logs().attemptEnded(uid);
    seams.background().execute(() -> seams.tasks().cleanUp(uid));
  }

  private TaskIdentity identity(KnownAttempt of) {
    return new TaskIdentity(
        of.uid(),
        of.jobUid(),
        of.jobNumber(),
        of.namespace(),
        of.jobName(),
        of.index(),
        of.attempt(),
        nodeName,
        of.traceId(),
        of.spanId(),
        of.journal(),
        of.logRetention());
  }

  // ---- time ----

  private void setTimer(Effect.SetTimer of) {
    Map<Timer, Timers.Timer> set =
        timers.computeIfAbsent(of.uid(), uid -> new EnumMap<>(Timer.class));
    long wait = Math.max(0, of.atBootNanos() - seams.clock().bootNanos());
    Timers.Timer timer =
        seams
            .timers()
            .after(Duration.ofNanos(wait), () -> take(new Input.TimerFired(of.uid(), of.timer())));
    Timers.Timer before = set.put(of.timer(), timer);
    if (before != null) {
      before.cancel();
    }
  }

  private void tick() {
    seams.timers().after(TICK, this::tick);
    take(new Input.Tick());
    try {
      seams.files().compact(core.knownAttempts());
    } catch (IOException e) {
      seams.broken().broken("the agent's files cannot be written: " + e.getMessage(), e);
      return;
    }
    seams
        .background()
        .execute(() -> {
          try {
            seams.files().sync();
          } catch (IOException e) {
            seams.broken().broken("the agent's files cannot be made durable: " + e.getMessage(), e);
          }
        });
  }

  private void leaseTick() {
    seams.timers().after(LEASE_TICK, this::leaseTick);
    if (core.leased()) {
      take(new Input.LeaseTick());
    }
  }

  private void beat(int of, Duration interval) {
    if (!sessionOpen || of != session) {
      return;
    }
    if (heartbeat - answered >= SILENT_HEARTBEATS) {
      seams.link().reset("the controller has not answered " + SILENT_HEARTBEATS + " heartbeats");
      return;
    }
    long sent = seams.clock().bootNanos();
    take(new Input.HeartbeatSent(++heartbeat, sent));
    seams.link().send(new AgentMessage.Heartbeat(heartbeat, sent));
    seams.timers().after(interval, () -> beat(of, interval));
  }

  // ---- what leaves ----

  /** Once for all inputs that are waiting, so that statuses go out together. */
  private void askFlush() {
    if (!flushAsked) {
      flushAsked = true;
      seams.loop().execute(this::flush);
    }
  }

  private void flush() {
    flushAsked = false;
    if (!acks.isEmpty()) {
      seams.launcher().ack(List.copyOf(acks));
      acks.clear();
    }
    if (sessionOpen) {
      outbox.flush(seams.link());
    }
  }

  private final class LauncherEvents implements LauncherPort.Listener {
    @Override
    public void connected(List<LauncherPort.Found> found) {
      List<Found> all = new ArrayList<>(found.size());
      for (LauncherPort.Found each : found) {
        LauncherPort.End end = each.end();
        all.add(
            new Found(
                each.uid(),
                recovered.get(each.uid()),
                each.startNanos(),
                each.startBootNanos(),
                end == null ? null : end(end)));
      }
      take(new Input.LauncherConnected(all));
      List<KnownAttempt> alive = new ArrayList<>();
      for (Found each : all) {
        KnownAttempt known = each.end() == null ? core.known(each.uid()) : null;
        if (known != null) {
          alive.add(known);
        }
      }
      watch.found(alive);
      recovered.clear();
      if (!dialled) {
        dialled = true;
        log.info("the launcher answers; {} attempts found", found.size());
        seams.link().start(new LinkEvents());
      }
    }

    @Override
    public void disconnected(String why) {
      log.warn("the launcher is gone: {}", why);
      take(new Input.LauncherLost());
    }

    @Override
    public void started(Uid uid, int pid, long startNanos) {
      take(new Input.Started(uid, startNanos));
    }

    @Override
    public void startFailed(Uid uid, StartFailure why, long atNanos) {
      take(new Input.StartFailed(uid, why, atNanos));
    }

    @Override
    public void ended(Uid uid, LauncherPort.End end) {
      seams.live().ended(uid, end.result());
      take(new Input.Exited(uid, end(end)));
    }

    @Override
    public void dropped(Uid uid) {
      take(new Input.TakenBack(uid));
    }

    @Override
    public void stuck(Uid uid, int processes) {
      log.warn("{}: {} processes outlive SIGKILL", uid, processes);
      take(new Input.Stuck(uid, processes));
    }

    private static End end(LauncherPort.End of) {
      return new End(of.result(), of.startNanos(), of.endNanos(), of.recordNanos());
    }
  }

  private final class LinkEvents implements ControllerLink.Listener {
    @Override
    public AgentMessage.Hello hello() {
      return core.hello(node.get(), instance);
    }

    @Override
    public void opened() {
      log.debug("a controller answers");
    }

    @Override
    public void received(LinkHeader header, ControllerMessage message) {
      take(new Input.Received(header, message));
    }

    @Override
    public void writable() {
      askFlush();
    }

    @Override
    public void closed(String why) {
      sessionOpen = false;
      take(new Input.SessionClosed());
    }
  }
}

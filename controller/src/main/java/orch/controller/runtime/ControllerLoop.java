package orch.controller.runtime;

import java.time.Instant;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import orch.api.model.LinkHeader;
import orch.api.seam.Clock;
import orch.api.seam.Randomness;
import orch.api.seam.Timers;
import orch.controller.convert.RecordConvert;
import orch.controller.core.ClusterView;
import orch.controller.core.Decision;
import orch.controller.core.Effect;
import orch.controller.core.Input;
import orch.controller.core.Rejection;
import orch.controller.core.RejectionCode;
import orch.controller.core.StateView;
import orch.controller.port.ControllerPort;
import orch.controller.port.Member;
import orch.controller.port.Membership;
import orch.controller.port.Role;
import orch.controller.port.UnavailableException;
import orch.controller.store.CheckpointPolicy;
import orch.controller.store.Election;
import orch.controller.store.Entry;
import orch.controller.store.EpochRecord;
import orch.controller.store.LogClient;
import orch.controller.store.LogLayout;
import orch.controller.store.LogListener;
import orch.controller.store.ZooKeeperPort;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The loop: it alone owns the state. Inputs queue up; each is decided and applied at once, its
 * changes go to the log, and what follows from it (replies, messages to agents, what listeners
 * hear) is held until its revision has committed. Between inputs it schedules in slices. It owns no
 * thread: the executor runs {@link #drain}, the log's callbacks and the timers, one at a time.
 *
 * <p>A standby applies what the log brings. A leader that is deposed drops everything that waits,
 * and its state with it, and reads the log from its beginning. A broken invariant ends the process.
 */
public final class ControllerLoop {
  /** What the loop stands on. */
  public record Seams(
      ZooKeeperPort zooKeeper,
      Election election,
      Membership membership,
      Executor executor,
      Clock clock,
      Timers timers,
      Randomness randomness) {}

  /** Ends the process: what happened must never happen. */
  @FunctionalInterface
  public interface Failure {
    void stop(String why, @Nullable Throwable cause);
  }

  /** A request, a read or an agent's message that waits for its turn. */
  interface Work {
    /** Only while this controller leads. */
    void run();

    /** It will not be run. */
    void refuse(UnavailableException why);

    /** Whether it is refused rather than kept while ZooKeeper is silent. */
    default boolean impatient() {
      return false;
    }
  }

  private static final Logger LOG = LoggerFactory.getLogger(ControllerLoop.class);

  private final Seams seams;
  private final String name;
  private final Failure failure;
  private final LogClient log;
  private final Replica replica = new Replica();
  private final Checkpoints checkpoints;
  private final Backups backups;
  private final HeldActions held = new HeldActions();
  private final AgentSessions sessions = new AgentSessions(new SessionsLoop());
  private final Listeners listeners = new Listeners(replica::state);
  private final LoopPort port = new LoopPort(this);
  private final Uncommitted uncommitted = new Uncommitted();

  private final ConcurrentLinkedQueue<Work> queue = new ConcurrentLinkedQueue<>();
  private final AtomicBoolean drainDue = new AtomicBoolean();

  // Written by the loop, read by whomever.
  private volatile Role role = Role.STANDBY;
  private volatile Member origin;
  private volatile long epoch;
  private volatile long committed;
  private volatile boolean stopping;

  private boolean caughtUp;
  private boolean electionBegun;
  private boolean hinted;
  private boolean scheduleDue;
  private boolean ended;
  private LinkHeader header = new LinkHeader("", 1, 0, 0);
  private Timers.@Nullable Timer ticks;

  /** A loop with {@link CheckpointPolicy#DEFAULT}. */
  public ControllerLoop(Seams seams, LogLayout layout, String name, Failure failure) {
    this(seams, layout, name, CheckpointPolicy.DEFAULT, failure);
  }

  /** A loop of the controller {@code name}, of which there is one among the members. */
  public ControllerLoop(
      Seams seams, LogLayout layout, String name, CheckpointPolicy policy, Failure failure) {
    this.seams = seams;
    this.name = name;
    this.origin = new Member(name, false, 0, 0, "", "", "", 0);
    this.failure = failure;
    this.log =
        new LogClient(
            seams.zooKeeper(),
            layout,
            name,
            seams.clock(),
            (delay, action) -> seams.timers().after(delay, guarded(action)),
            seams.randomness(),
            policy,
            new FromLog());
    this.checkpoints = new Checkpoints(log, replica, this::execute);
    this.backups = new Backups(log, seams, layout, this::execute);
  }

  /** What the edges see of it. */
  public ControllerPort port() {
    return port;
  }

  /**
   * Begins to read the log; the election begins when it was read.
   *
   * @param self this controller: its name, addresses, version, and the newest format that it reads
   */
  public void start(Member self) {
    origin = self;
    seams.zooKeeper().addSessionListener(this::tellOfSession);
    execute(log::start);
    tellMembersLater();
  }

  /**
   * Takes no more requests, and waits until what was decided has committed, if this controller
   * leads and can. The stage completes then; {@link #close} is to follow.
   */
  public CompletionStage<Boolean> stop() {
    stopping = true;
    CompletableFuture<Boolean> done = new CompletableFuture<>();
    execute(() -> {
      refuseAll();
      if (role == Role.STANDBY) {
        done.complete(true);
        return;
      }
      log.flush();
      hold(
          new HeldActions.Action() {
            @Override
            public void run() {
              done.complete(true);
            }

            @Override
            public void lost() {
              done.complete(false);
            }
          });
    });
    return done;
  }

  /** Ends everything, on the loop; nothing is called back any more. */
  public void close() {
    stopping = true;
    ended = true;
    log.close();
  }

  // ---- what the port uses

  Role role() {
    return role;
  }

  /** This controller as it is now. */
  Member self() {
    return new Member(
        name,
        role == Role.LEADER && !sessions.suspended(),
        epoch,
        committed,
        origin.httpAddress(),
        origin.grpcAddress(),
        origin.version(),
        origin.maxFormatLevel());
  }

  Membership membership() {
    return seams.membership();
  }

  Backups backups() {
    return backups;
  }

  Listeners listeners() {
    return listeners;
  }

  AgentSessions sessions() {
    return sessions;
  }

  StateView state() {
    return replica.state();
  }

  /** The revision that the state has, committed or not. */
  long appendedRevision() {
    return log.appendedIndex();
  }

  /** Runs it on the loop, whatever the role and however much waits. */
  void execute(Runnable action) {
    seams.executor().execute(guarded(action));
  }

  void enqueue(Work work) {
    queue.add(work);
    drainSoon();
  }

  /** Runs the action once all that was decided until now has committed. */
  void hold(HeldActions.Action action) {
    held.add(log.appendedIndex(), committed, action);
  }

  private void holdUnlessLost(Runnable action) {
    hold(
        new HeldActions.Action() {
          @Override
          public void run() {
            action.run();
          }

          @Override
          public void lost() {}
        });
  }

  /** Decides and applies; changes go to the log, effects are held. */
  Decision decide(Input input) {
    Decision decision = replica.decide(input, seams.clock());
    if (!decision.changes().isEmpty()) {
      FormatLevels.requireReadable(decision.changes(), replica.state().formatLevel());
      long revision = log.append(RecordConvert.encode(replica.last(), decision.changes()));
      uncommitted.add(revision, replica.last(), decision.changes());
      FleetLog.tell(decision.changes(), replica.state());
    }
    for (Effect effect : decision.effects()) {
      sessions.prepare(effect);
    }
    scheduleDue |= decision.more();
    return decision;
  }

  UnavailableException refusal() {
    return stopping ? Unanswered.stopping() : Unanswered.notLeading(port.leadership().leader());
  }

  Rejection notLeading() {
    return new Rejection(
        RejectionCode.FAILED_PRECONDITION,
        "NOT_LEADER",
        "",
        String.valueOf(refusal().getMessage()));
  }

  // ---- the loop

  /**
   * Takes a bounded number of inputs and a slice of scheduling, then hands the log what there is.
   * More is taken at the next turn, so that the log's answers and the timers come in between.
   */
  private void drain() {
    drainDue.set(false);
    if (role == Role.STANDBY || stopping) {
      refuseAll();
      return;
    }
    int budget = LoopLimits.MAX_INPUTS_IN_A_DRAIN;
    while (budget-- > 0 && takesInputs()) {
      Work work = queue.poll();
      if (work == null) {
        break;
      }
      work.run();
    }
    if (scheduleDue && takesInputs()) {
      scheduleDue = false;
      var _ = decide(new Input.Schedule());
    }
    if (log.leads()) {
      log.flush();
    }
    if ((scheduleDue || !queue.isEmpty()) && takesInputs()) {
      drainSoon();
    }
  }

  /** Whether to go on. If not, a commit or a proof of the epoch will bring the next drain. */
  private boolean takesInputs() {
    if (role != Role.LEADER || log.saturated()) {
      return false;
    }
    if (log.proved()) {
      sessions.resume();
      return true;
    }
    // Perhaps another leads by now: whoever asks has to wait until it is known.
    log.prove();
    return false;
  }

  private void drainSoon() {
    if (drainDue.compareAndSet(false, true)) {
      execute(this::drain);
    }
  }

  private void drainIfDue() {
    if (scheduleDue || !queue.isEmpty()) {
      drainSoon();
    }
  }

  private void refuseAll() {
    for (Work work = queue.poll(); work != null; work = queue.poll()) {
      work.refuse(refusal());
    }
  }

  private void loseRequestsLater() {
    seams.timers().after(LoopLimits.TICK, guarded(this::loseRequests));
  }

  /**
   * After a while without ZooKeeper whoever asks is told so. What agents report is kept: they do
   * not send it again within a session.
   */
  private void loseRequests() {
    if (role == Role.STANDBY || ended) {
      return;
    }
    loseRequestsLater();
    if (log.unproved().compareTo(LoopLimits.LOG_PATIENCE) < 0) {
      return;
    }
    queue.removeIf(work -> {
      if (work.impatient()) {
        work.refuse(logUnavailable());
      }
      return work.impatient();
    });
    held.late();
  }

  UnavailableException logUnavailable() {
    return Unanswered.logUnavailable(log.unproved());
  }

  // ---- leadership

  private void claimIfHinted() {
    if (hinted && caughtUp && role == Role.STANDBY && !stopping) {
      log.claim();
    }
  }

  private void claimLater() {
    seams.timers().after(LoopLimits.CLAIM_AGAIN, guarded(this::claimIfHinted));
  }

  private void lead(long newEpoch, long lastIndex) {
    role = Role.ELECTED;
    epoch = newEpoch;
    committed = lastIndex;
    replica.lead();
    loseRequestsLater();
    int level = FormatLevels.readable(origin, seams.membership());
    var _ = decide(new Input.BecameLeader(newEpoch, name, newClusterId(), level));
    log.flush();
    holdUnlessLost(this::serve);
  }

  /** What was read may be of a newer format than this controller knows. */
  private void requireKnownFormat() {
    String why = FormatLevels.tooNew(replica.state().formatLevel(), origin);
    if (!why.isEmpty()) {
      fail(why, null);
    }
  }

  private void serve() {
    ClusterView cluster = replica.state().cluster();
    header = new LinkHeader(cluster.clusterId(), cluster.incarnation(), epoch, committed);
    role = Role.LEADER;
    scheduleDue = true;
    LOG.info("Leads under epoch {} from revision {}", epoch, committed);
    sessions.begin();
    seams.membership().update(self());
    tickLater();
    drainSoon();
  }

  private void standDown(String why) {
    LOG.warn("Does not lead any more: {}", why);
    role = Role.STANDBY;
    if (ticks != null) {
      ticks.cancel();
      ticks = null;
    }
    scheduleDue = false;
    uncommitted.clear();
    checkpoints.lose();
    seams.membership().update(self());
    held.lose();
    sessions.end();
    refuseAll();
  }

  private void tickLater() {
    ticks = seams.timers().after(LoopLimits.TICK, guarded(this::tick));
  }

  private void tick() {
    if (role != Role.LEADER || stopping) {
      return;
    }
    tickLater();
    if (takesInputs()) {
      sessions.tick();
      int level = FormatLevels.readable(origin, seams.membership());
      if (level > replica.state().formatLevel()) {
        var _ = decide(new Input.FormatReadable(level));
      }
      var _ = decide(new Input.Tick(seams.clock().bootNanos()));
      drainSoon();
    }
  }

  private void tellMembersLater() {
    seams.timers().after(LoopLimits.TELL_MEMBERS, guarded(this::tellMembers));
  }

  private void tellMembers() {
    if (!stopping) {
      seams.membership().update(self());
      tellMembersLater();
    }
  }

  /** A random UUID, version 4. */
  private String newClusterId() {
    long high = (seams.randomness().nextLong() & ~0xF000L) | 0x4000L;
    long low = (seams.randomness().nextLong() & ~(3L << 62)) | (1L << 63);
    return new UUID(high, low).toString();
  }

  private void tellOfSession(ZooKeeperPort.SessionEvent event) {
    switch (event) {
      case CONNECTED -> LOG.info("ZooKeeper answers");
      case SUSPENDED ->
          LOG.warn("ZooKeeper does not answer: requests wait, what runs on the nodes runs on");
      case LOST -> execute(this::suspend);
    }
  }

  /** Another may lead, unheard: agents and clients that wait for news would wait here in vain. */
  private void suspend() {
    sessions.suspend();
    listeners.suspended();
    seams.membership().update(self());
  }

  // ---- failures

  /** What runs on the loop: after a failure nothing does. */
  private Runnable guarded(Runnable action) {
    return () -> {
      if (ended) {
        return;
      }
      try {
        action.run();
      } catch (RuntimeException | Error e) {
        fail("the controller's loop broke: " + e.getMessage(), e);
      }
    };
  }

  private void fail(String why, @Nullable Throwable cause) {
    if (!ended) {
      ended = true;
      log.close();
      failure.stop(why, cause);
    }
  }

  private final class FromLog implements LogListener {
    @Override
    public void reset() {
      caughtUp = false;
      committed = 0;
      replica.reset();
      listeners.reset();
    }

    @Override
    public void section(byte[] bytes) {
      guarded(() -> replica.section(bytes)).run();
    }

    @Override
    public void loaded(long index) {
      guarded(
              () -> {
                replica.loaded();
                requireKnownFormat();
                epoch = replica.state().epoch();
                committed = index;
                LOG.info("Has loaded the checkpoint at revision {}", index);
              })
          .run();
    }

    @Override
    public void replayed(Entry entry) {
      guarded(
              () -> {
                Replica.Applied applied = replica.apply(entry, caughtUp ? seams.clock() : null);
                requireKnownFormat();
                epoch = entry.epoch();
                committed = entry.index();
                listeners.committed(entry.index(), applied.now(), applied.changes());
              })
          .run();
    }

    @Override
    public void caughtUp(long lastIndex) {
      guarded(() -> readToEnd(lastIndex)).run();
    }

    private void readToEnd(long lastIndex) {
      if (caughtUp) {
        return;
      }
      caughtUp = true;
      listeners.rebuilt(lastIndex);
      if (electionBegun) {
        claimLater();
        return;
      }
      electionBegun = true;
      LOG.info("Has read the log to revision {}", lastIndex);
      seams
          .election()
          .start(lead ->
              guarded(
                      () -> {
                        hinted = lead;
                        claimIfHinted();
                      })
                  .run());
    }

    @Override
    public void claimLost(EpochRecord other) {
      LOG.info("{} took epoch {}", other.leader(), other.number());
      claimLater();
    }

    @Override
    public void leading(long newEpoch, long lastIndex) {
      guarded(() -> lead(newEpoch, lastIndex)).run();
    }

    @Override
    public void committed(long index) {
      guarded(() -> commit(index)).run();
    }

    private void commit(long index) {
      committed = index;
      Replica.Applied committing = uncommitted.take(index);
      listeners.committed(index, committing.now(), committing.changes());
      held.release(index);
      checkpoints.look();
      drainIfDue();
    }

    @Override
    public void proved() {
      drainIfDue();
    }

    @Override
    public void deposed(String why) {
      guarded(() -> standDown(why)).run();
    }

    @Override
    public void failed(String why) {
      fail(why, null);
    }
  }

  private final class SessionsLoop implements AgentSessions.Loop {
    @Override
    public StateView state() {
      return replica.state();
    }

    @Override
    public void decide(Input input) {
      var _ = ControllerLoop.this.decide(input);
    }

    @Override
    public void drainSoon() {
      ControllerLoop.this.drainSoon();
    }

    @Override
    public void hold(Runnable action) {
      holdUnlessLost(action);
    }

    @Override
    public LinkHeader header() {
      // An adopted node may have raised the incarnation since the leadership began.
      return new LinkHeader(
          header.clusterId(), replica.state().incarnation(), header.epoch(), log.appendedIndex());
    }

    @Override
    public long committedRevision() {
      return committed;
    }

    @Override
    public boolean mayGrantLeases() {
      return log.proved();
    }

    @Override
    public Rejection notLeading() {
      return ControllerLoop.this.notLeading();
    }

    @Override
    public Instant now() {
      return seams.clock().now();
    }

    @Override
    public long bootNanos() {
      return seams.clock().bootNanos();
    }
  }
}

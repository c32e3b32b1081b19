package orch.controller.rpc;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import orch.api.model.AgentMessage;
import orch.api.model.ControllerMessage;
import orch.api.model.DesiredAttempt;
import orch.api.model.LinkHeader;
import orch.api.model.SpecDefinition;
import orch.controller.core.AttemptRef;
import orch.controller.core.Decider;
import orch.controller.core.Decision;
import orch.controller.core.Effect;
import orch.controller.core.Input;
import orch.controller.core.Rejection;
import orch.controller.core.RejectionCode;
import orch.controller.core.State;
import orch.controller.port.AgentLink;
import orch.controller.port.AgentSession;
import orch.controller.port.CommittedListener;
import orch.controller.port.ControllerPort;
import orch.controller.port.Leadership;
import orch.controller.port.Member;
import orch.controller.port.Role;
import orch.controller.port.UnavailableException;
import org.jspecify.annotations.Nullable;

/** The real core on a thread of its own, with a log that commits at once. */
final class InMemoryController implements ControllerPort, AutoCloseable {
  static final Member SELF =
      new Member("c1", true, 1, 0, "127.0.0.1:7400", "127.0.0.1:7401", "test", 1);
  static final Member OTHER =
      new Member("c2", true, 2, 0, "10.0.0.2:7400", "10.0.0.2:7401", "test", 1);

  private final ExecutorService loop = Executors.newSingleThreadExecutor();
  private final State state = new State();
  private final Decider decider = new Decider(state);
  private final List<CommittedListener> listeners = new ArrayList<>();
  private final Map<String, Session> sessions = new LinkedHashMap<>();
  private final Map<Long, Session> opening = new LinkedHashMap<>();
  private long revision;
  private long sessionNumbers;
  private volatile boolean leads = true;
  private volatile @Nullable Member leader = OTHER;
  private final AtomicInteger unaware = new AtomicInteger();

  private final class Session implements AgentSession {
    private final String nodeUid;
    private final AgentLink link;

    Session(String nodeUid, AgentLink link) {
      this.nodeUid = nodeUid;
      this.link = link;
    }

    @Override
    public void receive(AgentMessage message, Runnable taken) {
      loop.execute(() -> {
        if (sessions.get(nodeUid) == this) {
          take(message);
        }
        taken.run();
      });
    }

    private void take(AgentMessage message) {
      switch (message) {
        case AgentMessage.Reports reports ->
            decide(new Input.AttemptReports(nodeUid, reports.attempts()));
        case AgentMessage.Inventory inventory ->
            decide(new Input.NodeInventory(nodeUid, 1, inventory.attempts(), inventory.last()));
        case AgentMessage.Heartbeat heartbeat ->
            link.send(header(), new ControllerMessage.HeartbeatReply(heartbeat.sequence(), true));
        case AgentMessage.Hello _,
            AgentMessage.SignalOutcome _,
            AgentMessage.Events _,
            AgentMessage.Inspected _ ->
            throw new AssertionError("the edge let through " + message);
      }
    }

    @Override
    public void closed() {
      if (!loop.isShutdown()) {
        loop.execute(() -> sessions.remove(nodeUid, this));
      }
    }
  }

  InMemoryController() {
    loop.execute(() -> decide(new Input.BecameLeader(1, "c1", "cluster-1", 1)));
  }

  // ---- what tests do to it

  /** The end of everything that was asked until now. */
  void settle() {
    ask(() -> null);
  }

  /** It is deposed: it refuses everything, and its sessions end. */
  void depose() {
    follow(OTHER);
  }

  /** It leads again. */
  void lead() {
    leads = true;
  }

  /** Its next answers about the leadership are out of date. */
  void takeItselfForLeader(int answers) {
    unaware.set(answers);
  }

  /** It is deposed, and knows that this one leads; null: nobody does. */
  void follow(@Nullable Member newLeader) {
    ask(() -> {
      leader = newLeader;
      leads = false;
      Rejection why =
          new Rejection(
              RejectionCode.FAILED_PRECONDITION, "NOT_LEADER", "", "this controller stands by");
      sessions.values().forEach(session -> session.link.close(why));
      sessions.clear();
      return null;
    });
  }

  /** The state was read anew, from a checkpoint. */
  void rebuild() {
    ask(() -> {
      listeners.forEach(listener -> listener.rebuilt(revision, state));
      return null;
    });
  }

  /** Its session with ZooKeeper is lost. */
  void suspend() {
    ask(() -> {
      listeners.forEach(CommittedListener::suspended);
      return null;
    });
  }

  /** Nodes that have a session. */
  List<String> connected() {
    return ask(() -> List.copyOf(sessions.keySet()));
  }

  private <T extends @Nullable Object> T ask(java.util.function.Supplier<T> question) {
    try {
      return CompletableFuture.supplyAsync(question, loop).get();
    } catch (ExecutionException | InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Override
  public void close() {
    loop.shutdownNow();
  }

  // ---- the port

  @Override
  public <T> CompletionStage<T> submit(Input.Request request, AnswerReader<T> reader) {
    return CompletableFuture.supplyAsync(
        () -> {
          requireLead();
          Decision decision = decide(request);
          return reader.read(java.util.Objects.requireNonNull(decision.answer()), state, revision);
        },
        loop);
  }

  @Override
  public <T> CompletionStage<T> read(StateReader<T> reader) {
    return CompletableFuture.supplyAsync(
        () -> {
          requireLead();
          return reader.read(state, revision);
        },
        loop);
  }

  private void requireLead() {
    if (!leads) {
      throw new UnavailableException(
          UnavailableException.Reason.NOT_LEADER, "this controller stands by", leader);
    }
  }

  @Override
  public AgentSession openSession(AgentMessage.Hello hello, AgentLink link) {
    Session session = new Session(hello.node().uid(), link);
    loop.execute(() -> {
      if (!leads) {
        link.close(
            new Rejection(
                RejectionCode.FAILED_PRECONDITION, "NOT_LEADER", "", "this controller stands by"));
        return;
      }
      long number = ++sessionNumbers;
      opening.put(number, session);
      decide(new Input.NodeHello(number, hello));
    });
    return session;
  }

  @Override
  public CompletionStage<Boolean> send(String nodeUid, ControllerMessage message) {
    return CompletableFuture.supplyAsync(
        () -> {
          Session session = sessions.get(nodeUid);
          if (session != null) {
            session.link.send(header(), message);
          }
          return session != null;
        },
        loop);
  }

  @Override
  public Backup backup(BackupTaker taker) {
    throw new UnsupportedOperationException();
  }

  @Override
  public Subscription addListener(CommittedListener listener) {
    loop.execute(() -> {
      listeners.add(listener);
      listener.rebuilt(revision, state);
    });
    return () -> {
      if (!loop.isShutdown()) {
        loop.execute(() -> listeners.remove(listener));
      }
    };
  }

  @Override
  public Leadership leadership() {
    return leads || unaware.getAndDecrement() > 0
        ? new Leadership(Role.LEADER, 1, 0, SELF)
        : new Leadership(Role.STANDBY, 2, 0, leader);
  }

  @Override
  public List<Member> members() {
    return List.of(SELF, OTHER);
  }

  // ---- the loop

  private Decision decide(Input input) {
    Instant now = Instant.now();
    Decision decision = decider.decide(input, now);
    finish(decision, now);
    boolean more = decision.more();
    while (more) {
      Decision slice = decider.decide(new Input.Schedule(), now);
      finish(slice, now);
      more = slice.more();
    }
    return decision;
  }

  private void finish(Decision decision, Instant now) {
    if (!decision.changes().isEmpty()) {
      revision++;
      listeners.forEach(listener -> listener.committed(revision, now, decision.changes(), state));
    }
    decision.effects().forEach(this::send);
  }

  private void send(Effect effect) {
    switch (effect) {
      case Effect.Welcome welcome -> {
        Session session = java.util.Objects.requireNonNull(opening.remove(welcome.session()));
        Session older = sessions.put(welcome.nodeUid(), session);
        if (older != null) {
          older.link.close(
              new Rejection(
                  RejectionCode.ABORTED, "SESSION_REPLACED", "", "the node opened another one"));
        }
        session.link.send(
            header(),
            new ControllerMessage.Welcome(Duration.ofSeconds(1), welcome.wantInventory()));
      }
      case Effect.Refuse refuse -> {
        Session session = opening.remove(refuse.session());
        if (session != null) {
          session.link.close(refuse.rejection());
        }
      }
      case Effect.SendDesired desired ->
          desired(desired.nodeUid(), state.desiredOf(desired.nodeUid()), true);
      case Effect.SendAttempts attempts -> {
        List<DesiredAttempt> delta = new ArrayList<>();
        for (AttemptRef ref : attempts.attempts()) {
          state.desired(ref).ifPresent(delta::add);
        }
        desired(attempts.nodeUid(), delta, false);
      }
      case Effect.StopReplaced stop -> {
        Session session = sessions.get(stop.nodeUid());
        if (session != null) {
          session.link.send(
              header(), new ControllerMessage.StopReplaced(stop.uid(), stop.reason()));
        }
      }
      case Effect.Forget forget -> {
        Session session = sessions.get(forget.nodeUid());
        if (session != null) {
          session.link.send(header(), new ControllerMessage.Forget(forget.uids()));
        }
      }
    }
  }

  private void desired(String nodeUid, List<DesiredAttempt> attempts, boolean full) {
    Session session = sessions.get(nodeUid);
    if (session == null) {
      return;
    }
    Map<String, SpecDefinition> specs = new LinkedHashMap<>();
    for (DesiredAttempt attempt : attempts) {
      Optional<SpecDefinition> spec = state.spec(attempt.jobUid(), attempt.specVersion());
      spec.ifPresent(known -> specs.put(known.jobUid() + "/" + known.version(), known));
    }
    session.link.send(
        header(), new ControllerMessage.Desired(full, true, List.copyOf(specs.values()), attempts));
  }

  private LinkHeader header() {
    return new LinkHeader("cluster-1", 1, 1, revision);
  }
}

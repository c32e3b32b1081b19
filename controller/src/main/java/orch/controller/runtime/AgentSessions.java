package orch.controller.runtime;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import orch.api.model.AgentMessage;
import orch.api.model.AttemptStatus;
import orch.api.model.ControllerMessage;
import orch.api.model.DesiredAttempt;
import orch.api.model.LinkHeader;
import orch.api.model.SpecDefinition;
import orch.api.model.StageTimes;
import orch.api.model.Uid;
import orch.controller.core.AttemptRef;
import orch.controller.core.Effect;
import orch.controller.core.Input;
import orch.controller.core.Limits;
import orch.controller.core.NodeContact;
import orch.controller.core.NodeView;
import orch.controller.core.Rejection;
import orch.controller.core.RejectionCode;
import orch.controller.core.StateView;
import orch.controller.port.AgentLink;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The leader's sessions with agents: which node has which, when it was heard of, and what it is
 * sent. A message is made from the state right after the decision that it follows from, and leaves
 * once that revision has committed: an agent never sees what may still be lost.
 */
final class AgentSessions {
  /** The loop, as the sessions use it. */
  interface Loop {
    StateView state();

    /** Decides upon an input of an agent; effects come back through {@link #prepare}. */
    void decide(Input input);

    /** Writes soon what was decided outside of the queue. */
    void drainSoon();

    /** Runs the action once all that was decided until now has committed. */
    void hold(Runnable action);

    LinkHeader header();

    long committedRevision();

    boolean mayGrantLeases();

    /** Why agents are sent away, and where to. */
    Rejection notLeading();

    Instant now();

    long bootNanos();
  }

  /** A session; becomes the node's own when the core welcomes it. */
  static final class Session {
    final long number;
    final AgentMessage.Hello hello;
    final AgentLink link;
    private final SentSpecs sentSpecs = new SentSpecs();
    boolean synchronizing;
    boolean synchronizedOnce;
    boolean closed;

    Session(long number, AgentMessage.Hello hello, AgentLink link) {
      this.number = number;
      this.hello = hello;
      this.link = link;
    }

    String nodeUid() {
      return hello.node().uid();
    }
  }

  private record SpecKey(Uid jobUid, long version) {}

  /** Specs that the agent has for sure; one that was long unused is sent once more. */
  private static final class SentSpecs extends LinkedHashMap<SpecKey, Boolean> {
    private static final long serialVersionUID = 1L;

    SentSpecs() {
      super(16, 0.75f, true);
    }

    @Override
    protected boolean removeEldestEntry(Map.Entry<SpecKey, Boolean> eldest) {
      return size() > LoopLimits.MAX_REMEMBERED_SPECS;
    }
  }

  /** When a node was heard of. */
  private static final class Contact {
    @Nullable Session session;
    long heardNanos;
    @Nullable Long leaseNanos;
    boolean silent;
  }

  private static final Logger LOG = LoggerFactory.getLogger(AgentSessions.class);

  private final Loop loop;
  private final Map<Long, Session> opening = new LinkedHashMap<>();
  private final Map<String, Contact> contacts = new LinkedHashMap<>();

  /** To be closed once what was decided about them has committed. */
  private final Map<Long, Session> leaving = new LinkedHashMap<>();

  private final ArrayDeque<Session> awaitingSync = new ArrayDeque<>();
  private int syncs;
  private volatile boolean suspended;
  private long tickedNanos;

  AgentSessions(Loop loop) {
    this.loop = loop;
  }

  /** Leadership begins: nodes that are up get the whole timeout to come here. */
  void begin() {
    tickedNanos = loop.bootNanos();
    for (NodeView node : loop.state().nodes()) {
      if (node.contact() == NodeContact.UP) {
        contact(node.uid()).heardNanos = loop.bootNanos();
      }
    }
  }

  /**
   * The session with ZooKeeper is lost, so another may lead by now: agents that stayed here would
   * be lost to it.
   */
  void suspend() {
    LOG.warn("The session with ZooKeeper has expired; another may lead by now");
    suspended = true;
    closeAll();
  }

  /** Still leads after all. */
  void resume() {
    if (suspended) {
      suspended = false;
      begin();
    }
  }

  /** Whether agents are sent away, since another may lead. Any thread. */
  boolean suspended() {
    return suspended;
  }

  /** Leadership is over. */
  void end() {
    suspended = false;
    closeAll();
  }

  private void closeAll() {
    Rejection why = loop.notLeading();
    List<Session> all = new ArrayList<>(opening.values());
    for (Contact contact : contacts.values()) {
      if (contact.session != null) {
        all.add(contact.session);
      }
    }
    all.addAll(leaving.values());
    opening.clear();
    leaving.clear();
    contacts.clear();
    awaitingSync.clear();
    syncs = 0;
    for (Session session : all) {
      close(session, why);
    }
  }

  void open(Session session) {
    if (session.closed) {
      return;
    }
    opening.put(session.number, session);
    loop.decide(new Input.NodeHello(session.number, session.hello, doubled(session)));
    // Whatever the core said, it is not opening any more.
    opening.remove(session.number);
  }

  /** Whether another agent, not this one once more, holds a session under the same uid. */
  private boolean doubled(Session session) {
    Contact contact = contacts.get(session.nodeUid());
    Session other = contact == null ? null : contact.session;
    String instance = session.hello.instance();
    return contact != null
        && other != null
        && !instance.isEmpty()
        && !other.hello.instance().isEmpty()
        && !instance.equals(other.hello.instance())
        && loop.bootNanos() - contact.heardNanos < LoopLimits.HEARTBEAT_TIMEOUT.toNanos();
  }

  void closed(Session session) {
    session.closed = true;
    opening.remove(session.number);
    Contact contact = contacts.get(session.nodeUid());
    if (contact != null && contact.session == session) {
      contact.session = null;
    }
  }

  /** Takes a message of the agent, unless its session is over. */
  void receive(Session session, AgentMessage message) {
    Contact contact = contacts.get(session.nodeUid());
    if (session.closed || contact == null || contact.session != session) {
      return;
    }
    heard(session.nodeUid(), contact);
    switch (message) {
      case AgentMessage.Heartbeat heartbeat -> answer(session, contact, heartbeat.sequence());
      case AgentMessage.Reports reports -> {
        for (List<AttemptStatus> part : parts(reports.attempts())) {
          loop.decide(new Input.AttemptReports(session.nodeUid(), part));
        }
      }
      case AgentMessage.Inventory inventory -> {
        List<List<AttemptStatus>> parts = parts(inventory.attempts());
        if (parts.isEmpty()) {
          parts = List.of(List.of());
        }
        for (int i = 0; i < parts.size(); i++) {
          loop.decide(
              new Input.NodeInventory(
                  session.nodeUid(),
                  session.number,
                  parts.get(i),
                  inventory.last() && i == parts.size() - 1));
        }
      }
      case AgentMessage.Hello _ ->
          close(
              session,
              new Rejection(
                  RejectionCode.INVALID_ARGUMENT,
                  "SECOND_HELLO",
                  "",
                  "the session was opened already; a Hello comes once"));
      case AgentMessage.SignalOutcome _, AgentMessage.Inspected _ -> {
        // The edge's own.
      }
      case AgentMessage.Events _ -> {
        // The edge's own too.
      }
    }
  }

  /**
   * A lease must not overtake what the node does not know yet, its stops above all: none is granted
   * before the session was sent its full set, and each waits until all that was decided before it
   * has committed.
   */
  private void answer(Session session, Contact contact, long heartbeat) {
    boolean lease = loop.mayGrantLeases() && session.synchronizedOnce && !session.synchronizing;
    ControllerMessage reply = new ControllerMessage.HeartbeatReply(heartbeat, lease);
    if (lease) {
      contact.leaseNanos = loop.bootNanos();
      hold(session, reply);
    } else {
      send(session, loop.committedRevision(), reply);
    }
  }

  /** Sends what follows from no decision; false: the node has no session. */
  boolean sendNow(String nodeUid, ControllerMessage message) {
    Contact contact = contacts.get(nodeUid);
    if (contact == null || contact.session == null) {
      return false;
    }
    send(contact.session, loop.committedRevision(), message);
    return true;
  }

  /** Tells the core of nodes that fell silent. To be called once a {@link LoopLimits#TICK}. */
  void tick() {
    long now = loop.bootNanos();
    forgive(now - tickedNanos - LoopLimits.TICK.toNanos());
    tickedNanos = now;
    List<Input.NodeSilent> silent = new ArrayList<>();
    contacts.forEach((uid, contact) -> {
      Duration quiet = Duration.ofNanos(now - contact.heardNanos);
      if (!contact.silent && quiet.compareTo(LoopLimits.HEARTBEAT_TIMEOUT) >= 0) {
        contact.silent = true;
        silent.add(new Input.NodeSilent(uid, contact.heardNanos, contact.leaseNanos));
      }
    });
    silent.forEach(loop::decide);
    contacts.values().removeIf(contact -> contact.silent && contact.session == null);
  }

  /**
   * This process itself was away, or waited for ZooKeeper: what the agents sent meanwhile has not
   * been looked at, so they get that time more.
   */
  private void forgive(long lateNanos) {
    if (lateNanos > LoopLimits.TICK.toNanos()) {
      for (Contact contact : contacts.values()) {
        contact.heardNanos += lateNanos;
      }
    }
  }

  /** Makes the messages of an effect from the state as it is now, and holds them. */
  void prepare(Effect effect) {
    switch (effect) {
      case Effect.Welcome welcome -> welcome(welcome);
      case Effect.Refuse refuse -> {
        Session session = opening.remove(refuse.session());
        if (session != null) {
          leave(session, refuse.rejection());
        }
      }
      case Effect.SendDesired desired -> {
        Session session = session(desired.nodeUid());
        if (session != null && !session.synchronizing) {
          session.synchronizing = true;
          awaitingSync.add(session);
          synchronizeNext();
        }
      }
      case Effect.SendAttempts attempts -> {
        Session session = session(attempts.nodeUid());
        // Until the full set is made there is no delta to it.
        if (session != null && session.synchronizedOnce) {
          delta(session, attempts.attempts());
        }
      }
      case Effect.StopReplaced stop -> {
        Session session = session(stop.nodeUid());
        if (session != null) {
          hold(session, new ControllerMessage.StopReplaced(stop.uid(), stop.reason()));
        }
      }
      case Effect.Forget forget -> {
        Session session = session(forget.nodeUid());
        if (session != null) {
          hold(session, new ControllerMessage.Forget(forget.uids()));
        }
      }
    }
  }

  private void welcome(Effect.Welcome welcome) {
    Session session = opening.remove(welcome.session());
    if (session == null) {
      return;
    }
    Contact contact = contact(welcome.nodeUid());
    Session older = contact.session;
    if (older != null) {
      leave(
          older,
          new Rejection(
              RejectionCode.ABORTED, "SESSION_REPLACED", "", "the node opened another session"));
    }
    contact.session = session;
    contact.heardNanos = loop.bootNanos();
    contact.silent = false;
    hold(
        session,
        new ControllerMessage.Welcome(
            LoopLimits.HEARTBEAT_INTERVAL,
            welcome.wantInventory(),
            welcome.adoptedFrom(),
            welcome.heldBelow()));
  }

  private void synchronizeNext() {
    while (syncs < LoopLimits.MAX_RESYNCS && !awaitingSync.isEmpty()) {
      Session session = awaitingSync.remove();
      session.synchronizing = false;
      if (session.closed) {
        continue;
      }
      session.synchronizedOnce = true;
      syncs++;
      desired(session, loop.state().desiredOf(session.nodeUid()), true);
      loop.hold(() -> {
        syncs--;
        synchronizeNext();
      });
    }
  }

  private void delta(Session session, List<AttemptRef> refs) {
    List<DesiredAttempt> attempts = new ArrayList<>(refs.size());
    for (AttemptRef ref : refs) {
      loop.state().desired(ref).ifPresent(attempts::add);
    }
    if (!attempts.isEmpty()) {
      desired(session, attempts, false);
    }
  }

  /** Holds the attempts in parts of a bounded size, with the specs that the session has not yet. */
  private void desired(Session session, List<DesiredAttempt> attempts, boolean full) {
    List<SpecDefinition> specs = new ArrayList<>();
    List<DesiredAttempt> part = new ArrayList<>();
    for (DesiredAttempt attempt : attempts) {
      if (part.size() == LoopLimits.MAX_ATTEMPTS_IN_A_MESSAGE
          || specs.size() == LoopLimits.MAX_SPECS_IN_A_MESSAGE) {
        holdDesired(session, full, false, specs, part);
        specs = new ArrayList<>();
        part = new ArrayList<>();
      }
      SpecKey key = new SpecKey(attempt.jobUid(), attempt.specVersion());
      if (session.sentSpecs.get(key) == null) {
        Optional<SpecDefinition> spec = loop.state().spec(attempt.jobUid(), attempt.specVersion());
        if (spec.isPresent()) {
          session.sentSpecs.put(key, true);
          specs.add(spec.get());
        }
      }
      part.add(attempt);
    }
    holdDesired(session, full, true, specs, part);
  }

  private void holdDesired(
      Session session,
      boolean full,
      boolean last,
      List<SpecDefinition> specs,
      List<DesiredAttempt> attempts) {
    LinkHeader header = loop.header();
    loop.hold(() -> {
      if (!session.closed) {
        session.link.send(
            header, new ControllerMessage.Desired(full, last, specs, stamped(attempts)));
      }
    });
  }

  /** Committed and sent are one moment here: the loop sends as it hears of the commit. */
  private List<DesiredAttempt> stamped(List<DesiredAttempt> attempts) {
    Instant now = loop.now();
    long nanos = now.getEpochSecond() * 1_000_000_000L + now.getNano();
    List<DesiredAttempt> result = new ArrayList<>(attempts.size());
    for (DesiredAttempt attempt : attempts) {
      StageTimes stages = attempt.stages();
      result.add(
          new DesiredAttempt(
              attempt.uid(),
              attempt.jobUid(),
              attempt.specVersion(),
              attempt.index(),
              attempt.attempt(),
              attempt.bootId(),
              attempt.stop(),
              attempt.startDelay(),
              attempt.ports(),
              attempt.fencingToken(),
              attempt.spanId(),
              attempt.item(),
              attempt.memoryBytes(),
              new StageTimes(
                  stages.acceptNanos(),
                  stages.commitNanos() == 0 ? nanos : stages.commitNanos(),
                  stages.placeNanos(),
                  nanos,
                  stages.receiveNanos(),
                  stages.launchNanos(),
                  stages.execNanos(),
                  stages.exitNanos(),
                  stages.recordNanos(),
                  stages.reportNanos(),
                  stages.ackNanos()),
              attempt.frozen()));
    }
    return result;
  }

  private void heard(String nodeUid, Contact contact) {
    contact.heardNanos = loop.bootNanos();
    if (contact.silent) {
      contact.silent = false;
      loop.decide(new Input.NodeBack(nodeUid));
      loop.drainSoon();
    }
  }

  private Contact contact(String nodeUid) {
    return contacts.computeIfAbsent(nodeUid, _ -> new Contact());
  }

  private @Nullable Session session(String nodeUid) {
    Contact contact = contacts.get(nodeUid);
    return contact == null ? null : contact.session;
  }

  private void hold(Session session, ControllerMessage message) {
    LinkHeader header = loop.header();
    loop.hold(() -> {
      if (!session.closed) {
        session.link.send(header, message);
      }
    });
  }

  private void send(Session session, long revision, ControllerMessage message) {
    LinkHeader header = loop.header();
    session.link.send(
        new LinkHeader(header.clusterId(), header.incarnation(), header.epoch(), revision),
        message);
  }

  /** Closes it once what was decided has committed, or when leadership is over before that. */
  private void leave(Session session, Rejection why) {
    leaving.put(session.number, session);
    loop.hold(() -> {
      if (leaving.remove(session.number) != null) {
        close(session, why);
      }
    });
  }

  private void close(Session session, Rejection why) {
    if (!session.closed) {
      closed(session);
      session.link.close(why);
    }
  }

  private static List<List<AttemptStatus>> parts(List<AttemptStatus> attempts) {
    List<List<AttemptStatus>> parts = new ArrayList<>();
    for (int from = 0; from < attempts.size(); from += Limits.MAX_REPORTS) {
      parts.add(attempts.subList(from, Math.min(attempts.size(), from + Limits.MAX_REPORTS)));
    }
    return parts;
  }
}

package orch.agent.core;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import orch.api.model.AgentMessage;
import orch.api.model.AttemptState;
import orch.api.model.AttemptStatus;
import orch.api.model.ControllerMessage;
import orch.api.model.DesiredAttempt;
import orch.api.model.InventoryHash;
import orch.api.model.LinkHeader;
import orch.api.model.NodeDescription;
import orch.api.model.Result;
import orch.api.model.ResultKind;
import orch.api.model.SpecDefinition;
import orch.api.model.StopOrder;
import orch.api.model.Uid;
import orch.api.model.UnreadableSpec;
import org.jspecify.annotations.Nullable;

/**
 * The agent's decisions. One input at a time goes in with its moment; what is to be done comes out.
 * Level-triggered: hearing the same twice changes nothing.
 *
 * <p>An attempt is handed to the launcher only if no claim of it is known, and never a second time
 * once it may have been claimed; with the claims in the launcher's journal that makes at most one
 * fork, over every restart of the agent.
 */
public final class AgentCore {
  /** Version of the agent protocol. */
  public static final int PROTOCOL = 1;

  /** Attempts in one part of an inventory. */
  static final int INVENTORY_PART = 500;

  private static final Duration REPEAT_AFTER = Duration.ofSeconds(30);

  private final String bootId;
  private final Leases leases = new Leases();
  private final AttemptMachine machine = new AttemptMachine(leases);
  private final ServiceMachine services = new ServiceMachine(machine);
  private final Freezer freezer = new Freezer(services);
  private final Shutdown shutdown = new Shutdown(machine, services);
  private final TreeMap<Uid, Attempt> attempts = new TreeMap<>();
  private final Tombstones tombstones;
  private final Specs specs = new Specs();
  private Obeyed obeyed;
  private long appliedRevision;
  private long highestJobNumber;
  private boolean sessionOpen;

  /** As the leader said last: it may not know attempts of incarnations below this one. */
  private int heldBelow;

  private boolean refused;
  private boolean recovered;
  private long recoveredBootNanos;

  /** Uids of the full set that is being received; null while there is none. */
  private @Nullable TreeSet<Uid> fullSet;

  /**
   * @param bootId of this boot; attempts for another are refused
   * @param obeyed from the agent's file
   * @param buried from the agent's file, oldest first
   */
  public AgentCore(String bootId, Obeyed obeyed, List<Buried> buried) {
    this.bootId = bootId;
    this.obeyed = obeyed;
    this.tombstones = new Tombstones(Tombstones.LIMIT, buried);
  }

  /** As {@link #hello(NodeDescription, String)}, of a process without a name. */
  AgentMessage.Hello hello(NodeDescription node) {
    return hello(node, "");
  }

  /**
   * What the agent says of itself at the opening of a session.
   *
   * @param instance of the agent's process
   */
  public AgentMessage.Hello hello(NodeDescription node, String instance) {
    InventoryHash hash = new InventoryHash();
    attempts.forEach((uid, attempt) -> hash.add(uid, attempt.state()));
    return new AgentMessage.Hello(
        PROTOCOL,
        obeyed.clusterId(),
        obeyed.incarnation(),
        obeyed.epoch(),
        appliedRevision,
        node,
        hash.count(),
        hash.value(),
        highestJobNumber,
        instance);
  }

  /**
   * Whether the launcher's journal was read once: before that the agent knows nothing of what
   * agents before it did, must not open a session, and obeys nobody.
   */
  public boolean recovered() {
    return recovered;
  }

  /** Attempts that were handed to the launcher and have not ended. */
  public int live() {
    return liveUids().size();
  }

  /** The same by name. */
  public SortedSet<Uid> liveUids() {
    SortedSet<Uid> live = new TreeSet<>();
    for (Attempt attempt : attempts.values()) {
      if (attempt.phase.launched()) {
        live.add(attempt.uid());
      }
    }
    return live;
  }

  /** Whether there is an end whose report no controller has committed. */
  public boolean owesReports() {
    return attempts.values().stream().anyMatch(attempt -> attempt.phase == Phase.ENDED);
  }

  /** All attempts that the agent knows, ended ones that were not forgotten included. */
  public int known() {
    return attempts.size();
  }

  /** Decides on one input. */
  public List<Effect> handle(Input input, Moment now) {
    List<Effect> effects = new ArrayList<>();
    switch (input) {
      case Input.Received received -> received(received, now, effects);
      case Input.SessionClosed closed -> {
        sessionOpen = false;
        refused = false;
        fullSet = null;
        specs.clear();
        renew(true, effects);
      }
      case Input.LauncherConnected connected -> launcherConnected(connected.found(), now, effects);
      case Input.LauncherLost lost -> machine.launcherReady(false);
      case Input.Started started ->
          apply(
              started.uid(),
              AttemptEvent.STARTED,
              new AttemptMachine.Detail(null, "", started.startNanos()),
              now,
              effects);
      case Input.StartFailed failed ->
          apply(
              failed.uid(),
              AttemptEvent.START_FAILED,
              AttemptMachine.Detail.end(
                  new End(
                      Result.without(ResultKind.START_FAILED, failed.why()),
                      0,
                      failed.atNanos(),
                      now.wallNanos())),
              now,
              effects);
      case Input.Exited exited ->
          apply(
              exited.uid(),
              AttemptEvent.EXITED,
              AttemptMachine.Detail.end(exited.end()),
              now,
              effects);
      case Input.TakenBack back ->
          apply(back.uid(), AttemptEvent.TAKEN_BACK, AttemptMachine.Detail.NONE, now, effects);
      case Input.Stuck stuck ->
          apply(
              stuck.uid(),
              AttemptEvent.STUCK,
              AttemptMachine.Detail.why(
                  "stuck: " + stuck.processes() + " processes outlive SIGKILL"),
              now,
              effects);
      case Input.Signalled signalled ->
          effects.add(
              new Effect.Send(
                  new AgentMessage.SignalOutcome(
                      signalled.request(), signalled.processes(), signalled.error())));
      case Input.HeartbeatSent sent -> {
        leases.sent(sent.sequence(), sent.bootNanos());
        if (leases.overdue()) {
          renew(true, effects);
        }
      }
      case Input.LeaseTick tick -> leaseTick(now, effects);
      case Input.Frozen it -> freezer.done(attempts.get(it.uid()), it, now, effects);
      case Input.FrozenForMemory it ->
          freezer.forMemory(attempts.get(it.uid()), it.frozen(), now, effects);
      case Input.Notified notified -> {
        Attempt attempt = attempts.get(notified.uid());
        if (attempt != null) {
          services.heard(attempt, notified.what(), now, effects);
        }
      }
      case Input.Evicted evicted -> {
        Attempt attempt = attempts.get(evicted.uid());
        if (attempt != null) {
          services.surrender(attempt, Surrender.MEMORY_PRESSURE, evicted.reason(), now, effects);
        }
      }
      case Input.ShutDown of -> shutdown.ask(of.deadlineBootNanos());
      case Input.TimerFired fired -> timer(fired, now, effects);
      case Input.Tick tick -> tick(now, effects);
    }
    shutdown.goOn(attempts.values(), now, effects);
    return effects;
  }

  // ---- the controller ----

  private void received(Input.Received received, Moment now, List<Effect> effects) {
    if (refused) {
      return;
    }
    if (!recovered) {
      refuse("the agent has not read its journal yet", effects);
      return;
    }
    if (!isObeyed(received.header(), received.message(), effects)) {
      return;
    }
    switch (received.message()) {
      case ControllerMessage.Welcome welcome -> {
        sessionOpen = true;
        heldBelow = welcome.heldBelow();
        effects.add(new Effect.SessionOpen(welcome.heartbeatInterval()));
        if (welcome.wantInventory()) {
          inventory(now, effects);
        }
        // Ends that an earlier session may have lost.
        attempts.values().stream()
            .filter(attempt -> attempt.phase == Phase.ENDED)
            .forEach(attempt -> machine.report(attempt, now, effects));
      }
      case ControllerMessage.Desired desired -> {
        if (desired(desired, now, effects)) {
          appliedRevision = Math.max(appliedRevision, received.header().revision());
        }
      }
      case ControllerMessage.Forget forget -> {
        for (Uid uid : forget.uids()) {
          apply(uid, AttemptEvent.FORGOTTEN, AttemptMachine.Detail.NONE, now, effects);
        }
      }
      case ControllerMessage.StopReplaced(Uid uid, String reason) -> {
        Attempt attempt = attempts.get(uid);
        if (attempt != null && attempt.phase != Phase.ENDED && attempt.phase != Phase.STOPPING) {
          // Said, its own grace stays what it is: another of it runs elsewhere.
          attempt.stop = new StopOrder(attempt.ownGrace(), reason);
          attempt.reason = reason;
          step(attempt, AttemptEvent.STOP_ORDERED, AttemptMachine.Detail.why(reason), now, effects);
        }
      }
      case ControllerMessage.Signal signal ->
          effects.add(
              new Effect.Signal(signal.uid(), signal.signal(), signal.target(), signal.request()));
      case ControllerMessage.HeartbeatReply reply -> {
        effects.add(new Effect.HeartbeatAnswered(reply.sequence(), reply.lease()));
        leases.answered(reply.sequence(), reply.lease());
        if (reply.lease()) {
          startLeased(now, effects);
        }
        renew(!reply.lease(), effects);
      }
      case ControllerMessage.OpenExec open -> {
        Attempt attempt = running(open.uid());
        effects.add(
            new Effect.RunCommand(
                open,
                attempt == null ? null : attempt.order,
                attempt == null ? null : attempt.definition));
      }
      case ControllerMessage.OpenAttach open -> {
        Attempt attempt = running(open.uid());
        SpecDefinition definition = attempt == null ? null : attempt.definition;
        effects.add(
            new Effect.Attach(
                open,
                attempt == null ? null : attempt.known,
                definition != null && definition.spec().execution().tty()));
      }
      case ControllerMessage.Inspect inspect -> effects.add(new Effect.Inspect(inspect));
      case ControllerMessage.OpenLogs open -> effects.add(new Effect.ServeLogs(open));
      case ControllerMessage.CloseLogs close ->
          effects.add(new Effect.EndLogs(close.stream(), close.drain()));
    }
  }

  private @Nullable Attempt running(Uid uid) {
    Attempt attempt = attempts.get(uid);
    return attempt != null && attempt.phase.launched() ? attempt : null;
  }

  /** Invariant: no agent obeys an older epoch, nor a cluster that it does not belong to. */
  private boolean isObeyed(LinkHeader header, ControllerMessage message, List<Effect> effects) {
    boolean foreign =
        !obeyed.clusterId().isEmpty() && !obeyed.clusterId().equals(header.clusterId());
    boolean adopted =
        foreign
            && message instanceof ControllerMessage.Welcome welcome
            && welcome.adoptedFrom().equals(obeyed.clusterId())
            // No uid made there is like one that is known here.
            && header.incarnation() > obeyed.incarnation();
    if (foreign && !adopted) {
      refuse(
          "this node belongs to cluster "
              + obeyed.clusterId()
              + ", the controller to "
              + header.clusterId()
              + "; adopt the node there (orchctl node adopt), or give the agent another data"
              + " directory",
          effects);
      return false;
    }
    if (!adopted && obeyed.isNewerThan(header.incarnation(), header.epoch())) {
      refuse(
          "the controller speaks for epoch "
              + header.epoch()
              + ", this node has obeyed epoch "
              + obeyed.epoch()
              + " already",
          effects);
      return false;
    }
    Obeyed of = new Obeyed(header.clusterId(), header.incarnation(), header.epoch());
    if (!of.equals(obeyed)) {
      if (of.incarnation() != obeyed.incarnation()) {
        appliedRevision = 0;
      }
      obeyed = of;
      effects.add(new Effect.Obey(of.clusterId(), of.incarnation(), of.epoch()));
    }
    return true;
  }

  private void refuse(String why, List<Effect> effects) {
    refused = true;
    effects.add(new Effect.CloseSession(why));
  }

  /** Answers whether all of it could be applied. */
  private boolean desired(ControllerMessage.Desired desired, Moment now, List<Effect> effects) {
    highestJobNumber = Math.max(highestJobNumber, specs.add(desired));
    if (desired.full() && fullSet == null) {
      fullSet = new TreeSet<>();
    }
    for (DesiredAttempt order : desired.attempts()) {
      if (desired.full() && fullSet != null) {
        fullSet.add(order.uid());
      }
      if (!order(order, now, effects)) {
        refuse(
            "the spec of attempt " + order.uid() + " was not sent; asking for a resync", effects);
        return false;
      }
    }
    if (desired.full() && desired.last() && fullSet != null) {
      stopUnwanted(fullSet, now, effects);
      fullSet = null;
    }
    specs.trim();
    return true;
  }

  /** Answers false when the order needs a spec that is not there. */
  private boolean order(DesiredAttempt order, Moment now, List<Effect> effects) {
    SpecDefinition definition = specs.of(order);
    Attempt attempt = attempts.get(order.uid());
    if (attempt == null) {
      return newAttempt(order, definition, now, effects);
    }
    if (attempt.order == null) {
      attempt.order = order;
    }
    if (attempt.definition == null) {
      attempt.definition = definition;
    }
    if (order.stop() == null) {
      step(attempt, AttemptEvent.WANTED, AttemptMachine.Detail.NONE, now, effects);
      if (freezer.ordered(attempt, order.frozen(), effects) && machine.launcherReady()) {
        step(attempt, AttemptEvent.LAUNCHER_READY, AttemptMachine.Detail.NONE, now, effects);
      }
    } else if (attempt.phase != Phase.STOPPING || !order.stop().equals(attempt.stop)) {
      // Said again with another grace, it is told to the shim again; the same order is not.
      attempt.stop = order.stop();
      attempt.reason = order.stop().reason();
      step(attempt, AttemptEvent.STOP_ORDERED, AttemptMachine.Detail.NONE, now, effects);
    }
    return true;
  }

  private boolean newAttempt(
      DesiredAttempt order, @Nullable SpecDefinition definition, Moment now, List<Effect> effects) {
    Buried buried = tombstones.of(order.uid());
    if (buried != null) {
      effects.add(new Effect.Report(Statuses.of(order, buried, definition)));
      return true;
    }
    if (order.uid().incarnation() < heldBelow) {
      // It may have run before the cluster was restored, and must not run a second time.
      effects.add(new Effect.Report(Statuses.unknown(order, definition)));
      return true;
    }
    UnreadableSpec unreadable = specs.unreadable(order);
    Attempt attempt;
    if (definition != null) {
      attempt = new Attempt(KnownAttempt.of(order, definition), Phase.READY);
    } else if (unreadable != null) {
      attempt = new Attempt(KnownAttempt.unreadable(order, unreadable), Phase.READY);
    } else {
      return false;
    }
    attempt.order = order;
    attempt.definition = definition;
    attempt.stop = order.stop();
    attempt.freezeWanted = order.frozen();
    attempt.receivedNanos = now.wallNanos();
    attempts.put(order.uid(), attempt);
    if (!order.bootId().equals(bootId)) {
      attempt.drop("placed for another boot of this host, which was rebooted", now.wallNanos());
      machine.report(attempt, now, effects);
    } else if (order.stop() != null) {
      step(
          attempt,
          AttemptEvent.STOP_ORDERED,
          AttemptMachine.Detail.why("stopped before it started"),
          now,
          effects);
    } else if (unreadable != null) {
      attempt.refuse(unreadable, now.wallNanos());
      machine.report(attempt, now, effects);
    } else if (order.startDelay().isPositive()) {
      attempt.phase = Phase.DELAYED;
      AttemptMachine.setTimer(
          attempt, Timer.DELAY, now.bootNanos() + order.startDelay().toNanos(), effects);
    } else if (machine.launcherReady()) {
      step(attempt, AttemptEvent.LAUNCHER_READY, AttemptMachine.Detail.NONE, now, effects);
    }
    return true;
  }

  /**
   * What the controller does not name is stopped, but for attempts that it may never have heard of,
   * as it was restored from a backup or has adopted this node: they are held for the operator.
   */
  private void stopUnwanted(SortedSet<Uid> wanted, Moment now, List<Effect> effects) {
    for (Attempt attempt : List.copyOf(attempts.values())) {
      if (wanted.contains(attempt.uid())) {
        continue;
      }
      if (attempt.uid().incarnation() < heldBelow
          && attempt.phase.launched()
          && attempt.phase != Phase.STOPPING) {
        attempt.reason =
            "held: made before the cluster was restored from a backup, or in another cluster";
        machine.report(attempt, now, effects);
      } else {
        step(
            attempt,
            AttemptEvent.UNWANTED,
            AttemptMachine.Detail.why("the controller does not want it"),
            now,
            effects);
      }
    }
  }

  private void inventory(Moment now, List<Effect> effects) {
    List<AttemptStatus> part = new ArrayList<>();
    for (Attempt attempt : attempts.values()) {
      if (part.size() == INVENTORY_PART) {
        effects.add(new Effect.Send(new AgentMessage.Inventory(part, false)));
        part = new ArrayList<>();
      }
      part.add(attempt.status(now.wallNanos()));
    }
    effects.add(new Effect.Send(new AgentMessage.Inventory(part, true)));
  }

  // ---- the launcher ----

  private void launcherConnected(List<Found> found, Moment now, List<Effect> effects) {
    machine.launcherReady(true);
    recoveredBootNanos = recovered ? recoveredBootNanos : now.bootNanos();
    recovered = true;
    TreeSet<Uid> claimed = new TreeSet<>();
    for (Found each : found) {
      claimed.add(each.uid());
      Attempt attempt = attempts.get(each.uid());
      if (attempt == null) {
        adopt(each, now, effects);
      } else if (each.end() != null) {
        if (attempt.phase != Phase.ENDED) {
          step(attempt, AttemptEvent.EXITED, AttemptMachine.Detail.end(each.end()), now, effects);
        }
      } else {
        step(
            attempt,
            AttemptEvent.FOUND_ALIVE,
            new AttemptMachine.Detail(null, "", each.startNanos()),
            now,
            effects);
        attempt.toldBootNanos = 0;
        freezer.lost(attempt, effects);
      }
    }
    for (Attempt attempt : List.copyOf(attempts.values())) {
      if (!claimed.contains(attempt.uid())) {
        step(
            attempt,
            AttemptEvent.FOUND_UNCLAIMED,
            AttemptMachine.Detail.why("stopped before it started"),
            now,
            effects);
      }
      step(attempt, AttemptEvent.LAUNCHER_READY, AttemptMachine.Detail.NONE, now, effects);
    }
    renew(true, effects);
  }

  /** One of an agent before this one. */
  private void adopt(Found found, Moment now, List<Effect> effects) {
    Buried buried = tombstones.of(found.uid());
    if (buried != null) {
      // Forgotten, but the ack did not reach the journal.
      effects.add(new Effect.Bury(buried));
      return;
    }
    KnownAttempt known = found.known() == null ? KnownAttempt.nameless(found.uid()) : found.known();
    highestJobNumber = Math.max(highestJobNumber, known.jobNumber());
    Attempt attempt = new Attempt(known, Phase.RUNNING);
    attempt.startNanos = found.startNanos();
    attempt.startBootNanos = found.startBootNanos();
    attempts.put(found.uid(), attempt);
    effects.add(new Effect.OpenLog(known));
    if (found.end() == null) {
      machine.report(attempt, now, effects);
    } else {
      step(attempt, AttemptEvent.EXITED, AttemptMachine.Detail.end(found.end()), now, effects);
    }
  }

  // ---- leases ----

  /** Whether any attempt runs, or waits to run, under a lease. */
  public boolean leased() {
    return attempts.values().stream()
        .anyMatch(attempt -> attempt.known.leased() && attempt.phase != Phase.ENDED);
  }

  /** Those that waited for a lease. */
  private void startLeased(Moment now, List<Effect> effects) {
    for (Attempt attempt : attempts.values()) {
      if (attempt.known.leased() && attempt.phase == Phase.READY && machine.launcherReady()) {
        step(attempt, AttemptEvent.LAUNCHER_READY, AttemptMachine.Detail.NONE, now, effects);
      }
    }
  }

  /** Tells the shims, all in one effect, how long their attempts may run. */
  private void renew(boolean exact, List<Effect> effects) {
    List<Deadline> deadlines = new ArrayList<>();
    for (Attempt attempt : attempts.values()) {
      Deadline next = machine.renewal(attempt, exact);
      if (next != null) {
        deadlines.add(next);
      }
    }
    if (!deadlines.isEmpty()) {
      effects.add(new Effect.Renew(deadlines));
    }
  }

  /** The shims keep the leases; this is for tasks that no shim guards any more. */
  private void leaseTick(Moment now, List<Effect> effects) {
    for (Attempt attempt : List.copyOf(attempts.values())) {
      if (recovered && machine.unleased(attempt, recoveredBootNanos, now)) {
        step(attempt, AttemptEvent.LEASE_OVER, AttemptMachine.Detail.NONE, now, effects);
      }
    }
  }

  // ---- time ----

  private void timer(Input.TimerFired fired, Moment now, List<Effect> effects) {
    Attempt attempt = attempts.get(fired.uid());
    if (attempt == null) {
      return;
    }
    switch (fired.timer()) {
      case DELAY -> timer(attempt, AttemptEvent.DELAY_OVER, now, effects);
      case WARN -> timer(attempt, AttemptEvent.WARN_DUE, now, effects);
      case TIMEOUT -> timer(attempt, AttemptEvent.TIMED_OUT, now, effects);
      case GRACE -> timer(attempt, AttemptEvent.GRACE_OVER, now, effects);
      case READY -> services.readyDue(attempt, now, effects);
      case WATCHDOG -> services.watchdogDue(attempt, now, effects);
      case TEXT -> services.textDue(attempt, now, effects);
    }
  }

  private void timer(Attempt attempt, AttemptEvent event, Moment now, List<Effect> effects) {
    step(attempt, event, AttemptMachine.Detail.NONE, now, effects);
  }

  private void tick(Moment now, List<Effect> effects) {
    tombstones.expire(now.wallNanos());
    if (!sessionOpen) {
      return;
    }
    for (Attempt attempt : attempts.values()) {
      if (attempt.phase == Phase.ENDED
          && now.bootNanos() - attempt.reportedBootNanos >= REPEAT_AFTER.toNanos()) {
        machine.report(attempt, now, effects);
      }
    }
  }

  // ---- attempts ----

  private void apply(
      Uid uid, AttemptEvent event, AttemptMachine.Detail detail, Moment now, List<Effect> effects) {
    Attempt attempt = attempts.get(uid);
    if (attempt != null) {
      step(attempt, event, detail, now, effects);
    }
  }

  private void step(
      Attempt attempt,
      AttemptEvent event,
      AttemptMachine.Detail detail,
      Moment now,
      List<Effect> effects) {
    if (machine.apply(attempt, event, detail, now, effects)) {
      attempts.remove(attempt.uid());
      tombstones.add(Buried.of(attempt, now.wallNanos()));
    } else if (event == AttemptEvent.STARTED) {
      freezer.settle(attempt, effects);
    }
  }

  /** How the agent sees an attempt; null when it does not know it. */
  @Nullable AttemptState stateOf(Uid uid) {
    Attempt attempt = attempts.get(uid);
    return attempt == null ? null : attempt.state();
  }

  /** An attempt that the agent has; null: it has none so called. */
  public @Nullable KnownAttempt known(Uid uid) {
    Attempt attempt = attempts.get(uid);
    return attempt == null ? null : attempt.known;
  }

  /** Whether its task executes and nobody stops it. */
  public boolean runs(Uid uid) {
    Attempt attempt = attempts.get(uid);
    return attempt != null && attempt.phase == Phase.RUNNING;
  }

  /** Whether the start that was asked for last is wanted still. */
  public boolean starts(Uid uid) {
    Attempt attempt = attempts.get(uid);
    return attempt != null && attempt.phase == Phase.STARTING;
  }

  /** Whether nothing of it will ever run here. */
  public boolean over(Uid uid) {
    Attempt attempt = attempts.get(uid);
    return attempt == null || attempt.phase == Phase.ENDED;
  }

  /** What is to be known of every attempt that the agent has, after a restart too. */
  public List<KnownAttempt> knownAttempts() {
    return attempts.values().stream().map(attempt -> attempt.known).toList();
  }

  /** For tests: everything that the agent knows. */
  Map<Uid, AttemptState> states() {
    Map<Uid, AttemptState> states = new LinkedHashMap<>();
    attempts.forEach((uid, attempt) -> states.put(uid, attempt.state()));
    return states;
  }
}

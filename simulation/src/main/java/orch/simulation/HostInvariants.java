package orch.simulation;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import orch.agent.core.Obeyed;
import orch.api.model.AttemptState;
import orch.api.model.ControllerMessage;
import orch.api.model.DesiredAttempt;
import orch.api.model.LinkHeader;
import orch.api.model.PartitionMode;
import orch.api.model.Result;
import orch.api.model.ResultKind;
import orch.api.model.Uid;
import orch.controller.core.Change;
import org.jspecify.annotations.Nullable;

/**
 * What is true on the hosts, held against what the log says: forks, ends, stops, and what passes
 * between controllers and agents. Invariants 5, 6, 7, 8, 9, 12 (the delays), 13, 19 and 20.
 */
final class HostInvariants
    implements SimulatedLauncher.Witness, SimulatedLink.Witness, Ledger.AttemptReader {
  private static final Duration LEASE_MARGIN = Duration.ofSeconds(2);

  private final World world;
  private final CommittedLog log;
  private final Ledger ledger;
  private final Map<Uid, TaskLife> lives = new TreeMap<>();
  private final Map<String, Obeyed> obeyed = new TreeMap<>();
  private final Map<String, TreeSet<Uid>> stopsHeard = new TreeMap<>();
  private final Map<String, Long> leased = new TreeMap<>();
  private @Nullable String staleMessage;
  private boolean calm;

  HostInvariants(World world, CommittedLog log, Ledger ledger) {
    this.world = world;
    this.log = log;
    this.ledger = ledger;
  }

  int forks() {
    return lives.size();
  }

  /** From now on nothing goes wrong by itself. */
  void calmDown() {
    calm = true;
  }

  @Override
  public boolean calm() {
    return calm;
  }

  // ---- process trees

  @Override
  public void forked(TaskLife life) {
    world.record(life.node.name(), "forks " + life.uid);
    if (lives.put(life.uid, life) != null) {
      throw new Violation(7, life.uid + " forked twice");
    }
    Ledger.BookedAttempt attempt = ledger.attempt(life.uid);
    if (attempt == null) {
      throw new Violation(5, life.uid + " forked, and the log does not know it");
    }
    for (Ledger.BookedAttempt before = attempt.before; before != null; before = before.before) {
      TaskLife older = lives.get(before.uid);
      if (older != null && older.alive) {
        alone(attempt, before);
      }
    }
    delayed(attempt, life);
  }

  /** Two copies: only of a task that may have them, and only once the first was given up. */
  private static void alone(Ledger.BookedAttempt attempt, Ledger.BookedAttempt before) {
    PartitionMode mode = before.spec.partition().mode();
    if (mode != PartitionMode.KEEP || before.end != AttemptState.LOST) {
      throw new Violation(8, attempt + " runs beside " + before + " (partition: " + mode + ")");
    }
  }

  /** The back-off's least delay has passed since the attempt before ended by itself. */
  private void delayed(Ledger.BookedAttempt attempt, TaskLife life) {
    Ledger.BookedAttempt before = attempt.before;
    TaskLife older = before == null ? null : lives.get(before.uid);
    if (before == null || older == null || older.end == null) {
      return;
    }
    long waited = life.forkNanos - older.endNanos;
    // The delay is kept in whole milliseconds.
    if (waited < before.leastDelayNanos - 2_000_000) {
      throw new Violation(
          12,
          attempt
              + " came "
              + waited / 1_000_000
              + " ms after the one before, its back-off is "
              + before.leastDelayNanos / 1_000_000
              + " ms at least");
    }
  }

  @Override
  public void ended(TaskLife life) {
    world.record(
        life.node.name(), "ended " + life.uid + " " + (life.end == null ? "-" : life.end.kind()));
  }

  /**
   * No task of {@code partition: stop} lives on much longer than the last lease that its node heard
   * of, and the time for its stop. Counts from the answer, which is later than the lease's start.
   */
  void leasesKept() {
    for (TaskLife life : lives.values()) {
      Ledger.BookedAttempt attempt = life.alive ? ledger.attempt(life.uid) : null;
      if (attempt == null || attempt.spec.partition().mode() != PartitionMode.STOP) {
        continue;
      }
      long since = Math.max(life.forkNanos, leased.getOrDefault(life.node.name(), 0L));
      Duration longest =
          attempt.spec.partition().stopAfter().plus(attempt.spec.stop().grace()).plus(LEASE_MARGIN);
      if (world.nowNanos() - since > longest.toNanos()) {
        throw new Violation(
            8,
            attempt
                + " lives on "
                + life.node.name()
                + ", which has heard of no lease for "
                + (world.nowNanos() - since) / 1_000_000
                + " ms");
      }
    }
  }

  /** Trees that live, of all hosts. */
  List<TaskLife> live() {
    List<TaskLife> live = new ArrayList<>();
    for (TaskLife life : lives.values()) {
      if (life.alive) {
        live.add(life);
      }
    }
    return live;
  }

  // ---- what agents do

  @Override
  public void startAsked(SimulatedNode node, Uid uid) {
    notStale("starts " + uid);
    if (stops(node).contains(uid)) {
      throw new Violation(13, node.name() + " starts " + uid + " after it was told to stop it");
    }
  }

  @Override
  public void stopAsked(SimulatedNode node, Uid uid) {
    notStale("stops " + uid);
  }

  @Override
  public void acked(SimulatedNode node, Uid uid) {
    Ledger.BookedAttempt attempt = ledger.attempt(uid);
    if (attempt != null && attempt.live()) {
      throw new Violation(
          20,
          node.name() + " gives up the result of " + attempt + ", and the log does not have it");
    }
    if (!node.files().hasBuried(uid)) {
      throw new Violation(20, node.name() + " gives up " + uid + " and keeps no tombstone");
    }
  }

  private TreeSet<Uid> stops(SimulatedNode node) {
    return stopsHeard.computeIfAbsent(node.name(), _ -> new TreeSet<>());
  }

  private void notStale(String what) {
    if (staleMessage != null) {
      throw new Violation(6, what + " because of " + staleMessage);
    }
  }

  // ---- what passes between controllers and agents

  @Override
  public void sends(SimulatedNode node, LinkHeader header, ControllerMessage message) {
    if (header.revision() > log.revision()) {
      throw new Violation(
          5,
          "sent to "
              + node.name()
              + " at revision "
              + header.revision()
              + ", committed are "
              + log.revision()
              + ": "
              + message);
    }
    switch (message) {
      case ControllerMessage.Desired desired -> {
        for (DesiredAttempt order : desired.attempts()) {
          ordered(node, order);
        }
      }
      case ControllerMessage.Forget forget -> {
        for (Uid uid : forget.uids()) {
          Ledger.BookedAttempt attempt = ledger.attempt(uid);
          if (attempt != null && attempt.live()) {
            throw new Violation(5, node.name() + " is to forget " + attempt + ", which lives");
          }
        }
      }
      default -> {}
    }
  }

  private void ordered(SimulatedNode node, DesiredAttempt order) {
    Ledger.BookedAttempt attempt = ledger.attempt(order.uid());
    if (attempt == null) {
      throw new Violation(5, node.name() + " is sent " + order.uid() + ", which is not committed");
    }
    if (order.stop() != null && attempt.live() && attempt.stage != Ledger.Stage.STOPPING) {
      throw new Violation(5, node.name() + " is to stop " + attempt + "; no stop is committed");
    }
  }

  @Override
  public void takes(SimulatedNode node, LinkHeader header, ControllerMessage message) {
    Obeyed newest = obeyed.getOrDefault(node.name(), Obeyed.NOBODY);
    Obeyed of = new Obeyed(header.clusterId(), header.incarnation(), header.epoch());
    if (older(of, newest)) {
      staleMessage =
          message.getClass().getSimpleName()
              + " of epoch "
              + header.epoch()
              + ", though "
              + node.name()
              + " has obeyed "
              + newest.epoch();
      return;
    }
    obeyed.put(node.name(), of);
    if (message instanceof ControllerMessage.HeartbeatReply reply && reply.lease()) {
      leased.put(node.name(), world.nowNanos());
    }
    if (message instanceof ControllerMessage.Desired desired) {
      for (DesiredAttempt order : desired.attempts()) {
        if (order.stop() != null) {
          stops(node).add(order.uid());
        }
      }
    }
  }

  @Override
  public void taken(SimulatedNode node) {
    staleMessage = null;
    Obeyed newest = obeyed.getOrDefault(node.name(), Obeyed.NOBODY);
    if (older(node.files().obeyed(), newest)) {
      throw new Violation(
          6, node.name() + " obeys " + newest + " and keeps " + node.files().obeyed());
    }
  }

  private static boolean older(Obeyed one, Obeyed other) {
    return one.incarnation() < other.incarnation()
        || (one.incarnation() == other.incarnation() && one.epoch() < other.epoch());
  }

  // ---- what the log says of ends

  @Override
  public void placed(Ledger.BookedAttempt attempt) {}

  @Override
  public void ended(Ledger.BookedAttempt attempt, Change.Ended end) {
    TaskLife life = lives.get(attempt.uid);
    Result result = end.result();
    if (life == null) {
      neverForked(attempt, end);
      return;
    }
    if (life.alive) {
      if (end.state() != AttemptState.LOST
          || attempt.spec.partition().mode() != PartitionMode.KEEP) {
        throw new Violation(9, attempt + " is said to be " + end.state() + " and lives");
      }
      return;
    }
    if (result == null) {
      throw new Violation(19, attempt + " ran, and is said to be " + end.state());
    }
    switch (result.kind()) {
      case LOST -> {
        boolean rebooted =
            !life.node.machine().up() || !life.bootId.equals(life.node.machine().bootId());
        // A silent node's attempt of mode stop is given up once it can live no more.
        if (!rebooted && attempt.spec.partition().mode() == PartitionMode.NEVER) {
          throw new Violation(19, attempt + " is said to be lost; it ended as " + life.end);
        }
      }
      case UNKNOWN -> {
        if (!life.unguarded) {
          throw new Violation(19, attempt + " is said to be unknown; it ended as " + life.end);
        }
      }
      case EXITED,
          SIGNALED,
          OUT_OF_MEMORY,
          TIMED_OUT,
          STOPPED,
          NO_LEASE,
          EVICTED,
          UNHEALTHY,
          START_FAILED -> {
        Result truth = life.end;
        if (truth != null
            && truth.kind() == ResultKind.STOPPED
            && (timedOut(attempt, life, end) || unleased(attempt, result))) {
          return;
        }
        if (truth == null
            || truth.siCode() != result.siCode()
            || truth.siStatus() != result.siStatus()
            || truth.kind() != result.kind()) {
          throw new Violation(19, attempt + " is said to be " + result + ", it was " + truth);
        }
      }
    }
  }

  /** The agent's own timer stopped it, and was right: the shim knows of a stop only. */
  private static boolean timedOut(Ledger.BookedAttempt attempt, TaskLife life, Change.Ended end) {
    Duration timeout = attempt.spec.timeout();
    return end.result() != null
        && end.result().kind() == ResultKind.TIMED_OUT
        && timeout != null
        && life.endNanos - life.forkNanos >= timeout.toNanos();
  }

  private static boolean unleased(Ledger.BookedAttempt attempt, Result result) {
    return result.kind() == ResultKind.NO_LEASE
        && attempt.spec.partition().mode() == PartitionMode.STOP;
  }

  private static void neverForked(Ledger.BookedAttempt attempt, Change.Ended end) {
    boolean honest =
        switch (end.state()) {
          case DROPPED, LOST -> true;
          case FAILED, KILLED ->
              end.result() != null && end.result().kind() == ResultKind.START_FAILED;
          case SUCCEEDED, PLACED, STARTING, RUNNING, STOPPING, UNREACHABLE -> false;
        };
    if (!honest) {
      throw new Violation(
          19, attempt + " never forked, and is said to be " + end.state() + " " + end.result());
    }
  }
}

package orch.simulation;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import orch.agent.process.LauncherPort;
import orch.agent.process.StartRequest;
import orch.api.model.Result;
import orch.api.model.ResultKind;
import orch.api.model.StartFailure;
import orch.api.model.Uid;
import org.jspecify.annotations.Nullable;

/**
 * The launcher of a simulated host, its shims and its journal: they outlive the agents that connect
 * to them. The journal's records are durable some milliseconds after they were written; a power
 * failure loses the last of those that were not.
 */
final class SimulatedLauncher {
  private static final Duration LEAST_SYNC = Duration.ofMillis(1);
  private static final Duration MOST_SYNC = Duration.ofMillis(5);
  private static final int SIGTERM = 15;
  private static final int SIGKILL = 9;

  private final World world;
  private final SimulatedNode node;
  private final Witness witness;
  private final List<Entry> journal = new ArrayList<>();
  private final Map<Uid, Guarded> guarded = new LinkedHashMap<>();
  private SimulatedProcess process;
  private @Nullable SimulatedLauncherPort connection;
  private int durable;
  private boolean syncDue;
  private long lastArrival;
  private int generation;

  /** Hears what is true on the hosts. */
  interface Witness {
    /** A process tree was forked for the attempt. */
    void forked(TaskLife life);

    void ended(TaskLife life);

    /** The agent asks for a start. */
    void startAsked(SimulatedNode node, Uid uid);

    void stopAsked(SimulatedNode node, Uid uid);

    /** The agent lets the journal forget an attempt. */
    void acked(SimulatedNode node, Uid uid);

    /** Whether nothing is to go wrong any more. */
    boolean calm();
  }

  private sealed interface Entry {
    record Claim(StartRequest request) implements Entry {}

    record Ended(Uid uid, LauncherPort.End end) implements Entry {}

    record Acked(Uid uid) implements Entry {}
  }

  /** An attempt that has a claim. */
  private static final class Guarded {
    final StartRequest request;
    @Nullable TaskLife life;
    long startNanos;
    long startBootNanos;
    LauncherPort.@Nullable End end;
    boolean stopping;

    /** CLOCK_BOOTTIME at which its shim stops it; 0: never. */
    long deadline;

    boolean leased;
    boolean late;
    boolean unleased;

    /** When it is killed; 0: not yet asked to stop. */
    long killAt;

    Guarded(StartRequest request) {
      this.request = request;
    }
  }

  SimulatedLauncher(World world, SimulatedNode node, Witness witness) {
    this.world = world;
    this.node = node;
    this.witness = witness;
    this.process = newProcess();
  }

  private SimulatedProcess newProcess() {
    return new SimulatedProcess(world, node.machine(), node.name() + " launcher");
  }

  /** A new agent's port. */
  LauncherPort port(SimulatedProcess agent) {
    SimulatedLauncherPort fresh = new SimulatedLauncherPort(world, node, this, witness, agent);
    connection = fresh;
    return fresh;
  }

  /** Process trees that live. */
  List<TaskLife> live() {
    List<TaskLife> live = new ArrayList<>();
    for (Guarded each : guarded.values()) {
      if (each.life != null && each.life.alive) {
        live.add(each.life);
      }
    }
    return live;
  }

  /** Attempts that the journal has not been told to forget. */
  List<Uid> kept() {
    return List.copyOf(guarded.keySet());
  }

  // ---- faults

  void powerLost() {
    process.kill();
    connection = null;
    generation++;
    for (TaskLife life : live()) {
      life.alive = false;
      life.endNanos = world.nowNanos();
      witness.ended(life);
    }
    int kept = durable + world.below(journal.size() - durable + 1);
    journal.subList(kept, journal.size()).clear();
    durable = kept;
    syncDue = false;
  }

  /** The host has booted: what the journal still says is all that is known. */
  void booted() {
    process = newProcess();
    guarded.clear();
    for (Entry entry : journal) {
      switch (entry) {
        case Entry.Claim claim -> guarded.put(claim.request().uid(), new Guarded(claim.request()));
        case Entry.Ended ended -> {
          Guarded of = guarded.get(ended.uid());
          if (of != null) {
            of.end = ended.end();
            of.startNanos = ended.end().startNanos();
          }
        }
        case Entry.Acked acked -> guarded.remove(acked.uid());
      }
    }
  }

  /** The launcher dies and another is started; its shims and their tasks live on. */
  void restart() {
    world.record(node.name(), "launcher restarts");
    generation++;
    SimulatedLauncherPort open = connection;
    if (open != null) {
      open.lose();
    }
  }

  /** Launcher and shim of a task die: nobody waits for its end any more. */
  void loseGuard(TaskLife life) {
    life.unguarded = true;
    world.record(node.name(), "nobody guards " + life.uid);
    restart();
  }

  // ---- the life of an attempt

  void claim(StartRequest request, long deadline, boolean leased) {
    if (guarded.containsKey(request.uid()) && !node.bugs().forgetsClaims()) {
      return; // The journal refuses: it has its claim.
    }
    if (leased && deadline <= bootNanos()) {
      // Its lease ended before it began.
      tell(listener -> listener.dropped(request.uid()));
      return;
    }
    world.record(node.name(), "claims " + request.uid());
    Guarded fresh = new Guarded(request);
    fresh.deadline = deadline;
    fresh.leased = leased;
    guarded.put(request.uid(), fresh);
    write(new Entry.Claim(request));
    later(world.between(Duration.ofNanos(50_000), Duration.ofMillis(1)), "fork", () -> fork(fresh));
  }

  private void fork(Guarded of) {
    if (of.end != null) {
      return;
    }
    TaskProfile profile = TaskProfile.of(of.request.arguments());
    if (profile == TaskProfile.MISSING) {
      StartFailure why =
          new StartFailure("exec", 2, "cannot start " + of.request.name() + ": no such file");
      Result result = Result.without(ResultKind.START_FAILED, why);
      end(of, new LauncherPort.End(result, 0, wallNanos(), wallNanos(), of.stopping));
      return;
    }
    TaskLife life = new TaskLife(of.request.uid(), node, world.nowNanos());
    of.life = life;
    of.startNanos = wallNanos();
    of.startBootNanos = bootNanos();
    witness.forked(life);
    tell(listener -> listener.started(life.uid, 1, of.startNanos));
    TaskProfile.OwnEnd own = profile.draw(world, witness.calm());
    if (own != null) {
      later(
          own.after(),
          "task ends",
          () ->
              ownEnd(
                  of,
                  own.signaled() ? Result.signaled(own.status()) : Result.exited(own.status())));
    }
    awaitDeadline(of);
    if (of.stopping) {
      stop(of, null);
    }
  }

  /** The shim keeps it, whether an agent lives or not. */
  private void awaitDeadline(Guarded of) {
    long deadline = of.deadline;
    if (deadline == 0 || (of.leased && node.bugs().forgetsLeases())) {
      return;
    }
    later(
        Duration.ofNanos(Math.max(0, deadline - bootNanos())),
        "deadline",
        () -> {
          // Also while it stops already: no grace outlasts the end of the lease and the job's own.
          if (of.deadline == deadline && !of.late && !of.unleased) {
            of.late = !of.leased;
            of.unleased = of.leased;
            stop(of, null);
          }
        });
  }

  void renew(LauncherPort.Deadline deadline) {
    Guarded of = guarded.get(deadline.uid());
    if (of != null && of.end == null) {
      of.deadline = deadline.bootNanos();
      of.leased = deadline.lease();
      if (of.life != null) {
        awaitDeadline(of);
      }
    }
  }

  private void ownEnd(Guarded of, Result own) {
    TaskLife life = of.life;
    if (life != null && life.frozen) {
      life.putOff = own;
    } else {
      die(of, own);
    }
  }

  void freeze(Uid uid, boolean frozen) {
    Guarded of = guarded.get(uid);
    TaskLife life = of == null ? null : of.life;
    if (of == null || life == null || !life.alive || of.stopping) {
      return;
    }
    world.record(node.name(), (frozen ? "freezes " : "thaws ") + uid);
    thawOr(of, life, frozen);
  }

  private void thawOr(Guarded of, TaskLife life, boolean frozen) {
    life.frozen = frozen;
    Result putOff = life.putOff;
    if (!frozen && putOff != null) {
      life.putOff = null;
      die(of, putOff);
    }
  }

  /** The tree is gone; {@code own} is the leader's own end. */
  private void die(Guarded of, Result own) {
    TaskLife life = of.life;
    if (life == null || !life.alive) {
      return;
    }
    Result result = own;
    if (life.unguarded) {
      result = Result.without(ResultKind.UNKNOWN, null);
    } else if (of.late) {
      result = ofKind(ResultKind.TIMED_OUT, own);
    } else if (of.unleased) {
      result = ofKind(ResultKind.NO_LEASE, own);
    } else if (of.stopping) {
      result = ofKind(ResultKind.STOPPED, own);
    }
    life.alive = false;
    life.end = result;
    life.endNanos = world.nowNanos();
    witness.ended(life);
    long end = of.startNanos + life.endNanos - life.forkNanos;
    end(of, new LauncherPort.End(result, of.startNanos, end, wallNanos(), of.stopping));
  }

  private static Result ofKind(ResultKind kind, Result own) {
    return new Result(kind, own.siCode(), own.siStatus(), null, false, 0, 0, 0, 0, 0, 0);
  }

  private void end(Guarded of, LauncherPort.End end) {
    if (node.bugs().losesExitRecord()) {
      return;
    }
    of.end = node.bugs().end(end);
    write(new Entry.Ended(of.request.uid(), of.end));
  }

  private void stop(Guarded of, @Nullable Duration grace) {
    of.stopping = true;
    TaskLife life = of.life;
    if (life == null || !life.alive || node.bugs().ignoresStops()) {
      return;
    }
    life.stopAsked = true;
    thawOr(of, life, false);
    long killAt = world.nowNanos() + (grace != null ? grace : of.request.stop().grace()).toNanos();
    boolean first = of.killAt == 0;
    // A later stop may end it sooner, never later.
    if (first || killAt < of.killAt) {
      of.killAt = killAt;
      later(
          Duration.ofNanos(killAt - world.nowNanos()),
          "kill",
          () -> {
            if (killAt == of.killAt) {
              die(of, Result.signaled(SIGKILL));
            }
          });
    }
    if (!first) {
      return;
    }
    if (TaskProfile.of(of.request.arguments()).hearsTerm()) {
      boolean handles = world.chance(0.3);
      later(
          world.millis(1, 300),
          "hears SIGTERM",
          () -> die(of, handles ? Result.exited(0) : Result.signaled(SIGTERM)));
    }
  }

  // ---- the journal

  private void write(Entry entry) {
    journal.add(entry);
    if (!syncDue) {
      syncDue = true;
      later(world.between(LEAST_SYNC, MOST_SYNC), "journal syncs", this::sync);
    }
  }

  private void sync() {
    syncDue = false;
    int from = durable;
    durable = journal.size();
    for (Entry entry : journal.subList(from, durable)) {
      if (entry instanceof Entry.Ended ended) {
        tellEnd(ended.uid(), ended.end());
      }
    }
  }

  private void tellEnd(Uid uid, LauncherPort.End end) {
    if (end.result().kind() == ResultKind.START_FAILED && end.result().startFailure() != null) {
      StartFailure why = end.result().startFailure();
      tell(listener -> listener.startFailed(uid, why, end.endNanos()));
    } else {
      tell(listener -> listener.ended(uid, end));
    }
  }

  private boolean endIsDurable(Guarded of) {
    for (int i = durable; i < journal.size(); i++) {
      if (journal.get(i) instanceof Entry.Ended ended && ended.uid().equals(of.request.uid())) {
        return false;
      }
    }
    return true;
  }

  List<LauncherPort.Found> found() {
    List<LauncherPort.Found> found = new ArrayList<>();
    for (Guarded each : guarded.values()) {
      LauncherPort.End end = each.end;
      if (end == null && node.bugs().forgetsClaims()) {
        continue;
      }
      if (end != null && !endIsDurable(each)) {
        end = null;
      } else if (end == null && gone(each)) {
        boolean here = each.request.bootId().equals(node.machine().bootId());
        ResultKind kind = here ? ResultKind.UNKNOWN : ResultKind.LOST;
        end = new LauncherPort.End(Result.without(kind, null), each.startNanos, 0, 0, false);
      }
      found.add(
          new LauncherPort.Found(
              each.request.uid(),
              each.request.name(),
              each.request.bootId(),
              end == null,
              each.startNanos,
              each.startBootNanos,
              end));
    }
    return found;
  }

  /** Nothing of it lives, and no end was recorded. */
  private boolean gone(Guarded of) {
    boolean here = of.request.bootId().equals(node.machine().bootId());
    return !here || (of.life != null && !of.life.alive);
  }

  // ---- talking

  /** Something that the agent's listener is told. */
  interface Word {
    void to(LauncherPort.Listener listener);
  }

  private void tell(Word word) {
    SimulatedLauncherPort open = connection;
    if (open != null) {
      open.tell(word);
    }
  }

  private void later(Duration delay, String what, Runnable action) {
    process.after(delay, what, action);
  }

  /** A request of the agent: it arrives though the agent may die, but not at a dead launcher. */
  void hand(String what, Runnable action) {
    int mine = generation;
    long at = world.nowNanos() + world.between(Duration.ZERO, Duration.ofMillis(1)).toNanos();
    lastArrival = Math.max(lastArrival, at);
    process.after(
        Duration.ofNanos(lastArrival - world.nowNanos()),
        what,
        () -> {
          if (mine == generation) {
            action.run();
          }
        });
  }

  /** Whether it is the port of the newest agent. */
  boolean serves(SimulatedLauncherPort port) {
    return connection == port;
  }

  /** Rises with each death of the launcher. */
  int generation() {
    return generation;
  }

  boolean guards(Uid uid) {
    return guarded.containsKey(uid);
  }

  void stop(Uid uid, @Nullable Duration grace) {
    Guarded of = guarded.get(uid);
    if (of != null && of.end == null) {
      stop(of, grace);
    }
  }

  void forget(Uid uid) {
    if (guarded.remove(uid) != null) {
      world.record(node.name(), "forgets " + uid);
      write(new Entry.Acked(uid));
    }
  }

  private long bootNanos() {
    return node.machine().clock().bootNanos();
  }

  private long wallNanos() {
    return node.machine().wallNanos();
  }
}

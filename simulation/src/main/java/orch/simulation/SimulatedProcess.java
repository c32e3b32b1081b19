package orch.simulation;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.concurrent.Executor;
import orch.api.seam.Timers;

/**
 * A process on a machine, with one thread. What is due goes through its inbox: at once while it
 * runs, later while it is stopped (SIGSTOP) or slow, never once it is dead.
 */
final class SimulatedProcess {
  private final World world;
  private final SimulatedMachine machine;
  private final String name;
  private final ArrayDeque<Runnable> inbox = new ArrayDeque<>();
  private boolean alive = true;
  private boolean stopped;
  private Duration slowness = Duration.ZERO;
  private long busyUntil;
  private boolean pumpDue;

  SimulatedProcess(World world, SimulatedMachine machine, String name) {
    this.world = world;
    this.machine = machine;
    this.name = name;
  }

  String name() {
    return name;
  }

  SimulatedMachine machine() {
    return machine;
  }

  boolean alive() {
    return alive;
  }

  /** Whether it executes: it lives and is not stopped. */
  boolean runs() {
    return alive && !stopped;
  }

  /** kill -9, or the machine's end: nothing that it planned happens any more. */
  void kill() {
    alive = false;
    inbox.clear();
    world.record(name, "dies");
  }

  void stop() {
    stopped = true;
    world.record(name, "is stopped");
  }

  void resume() {
    if (stopped) {
      stopped = false;
      world.record(name, "goes on");
      pump();
    }
  }

  /** Each thing that it does takes up to so long from now on. */
  void slowDown(Duration most) {
    slowness = most;
    world.record(name, "takes ms a step", most.toMillis());
  }

  /** Runs tasks one by one, each as an event of its own at the present time. */
  Executor executor() {
    return task -> after(Duration.ZERO, "task", task);
  }

  Timers timers() {
    return (delay, action) -> after(delay, "timer", action);
  }

  Timers.Timer after(Duration delay, String what, Runnable action) {
    if (!alive) {
      return () -> {};
    }
    return new InboxTimer(delay, what, action);
  }

  /** A timer that can be cancelled while what it would do waits in the inbox, too. */
  private final class InboxTimer implements Timers.Timer {
    private final Runnable action;
    private final Timers.Timer due;
    private boolean cancelled;

    InboxTimer(Duration delay, String what, Runnable action) {
      this.action = action;
      this.due = world.after(delay, name, what, this::arrive);
    }

    private void arrive() {
      if (!alive) {
        return;
      }
      if (inbox.isEmpty() && !stopped && busyUntil <= world.nowNanos()) {
        run();
      } else {
        inbox.add(this::run);
        pump();
      }
    }

    private void run() {
      if (cancelled) {
        return;
      }
      if (!slowness.isZero()) {
        busyUntil = world.nowNanos() + world.between(Duration.ZERO, slowness).toNanos();
      }
      action.run();
    }

    @Override
    public void cancel() {
      cancelled = true;
      due.cancel();
    }
  }

  private void pump() {
    if (pumpDue || stopped || !alive || inbox.isEmpty()) {
      return;
    }
    pumpDue = true;
    long wait = Math.max(0, busyUntil - world.nowNanos());
    world.after(Duration.ofNanos(wait), name, "goes on with its inbox", this::work);
  }

  private void work() {
    pumpDue = false;
    while (alive && !stopped && !inbox.isEmpty() && busyUntil <= world.nowNanos()) {
      inbox.remove().run();
    }
    pump();
  }
}

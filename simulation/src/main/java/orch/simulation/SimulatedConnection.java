package orch.simulation;

import java.time.Duration;
import java.util.ArrayDeque;

/**
 * A connection between two processes, as TCP makes one: each direction keeps its order; a cut holds
 * what is sent until it is over, or until the ends hear nothing for too long; a reset loses what is
 * under way; and each end learns of the other's end in its own time.
 */
final class SimulatedConnection {
  private static final Duration NOTICE = Duration.ofMillis(5);

  private final SimulatedNetwork network;
  private final World world;
  private final End caller;
  private final End called;
  private final Duration patience;
  private boolean broken;

  /** One side. */
  static final class End {
    private final SimulatedProcess process;
    private final Runnable closed;
    private final ArrayDeque<Held> held = new ArrayDeque<>();
    private boolean open = true;
    private long lastArrival;

    private End(SimulatedProcess process, Runnable closed) {
      this.process = process;
      this.closed = closed;
    }
  }

  private record Held(String what, Runnable action) {}

  /**
   * @param patience how long an end goes on without hearing the other
   * @param callerClosed runs in the caller once it learns that the connection is over, unless it
   *     closed it itself
   * @param calledClosed the same of the other
   */
  SimulatedConnection(
      SimulatedNetwork network,
      SimulatedProcess caller,
      SimulatedProcess called,
      Duration patience,
      Runnable callerClosed,
      Runnable calledClosed) {
    this.network = network;
    this.world = network.world();
    this.caller = new End(caller, callerClosed);
    this.called = new End(called, calledClosed);
    this.patience = patience;
    network.opened(this);
    if (!network.whole(caller.machine(), called.machine())) {
      held();
    }
  }

  /** Sends from the caller's end: {@code action} runs in the called process. */
  void call(String what, Runnable action) {
    send(caller, called, what, action);
  }

  /** Sends from the called end: {@code action} runs in the caller. */
  void answer(String what, Runnable action) {
    send(called, caller, what, action);
  }

  /** The caller ends it; what it sent before arrives before the end. */
  void closeByCaller() {
    closeBy(caller, called);
  }

  void closeByCalled() {
    closeBy(called, caller);
  }

  boolean openAtCaller() {
    return caller.open;
  }

  private void closeBy(End by, End other) {
    if (!by.open) {
      return;
    }
    send(by, other, "connection closed", () -> close(other));
    by.open = false;
    forgetIfOver();
  }

  private void send(End from, End to, String what, Runnable action) {
    if (!from.open || broken) {
      return;
    }
    if (network.cut(from.process.machine(), to.process.machine()) || !from.held.isEmpty()) {
      from.held.add(new Held(what, action));
      return;
    }
    deliver(from, to, what, action);
  }

  private void deliver(End from, End to, String what, Runnable action) {
    long arrival =
        world.nowNanos() + network.delay(from.process.machine(), to.process.machine()).toNanos();
    from.lastArrival = Math.max(from.lastArrival, arrival);
    to.process.after(
        Duration.ofNanos(from.lastArrival - world.nowNanos()),
        what,
        () -> {
          if (to.open && !broken) {
            action.run();
          }
        });
  }

  boolean goesOver(SimulatedMachine from, SimulatedMachine to) {
    return (caller.process.machine() == from && called.process.machine() == to)
        || (caller.process.machine() == to && called.process.machine() == from);
  }

  /** A direction was cut: the ends may lose patience. */
  void held() {
    Duration length = patience.plus(world.between(Duration.ZERO, patience));
    world.after(
        length,
        "network",
        "patience is over",
        () -> {
          if (!network.whole(caller.process.machine(), called.process.machine())) {
            reset();
          }
        });
  }

  /** A direction is whole again. */
  void flows() {
    flows(caller, called);
    flows(called, caller);
  }

  private void flows(End from, End to) {
    if (broken || network.cut(from.process.machine(), to.process.machine())) {
      return;
    }
    while (!from.held.isEmpty()) {
      Held next = from.held.remove();
      deliver(from, to, next.what(), next.action());
    }
  }

  /** What is under way is lost, and both ends learn of it, each in its own time. */
  void reset() {
    if (broken) {
      return;
    }
    broken = true;
    notice(caller, world.between(Duration.ZERO, NOTICE));
    notice(called, world.between(Duration.ZERO, NOTICE));
    network.over(this);
  }

  void died(SimulatedProcess process) {
    if (caller.process == process) {
      died(caller, called);
    } else if (called.process == process) {
      died(called, caller);
    }
  }

  private void died(End dead, End other) {
    if (dead.process.machine().up()) {
      // Its kernel closes the socket.
      closeBy(dead, other);
    } else {
      // Nobody tells: the other side has to lose patience.
      dead.open = false;
      dead.held.clear();
      notice(other, patience.plus(world.between(Duration.ZERO, patience)));
    }
  }

  private void notice(End end, Duration delay) {
    end.process.after(delay, "connection lost", () -> close(end));
  }

  private void close(End end) {
    if (end.open) {
      end.open = false;
      forgetIfOver();
      end.closed.run();
    }
  }

  private void forgetIfOver() {
    if (!caller.open && !called.open && caller.held.isEmpty() && called.held.isEmpty()) {
      network.over(this);
    }
  }
}

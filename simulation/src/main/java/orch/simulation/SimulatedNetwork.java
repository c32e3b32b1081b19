package orch.simulation;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * The network between machines. Each direction of each pair may be cut, or slow. A cut loses
 * datagrams and holds what goes over connections, as TCP does, until it is over or an end gives up.
 */
final class SimulatedNetwork {
  private static final int MAX_MACHINES = 32;
  private static final Duration LEAST_DELAY = Duration.ofNanos(50_000);
  private static final Duration MOST_DELAY = Duration.ofMillis(2);

  private final World world;
  private final boolean[][] cut = new boolean[MAX_MACHINES][MAX_MACHINES];
  private final Duration[][] slow = new Duration[MAX_MACHINES][MAX_MACHINES];
  private final List<SimulatedConnection> connections = new ArrayList<>();

  SimulatedNetwork(World world) {
    this.world = world;
    for (Duration[] row : slow) {
      java.util.Arrays.fill(row, Duration.ZERO);
    }
  }

  World world() {
    return world;
  }

  boolean cut(SimulatedMachine from, SimulatedMachine to) {
    return cut[from.number()][to.number()];
  }

  /** Whether each hears the other. */
  boolean whole(SimulatedMachine one, SimulatedMachine other) {
    return !cut(one, other) && !cut(other, one);
  }

  /** From now on nothing passes in this direction. */
  void cutOff(SimulatedMachine from, SimulatedMachine to) {
    if (!cut(from, to)) {
      cut[from.number()][to.number()] = true;
      world.record(from.name(), "is cut off from " + to.name());
      for (SimulatedConnection connection : List.copyOf(connections)) {
        if (connection.goesOver(from, to)) {
          connection.held();
        }
      }
    }
  }

  void mend(SimulatedMachine from, SimulatedMachine to) {
    if (cut(from, to)) {
      cut[from.number()][to.number()] = false;
      world.record(from.name(), "reaches again " + to.name());
      for (SimulatedConnection connection : List.copyOf(connections)) {
        if (connection.goesOver(from, to)) {
          connection.flows();
        }
      }
    }
  }

  /** What goes in this direction takes up to so much longer. */
  void slowDown(SimulatedMachine from, SimulatedMachine to, Duration most) {
    slow[from.number()][to.number()] = most;
  }

  Duration delay(SimulatedMachine from, SimulatedMachine to) {
    Duration delay = world.between(LEAST_DELAY, MOST_DELAY);
    Duration more = slow[from.number()][to.number()];
    return more.isZero() ? delay : delay.plus(world.between(Duration.ZERO, more));
  }

  /** Sends something that may be lost, or be overtaken: it arrives or it does not. */
  void datagram(SimulatedProcess from, SimulatedProcess to, String what, Runnable action) {
    if (cut(from.machine(), to.machine()) || !to.machine().up()) {
      world.record(from.name(), "lost on the way: " + what);
      return;
    }
    to.after(delay(from.machine(), to.machine()), what, action);
  }

  /** Breaks every connection between two machines: what is under way is lost. */
  void reset(SimulatedMachine one, SimulatedMachine other) {
    for (SimulatedConnection connection : List.copyOf(connections)) {
      if (connection.goesOver(one, other) || connection.goesOver(other, one)) {
        connection.reset();
      }
    }
  }

  /** The process is dead: its machine, if that lives, tells the peers. */
  void died(SimulatedProcess process) {
    for (SimulatedConnection connection : List.copyOf(connections)) {
      connection.died(process);
    }
  }

  void opened(SimulatedConnection connection) {
    connections.add(connection);
  }

  void over(SimulatedConnection connection) {
    connections.remove(connection);
  }
}

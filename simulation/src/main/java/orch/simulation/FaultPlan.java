package orch.simulation;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What goes wrong: faults of many kinds at random moments, each over after a while. A seed has a
 * selection of kinds, so that some runs know few and many of them, others all.
 */
final class FaultPlan {
  private final World world;
  private final SimulatedNetwork network;
  private final SimulatedZooKeeper zooKeeper;
  private final SimulatedElection election;
  private final List<SimulatedController> controllers;
  private final List<SimulatedNode> nodes;
  private final List<SimulatedClient> clients;
  private final Workload workload;
  private final List<Kind> kinds = new ArrayList<>();
  private final List<Active> active = new ArrayList<>();
  private final int mostPauseMillis;
  private boolean over;
  private int faults;

  enum Kind {
    ZOOKEEPER_CONNECTION,
    ZOOKEEPER_CUT,
    ZOOKEEPER_SERVER,
    ZOOKEEPER_MAJORITY,
    ZOOKEEPER_LAG,
    CONTROLLER_CRASH,
    CONTROLLER_STOPPED,
    CONTROLLER_SLOW,
    ELECTION_LIES,
    AGENT_CRASH,
    AGENT_STOPPED,
    POWER,
    NODE_CUT,
    NODE_RESET,
    LAUNCHER,
    GUARD_LOST,
    WALL_CLOCK,
    SLOW_NETWORK,
    CLIENT_CUT
  }

  private static final class Active {
    final Runnable undo;
    boolean undone;

    Active(Runnable undo) {
      this.undo = undo;
    }
  }

  FaultPlan(
      World world,
      SimulatedNetwork network,
      SimulatedZooKeeper zooKeeper,
      SimulatedElection election,
      List<SimulatedController> controllers,
      List<SimulatedNode> nodes,
      List<SimulatedClient> clients,
      Workload workload) {
    this.world = world;
    this.network = network;
    this.zooKeeper = zooKeeper;
    this.election = election;
    this.controllers = controllers;
    this.nodes = nodes;
    this.clients = clients;
    this.workload = workload;
    double share = 0.2 + 0.8 * world.below(100) / 100;
    for (Kind kind : Kind.values()) {
      if (world.chance(share)) {
        kinds.add(kind);
      }
    }
    this.mostPauseMillis = 500 + world.below(6_000);
  }

  void begin() {
    if (!kinds.isEmpty()) {
      world.after(world.millis(1, mostPauseMillis), "faults", "next", this::next);
    }
  }

  int faults() {
    return faults;
  }

  /** Everything is mended, and nothing more goes wrong. */
  void heal() {
    over = true;
    for (Active each : List.copyOf(active)) {
      undo(each);
    }
    world.record("faults", "everything is mended");
  }

  private void next() {
    if (over) {
      return;
    }
    begin();
    Kind kind = world.pick(kinds);
    faults++;
    world.record("faults", kind.name());
    switch (kind) {
      case ZOOKEEPER_CONNECTION -> breakSession();
      case ZOOKEEPER_CUT ->
          cut(controller().machine(), world.pick(zooKeeper.servers()).machine(), 100, 15_000);
      case ZOOKEEPER_SERVER -> failServers(1);
      case ZOOKEEPER_MAJORITY -> failServers(2);
      case ZOOKEEPER_LAG -> lag();
      case CONTROLLER_CRASH -> crashController();
      case CONTROLLER_STOPPED -> stop(controller().process(), 500, 20_000);
      case CONTROLLER_SLOW -> slow(controller().process());
      case ELECTION_LIES -> lie();
      case AGENT_CRASH -> crashAgent();
      case AGENT_STOPPED -> stop(node().agent(), 500, 30_000);
      case POWER -> powerOff();
      case NODE_CUT -> cutNode();
      case NODE_RESET -> network.reset(node().machine(), controller().machine());
      case LAUNCHER -> node().launcher().restart();
      case GUARD_LOST -> loseGuard();
      case WALL_CLOCK -> jump();
      case SLOW_NETWORK -> slowNetwork();
      case CLIENT_CUT ->
          cut(world.pick(clients).process().machine(), controller().machine(), 500, 10_000);
    }
  }

  // ---- ZooKeeper

  private void breakSession() {
    SimulatedSession session = controller().session();
    if (session != null) {
      session.breakConnection();
    }
  }

  private void failServers(int count) {
    List<ZooKeeperServer> failed = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      ZooKeeperServer server = world.pick(zooKeeper.servers());
      if (server.up()) {
        server.fail();
        failed.add(server);
      }
    }
    over(world.millis(200, 15_000), () -> failed.forEach(ZooKeeperServer::comeBack));
  }

  private void lag() {
    ZooKeeperServer server = world.pick(zooKeeper.servers());
    server.lag(world.millis(10, 3_000));
    over(world.millis(500, 15_000), () -> server.lag(Duration.ZERO));
  }

  private void lie() {
    if (world.chance(0.3)) {
      election.hintNobody(true);
      over(world.millis(500, 10_000), () -> election.hintNobody(false));
    } else {
      election.hintToo(controller().process());
      over(world.millis(500, 15_000), () -> election.hintToo(null));
    }
  }

  // ---- controllers

  private void crashController() {
    SimulatedController controller = controller();
    controller.crash();
    over(world.millis(100, 15_000), controller::start);
  }

  private void stop(@Nullable SimulatedProcess process, int least, int most) {
    if (process != null) {
      process.stop();
      over(world.millis(least, most), process::resume);
    }
  }

  private void slow(@Nullable SimulatedProcess process) {
    if (process != null) {
      process.slowDown(world.millis(1, 40));
      over(world.millis(500, 10_000), () -> process.slowDown(Duration.ZERO));
    }
  }

  // ---- nodes

  private void crashAgent() {
    SimulatedNode node = node();
    node.crashAgent();
    over(world.millis(50, 15_000), node::startAgent);
  }

  private void powerOff() {
    SimulatedNode node = node();
    if (!node.machine().up()) {
      return;
    }
    node.powerOff();
    if (world.chance(0.3)) {
      // Somebody went there and looked: it stays off until the cluster knows.
      boolean[] declared = new boolean[1];
      workload.declareGone(
          node,
          () -> {
            declared[0] = true;
            world.after(world.millis(0, 10_000), "faults", "is mended", node::boot);
          });
    } else {
      over(world.millis(500, 40_000), node::boot);
    }
  }

  private void cutNode() {
    SimulatedNode node = node();
    if (world.chance(0.5)) {
      for (SimulatedController controller : controllers) {
        cut(node.machine(), controller.machine(), 500, 40_000);
      }
    } else {
      cut(node.machine(), controller().machine(), 500, 40_000);
    }
  }

  private void loseGuard() {
    SimulatedNode node = node();
    List<TaskLife> live = node.launcher().live();
    if (!live.isEmpty()) {
      node.launcher().loseGuard(world.pick(live));
    }
  }

  // ---- clocks and networks

  private void jump() {
    boolean ofNode = world.chance(0.5);
    SimulatedMachine machine = ofNode ? node().machine() : controller().machine();
    // The log's clock never goes back: an hour's jump of a leader would stop it for an hour.
    int most = world.chance(0.8) ? 10_000 : ofNode ? 3_600_000 : 120_000;
    Duration offset = Duration.ofMillis(world.below(2 * most) - most);
    machine.setWallClock(offset);
    over(world.millis(1_000, 20_000), () -> machine.setWallClock(Duration.ZERO));
  }

  /** In one direction or in both. */
  private void cut(SimulatedMachine one, SimulatedMachine other, int least, int most) {
    int directions = 1 + world.below(3);
    if ((directions & 1) != 0) {
      network.cutOff(one, other);
    }
    if ((directions & 2) != 0) {
      network.cutOff(other, one);
    }
    over(
        world.millis(least, most),
        () -> {
          network.mend(one, other);
          network.mend(other, one);
        });
  }

  private void slowNetwork() {
    SimulatedMachine one = world.chance(0.5) ? node().machine() : controller().machine();
    SimulatedMachine other =
        world.chance(0.5) ? controller().machine() : world.pick(zooKeeper.servers()).machine();
    Duration most = world.millis(5, 500);
    network.slowDown(one, other, most);
    network.slowDown(other, one, most);
    over(
        world.millis(1_000, 20_000),
        () -> {
          network.slowDown(one, other, Duration.ZERO);
          network.slowDown(other, one, Duration.ZERO);
        });
  }

  // ---- undoing

  private void over(Duration after, Runnable undo) {
    Active fault = new Active(undo);
    active.add(fault);
    world.after(after, "faults", "one is over", () -> undo(fault));
  }

  private void undo(Active fault) {
    if (!fault.undone) {
      fault.undone = true;
      active.remove(fault);
      fault.undo.run();
    }
  }

  private SimulatedController controller() {
    return world.pick(controllers);
  }

  private SimulatedNode node() {
    return world.pick(nodes);
  }
}

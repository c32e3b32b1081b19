package orch.simulation;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import orch.api.model.NodeCapacity;
import orch.controller.port.ControllerPort;
import org.jspecify.annotations.Nullable;

/**
 * A cluster of real controllers and real agents on simulated machines, under faults, then without:
 * one run of one seed.
 */
final class Simulation {
  private static final int CONTROLLERS = 3;
  private static final int SERVERS = 3;
  private static final int NODES = 4;
  private static final int CLIENTS = 2;
  private static final long MEMORY = 8L << 30;
  private static final Duration LEAST_FAULTS = Duration.ofSeconds(20);
  private static final Duration MOST_FAULTS = Duration.ofSeconds(60);
  private static final Duration PATIENCE = Duration.ofMinutes(10);
  private static final Duration LOOK = Duration.ofSeconds(1);
  private static final Duration REST = Duration.ofSeconds(4);
  private static final int CHECKED = 500;
  private static final long MOST_STEPS = 2_000_000;

  private final World world;
  private final List<SimulatedController> controllers = new ArrayList<>();
  private final List<SimulatedNode> nodes = new ArrayList<>();
  private final List<SimulatedClient> clients = new ArrayList<>();
  private final CommittedLog log;
  private final Ledger ledger;
  private final Allocations allocations;
  private final HostInvariants hosts;
  private final Workload workload;
  private final FaultPlan faults;
  private final Convergence convergence;
  private int machines;

  /** What a run saw. */
  record Outcome(
      long seed,
      long steps,
      long revisions,
      long epochs,
      int faults,
      int forks,
      int jobs,
      Duration virtualTime,
      long traceHash) {}

  Simulation(long seed) {
    this(seed, PlantedBugs.NONE, null);
  }

  Simulation(long seed, PlantedBugs bugs, World.@Nullable TraceSink trace) {
    world = new World(seed, trace);
    SimulatedNetwork network = new SimulatedNetwork(world);
    log = new CommittedLog(world);
    ledger = new Ledger(log);
    AnswerBook answers = new AnswerBook(log);
    hosts = new HostInvariants(world, log, ledger);
    List<SimulatedMachine> servers = new ArrayList<>();
    for (int i = 0; i < SERVERS; i++) {
      servers.add(machine("zookeeper-" + i));
    }
    SimulatedZooKeeper zooKeeper = new SimulatedZooKeeper(world, servers, log);
    SimulatedElection election = new SimulatedElection(world);
    SimulatedController.Surroundings around =
        new SimulatedController.Surroundings(
            world,
            network,
            zooKeeper,
            election,
            new SimulatedMembership(world, zooKeeper),
            bugs,
            new ControllerInvariants(log, bugs));
    for (int i = 0; i < CONTROLLERS; i++) {
      String name = "controller-" + i;
      controllers.add(new SimulatedController(around, machine(name), name));
    }
    SimulatedNode.Surroundings hostsAround =
        new SimulatedNode.Surroundings(
            world, network, controllers, bugs, hosts, hosts, Simulation::agentBroke);
    for (int i = 0; i < NODES; i++) {
      nodes.add(node(hostsAround, i));
    }
    for (int i = 0; i < CLIENTS; i++) {
      clients.add(
          new SimulatedClient(world, network, machine("client-" + i), controllers, answers));
    }
    allocations = new Allocations(log, nodes);
    log.add(ledger);
    log.add(answers);
    ledger.add(allocations);
    ledger.add(hosts);
    workload = new Workload(world, log, ledger, clients, nodes);
    faults =
        new FaultPlan(world, network, zooKeeper, election, controllers, nodes, clients, workload);
    convergence = new Convergence(log, ledger, hosts, controllers, nodes, clients);
  }

  private static void agentBroke(SimulatedNode node, String why, Exception cause) {
    throw new Violation(0, "the agent of " + node.name() + " ended itself: " + why, cause);
  }

  private SimulatedMachine machine(String name) {
    return new SimulatedMachine(world, name, machines++);
  }

  private SimulatedNode node(SimulatedNode.Surroundings around, int number) {
    SortedMap<String, String> labels = new TreeMap<>();
    labels.put("rack", number % 2 == 0 ? "a" : "b");
    return new SimulatedNode(
        around,
        machine("node-" + number),
        new NodeCapacity(4_000, MEMORY, 20, new TreeMap<>()),
        labels);
  }

  /** Runs it all; a violation ends it with a {@link FailedRun}. */
  Outcome run() {
    try {
      controllers.forEach(SimulatedController::start);
      nodes.forEach(SimulatedNode::startAgent);
      workload.begin();
      faults.begin();
      go(world.between(LEAST_FAULTS, MOST_FAULTS));
      faults.heal();
      hosts.calmDown();
      workload.settle();
      comeToRest();
      return outcome();
    } catch (RuntimeException | Error e) {
      throw new FailedRun(world.seed(), world.steps(), world.nowNanos(), e);
    }
  }

  private void comeToRest() {
    long until = world.nowNanos() + PATIENCE.toNanos();
    List<String> problems = convergence.problems();
    int rested = 0;
    while (rested * LOOK.toNanos() < REST.toNanos()) {
      if (world.nowNanos() > until) {
        throw new Violation(
            22,
            "no rest "
                + PATIENCE.toMinutes()
                + " minutes after all was mended: "
                + String.join("; ", problems));
      }
      go(LOOK);
      problems = convergence.problems();
      rested = problems.isEmpty() ? rested + 1 : 0;
    }
    check();
    replicasAreEqual();
  }

  private void replicasAreEqual() {
    long expected = log.state().hash();
    for (SimulatedController controller : controllers) {
      ControllerPort port = controller.port();
      if (port != null) {
        port.read((view, revision) -> {
          if (revision == log.revision() && view.hash() != expected) {
            world.broken(new Violation(2, controller.name() + " has another state at the end"));
          }
          return true;
        });
      }
    }
    go(LOOK);
  }

  private void go(Duration length) {
    long until = world.nowNanos() + length.toNanos();
    while (world.nowNanos() < until) {
      if (!world.step()) {
        throw new IllegalStateException("nothing is left to happen");
      }
      if (world.steps() % CHECKED == 0) {
        check();
      }
      if (world.steps() > MOST_STEPS) {
        throw new Violation(0, "no end after " + MOST_STEPS + " steps");
      }
    }
  }

  /** Invariants whose check takes time by the size of the state. */
  private void check() {
    allocations.check();
    hosts.leasesKept();
  }

  private Outcome outcome() {
    world.record("log", "state", log.state().hash());
    world.record("log", "revision", log.revision());
    return new Outcome(
        world.seed(),
        world.steps(),
        log.revision(),
        log.epoch(),
        faults.faults(),
        hosts.forks(),
        workload.submits(),
        Duration.ofNanos(world.nowNanos()),
        world.traceHash());
  }
}

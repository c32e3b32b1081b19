package orch.simulation;

import java.time.Instant;
import java.util.List;
import orch.controller.core.Change;
import orch.controller.core.StateView;
import orch.controller.port.CommittedListener;
import orch.controller.port.ControllerPort;
import orch.controller.port.Member;
import orch.controller.runtime.ControllerLoop;
import orch.controller.store.CheckpointPolicy;
import orch.controller.store.LogLayout;
import org.jspecify.annotations.Nullable;

/** A controller on a machine of its own: the real loop over simulated seams. */
final class SimulatedController {
  static final LogLayout LAYOUT = new LogLayout("/orch");

  /** Often enough that members load one and that the log is truncated in every run. */
  private static final CheckpointPolicy CHECKPOINTS = new CheckpointPolicy(60, 1 << 20, 10);

  private final Surroundings surroundings;
  private final World world;
  private final SimulatedMachine machine;
  private final String name;
  private @Nullable SimulatedProcess process;
  private @Nullable SimulatedSession session;
  private @Nullable ControllerLoop loop;
  private int lives;
  private long told;

  /** What all controllers share. */
  record Surroundings(
      World world,
      SimulatedNetwork network,
      SimulatedZooKeeper zooKeeper,
      SimulatedElection election,
      SimulatedMembership membership,
      PlantedBugs bugs,
      Witness witness) {}

  /** Hears what controllers do, for the invariants; before it counts as told. */
  interface Witness {
    void committed(SimulatedController by, long revision, List<Change> changes, StateView view);

    void rebuilt(SimulatedController by, long revision, StateView view);

    /** It ended itself, because something was that must never be. */
    void ended(SimulatedController by, String why, @Nullable Throwable cause);
  }

  SimulatedController(Surroundings surroundings, SimulatedMachine machine, String name) {
    this.surroundings = surroundings;
    this.world = surroundings.world();
    this.machine = machine;
    this.name = name;
  }

  String name() {
    return name;
  }

  SimulatedMachine machine() {
    return machine;
  }

  /** The process that runs now; null: none. */
  @Nullable SimulatedProcess process() {
    SimulatedProcess present = process;
    return present != null && present.alive() ? present : null;
  }

  /** The session of the process that runs now. */
  @Nullable SimulatedSession session() {
    return process() == null ? null : session;
  }

  /** What its edges see; null: no process runs. */
  @Nullable ControllerPort port() {
    ControllerLoop present = loop;
    return process() == null || present == null
        ? null
        : surroundings.bugs().between(this, present.port());
  }

  /** The newest revision that it told its edges of; 0: none yet. */
  long told() {
    return told;
  }

  void start() {
    if (process() != null || !machine.up()) {
      return;
    }
    SimulatedProcess fresh = new SimulatedProcess(world, machine, name + "#" + ++lives);
    SimulatedSession opened =
        new SimulatedSession(world, fresh, surroundings.network(), surroundings.zooKeeper());
    process = fresh;
    session = opened;
    ControllerLoop started =
        new ControllerLoop(
            new ControllerLoop.Seams(
                surroundings.bugs().between(this, opened),
                surroundings.election().candidate(fresh, opened),
                surroundings.membership().of(fresh, opened),
                fresh.executor(),
                machine.clock(),
                fresh.timers(),
                world.randomness()),
            LAYOUT,
            name,
            CHECKPOINTS,
            (why, cause) -> failed(fresh, why, cause));
    loop = started;
    told = 0;
    world.record(fresh.name(), "starts");
    opened.connect();
    started.port().addListener(new Committed());
    started.start(new Member(name, false, 0, 0, name, name, "simulated", 1));
  }

  /** kill -9. */
  void crash() {
    SimulatedProcess present = process();
    if (present != null) {
      present.kill();
      surroundings.network().died(present);
    }
  }

  private void failed(SimulatedProcess which, String why, @Nullable Throwable cause) {
    if (which == process()) {
      crash();
      surroundings.witness().ended(this, why, cause);
    }
  }

  private final class Committed implements CommittedListener {
    @Override
    public void committed(long revision, Instant now, List<Change> changes, StateView view) {
      surroundings.witness().committed(SimulatedController.this, revision, changes, view);
      told = revision;
    }

    @Override
    public void rebuilt(long revision, StateView view) {
      surroundings.witness().rebuilt(SimulatedController.this, revision, view);
      told = revision;
    }
  }
}

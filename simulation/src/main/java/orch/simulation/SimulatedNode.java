package orch.simulation;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.Executor;
import orch.agent.live.LiveTasks;
import orch.agent.logs.LogServer;
import orch.agent.logs.LogSink;
import orch.agent.logs.TaskIdentity;
import orch.agent.process.StartRequest;
import orch.agent.process.TaskPreparation;
import orch.agent.runtime.AgentLoop;
import orch.api.model.Blob;
import orch.api.model.ControllerMessage;
import orch.api.model.DesiredAttempt;
import orch.api.model.LogRecord;
import orch.api.model.NodeCapacity;
import orch.api.model.NodeDescription;
import orch.api.model.SpecDefinition;
import orch.api.model.Uid;
import org.jspecify.annotations.Nullable;

/** A host: its launcher, its disk, and the real agent over simulated seams. */
final class SimulatedNode {
  private final Surroundings surroundings;
  private final World world;
  private final SimulatedMachine machine;
  private final String uid;
  private final NodeCapacity capacity;
  private final SortedMap<String, String> labels;
  private final SimulatedLauncher launcher;
  private final SimulatedFiles files;
  private @Nullable SimulatedProcess agent;
  private @Nullable SimulatedLink link;
  private int lives;

  /** What all hosts share. */
  record Surroundings(
      World world,
      SimulatedNetwork network,
      List<SimulatedController> controllers,
      PlantedBugs bugs,
      SimulatedLauncher.Witness hosts,
      SimulatedLink.Witness links,
      Broken broken) {}

  /** Hears that an agent ended itself because a promise cannot be kept. */
  interface Broken {
    void broken(SimulatedNode node, String why, Exception cause);
  }

  SimulatedNode(
      Surroundings surroundings,
      SimulatedMachine machine,
      NodeCapacity capacity,
      SortedMap<String, String> labels) {
    this.surroundings = surroundings;
    this.world = surroundings.world();
    this.machine = machine;
    this.capacity = capacity;
    this.labels = labels;
    this.uid = UUID.nameUUIDFromBytes(machine.name().getBytes(StandardCharsets.UTF_8)).toString();
    this.launcher = new SimulatedLauncher(world, this, surroundings.hosts());
    this.files = new SimulatedFiles(world);
  }

  String name() {
    return machine.name();
  }

  String uid() {
    return uid;
  }

  SimulatedMachine machine() {
    return machine;
  }

  NodeCapacity capacity() {
    return capacity;
  }

  SimulatedLauncher launcher() {
    return launcher;
  }

  SimulatedFiles files() {
    return files;
  }

  PlantedBugs bugs() {
    return surroundings.bugs();
  }

  /** The agent that lives now; null: none. */
  @Nullable SimulatedProcess agent() {
    SimulatedProcess present = agent;
    return present != null && present.alive() ? present : null;
  }

  @Nullable SimulatedLink link() {
    return agent() == null ? null : link;
  }

  /** The agent starts, as systemd would start it. */
  void startAgent() {
    if (agent() != null || !machine.up()) {
      return;
    }
    SimulatedProcess fresh = new SimulatedProcess(world, machine, name() + " agent#" + ++lives);
    SimulatedLink opened =
        new SimulatedLink(
            world,
            surroundings.network(),
            this,
            fresh,
            surroundings.controllers(),
            surroundings.links());
    agent = fresh;
    link = opened;
    world.record(fresh.name(), "starts");
    AgentLoop loop =
        new AgentLoop(
            new AgentLoop.Seams(
                fresh.executor(),
                background(fresh),
                machine.clock(),
                fresh.timers(),
                launcher.port(fresh),
                opened,
                new Preparation(),
                surroundings.bugs().between(this, files),
                new NoLogs(),
                stream -> new NoSink(),
                LiveTasks.none(),
                () -> {},
                (why, cause) -> surroundings.broken().broken(this, why, cause)),
            name(),
            machine.bootId(),
            this::description);
    fresh.after(world.millis(1, 100), "agent begins", loop::start);
  }

  /** Its disk is slow now and then. */
  private Executor background(SimulatedProcess of) {
    long[] busyUntil = new long[1];
    return task -> {
      Duration takes = world.chance(0.1) ? world.millis(0, 600) : Duration.ZERO;
      busyUntil[0] = Math.max(busyUntil[0], world.nowNanos()) + takes.toNanos();
      of.after(Duration.ofNanos(busyUntil[0] - world.nowNanos()), "background", task);
    };
  }

  /** kill -9 of the agent. */
  void crashAgent() {
    SimulatedProcess present = agent();
    if (present != null) {
      present.kill();
      surroundings.network().died(present);
    }
  }

  void powerOff() {
    if (!machine.up()) {
      return;
    }
    machine.powerOff();
    crashAgent();
    launcher.powerLost();
    files.powerLost();
  }

  void boot() {
    if (machine.up()) {
      return;
    }
    machine.boot();
    launcher.booted();
    startAgent();
  }

  private NodeDescription description() {
    return new NodeDescription(
        uid,
        name(),
        "machine-" + name(),
        machine.bootId(),
        "simulated",
        labels,
        new TreeMap<>(),
        surroundings.bugs().claimed(capacity),
        List.of(),
        "root");
  }

  private static final class Preparation implements TaskPreparation {
    @Override
    public boolean blocks(SpecDefinition definition) {
      // Some tasks are laid out on a disk first.
      return definition.jobNumber() % 3 == 0;
    }

    @Override
    public StartRequest prepare(
        DesiredAttempt order, SpecDefinition definition, String claim, long deadlineBootNanos) {
      return new StartRequest(
          order.uid(),
          order.bootId(),
          claim,
          definition.spec().execution().command(),
          new TreeMap<>(),
          "/",
          null,
          null,
          null,
          false,
          null,
          null,
          null,
          null,
          true,
          null,
          false,
          null,
          List.of(),
          List.of(),
          definition.spec().stop(),
          deadlineBootNanos,
          0,
          Blob.EMPTY,
          List.of(),
          false,
          List.of(),
          StartRequest.Input.NONE);
    }

    @Override
    public void cleanUp(Uid of) {}
  }

  private static final class NoLogs implements LogServer {
    @Override
    public void attemptStarted(TaskIdentity identity) {}

    @Override
    public void attemptEnded(Uid uid) {}

    @Override
    public void open(ControllerMessage.OpenLogs query, LogSink sink) {
      sink.complete();
    }

    @Override
    public void close(long stream, boolean drain) {}
  }

  private static final class NoSink implements LogSink {
    @Override
    public boolean send(List<LogRecord> records) {
      return true;
    }

    @Override
    public void notice(String sentence) {}

    @Override
    public void complete() {}
  }
}

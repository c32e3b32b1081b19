package orch.simulation;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import orch.agent.logs.LogServer;
import orch.agent.logs.LogSink;
import orch.agent.logs.TaskIdentity;
import orch.agent.process.StartRequest;
import orch.agent.process.TaskPreparation;
import orch.agent.runtime.AgentLoop;
import orch.api.model.Blob;
import orch.api.model.ControllerMessage;
import orch.api.model.DesiredAttempt;
import orch.api.model.JobSpec;
import orch.api.model.LogRecord;
import orch.api.model.NodeCapacity;
import orch.api.model.NodeDescription;
import orch.api.model.RestartPolicy;
import orch.api.model.RestartWhen;
import orch.api.model.SpecDefinition;
import orch.api.model.TaskSet;
import orch.api.model.Uid;
import orch.controller.core.Input;
import orch.controller.core.RequestMeta;
import orch.controller.port.Member;
import orch.controller.port.Membership;
import orch.controller.runtime.ControllerLoop;
import orch.controller.store.Election;
import orch.controller.store.LogLayout;

/**
 * One controller and some agents, the real loops over simulated seams, under a load of jobs and
 * faults that one seed decides: broken connections to ZooKeeper and to agents, agents that crash
 * and come back. Each step checks that no attempt forked twice.
 */
public final class Simulation {
  private static final Duration SESSION_TIMEOUT = Duration.ofSeconds(8);
  private static final int AGENTS = 3;
  private static final long MEMORY = 8L << 30;

  private final World world;
  private final SimulatedZooKeeper zooKeeper = new SimulatedZooKeeper();
  private final Host controller;
  private final SimulatedSession session;
  private final ControllerLoop loop;
  private final List<Machine> machines = new ArrayList<>();
  private int submitted;

  /** A host with its launcher, its disk and the agent that runs now. */
  private static final class Machine {
    final String name;
    final SimulatedLauncher launcher;
    final SimulatedFiles files = new SimulatedFiles();
    final NodeDescription node;
    Host agent;
    SimulatedLink link;

    Machine(
        String name,
        SimulatedLauncher launcher,
        NodeDescription node,
        Host agent,
        SimulatedLink link) {
      this.name = name;
      this.launcher = launcher;
      this.node = node;
      this.agent = agent;
      this.link = link;
    }
  }

  public Simulation(long seed) {
    world = new World(seed);
    controller = new Host(world, "controller");
    session = new SimulatedSession(world, controller, zooKeeper);
    loop =
        new ControllerLoop(
            new ControllerLoop.Seams(
                session,
                new SoleMember(),
                new Alone(),
                controller.executor(),
                world.clock(),
                controller.timers(),
                world.randomness()),
            new LogLayout("/orch"),
            "controller",
            (why, cause) -> {
              throw new IllegalStateException(why, cause);
            });
    session.connect();
    loop.start(new Member("controller", false, 0, 0, "", "", "", 1));
    for (int i = 0; i < AGENTS; i++) {
      machines.add(machine("node-" + i));
    }
    plan();
  }

  /** Runs so many steps; throws with what went wrong. */
  public void run(long steps) {
    while (world.steps() < steps) {
      if (!world.step()) {
        throw new IllegalStateException("nothing is left to happen after " + world.steps());
      }
      if (world.steps() % 100 == 0) {
        check();
      }
    }
    check();
  }

  /** Over every event, every fork and the cluster's state. */
  public long traceHash() {
    loop.port()
        .read((view, revision) -> {
          world.record("state", view.hash());
          world.record("revision", revision);
          return true;
        });
    for (int i = 0; i < 10; i++) {
      world.step();
    }
    return world.traceHash();
  }

  /** Attempts that forked so far. */
  public int forks() {
    return machines.stream().mapToInt(machine -> machine.launcher.forks().size()).sum();
  }

  private void check() {
    Map<Uid, Integer> all = new TreeMap<>();
    for (Machine machine : machines) {
      machine.launcher.forks().forEach((uid, count) -> all.merge(uid, count, Integer::sum));
    }
    all.forEach((uid, count) -> {
      if (count != 1) {
        throw new IllegalStateException(uid + " forked " + count + " times");
      }
    });
  }

  // ---- the world

  private void plan() {
    controller.after(
        world.between(Duration.ofMillis(50), Duration.ofMillis(800)), "job", this::job);
    controller.after(
        world.between(Duration.ofSeconds(1), Duration.ofSeconds(20)), "fault", this::fault);
  }

  private void job() {
    int count = 1 + world.below(8);
    JobSpec spec =
        JobSpec.batch("job-" + submitted++, TaskSet.count(count), List.of("/bin/work"))
            .withRestart(
                new RestartPolicy(
                    RestartWhen.ON_FAILURE,
                    List.of(),
                    RestartPolicy.BATCH_DEFAULT.backoff(),
                    2,
                    null,
                    RestartPolicy.BATCH_DEFAULT.exhausted()));
    Input.SubmitJob submit =
        new Input.SubmitJob(
            new RequestMeta("", 0, "local"), "default", spec, false, false, 0, "", "");
    loop.port()
        .submit(
            submit,
            (answer, view, revision) -> {
              world.record("answer " + answer.getClass().getSimpleName(), revision);
              return true;
            })
        .whenComplete((done, problem) -> world.record(problem == null ? "accepted" : "refused"));
    controller.after(
        world.between(Duration.ofMillis(50), Duration.ofMillis(800)), "job", this::job);
  }

  private void fault() {
    Machine machine = machines.get(world.below(machines.size()));
    switch (world.below(3)) {
      case 0 ->
          session.breakFor(
              world.between(Duration.ofMillis(10), Duration.ofSeconds(3)), SESSION_TIMEOUT);
      case 1 -> machine.link.lose("cut");
      default -> {
        machine.agent.crash();
        machine.link.close();
        startAgent(machine);
      }
    }
    controller.after(
        world.between(Duration.ofSeconds(1), Duration.ofSeconds(20)), "fault", this::fault);
  }

  private Machine machine(String name) {
    UUID uid = UUID.nameUUIDFromBytes(name.getBytes(StandardCharsets.UTF_8));
    NodeDescription node =
        new NodeDescription(
            uid.toString(),
            name,
            "machine-" + name,
            uid.toString(),
            "simulated",
            new TreeMap<>(),
            new TreeMap<>(),
            new NodeCapacity(4_000, MEMORY, 100, new TreeMap<>()),
            List.of(),
            "root");
    Host hardware = new Host(world, name);
    Host agent = new Host(world, name + " agent");
    Machine machine =
        new Machine(
            name,
            new SimulatedLauncher(world, hardware),
            node,
            agent,
            new SimulatedLink(world, agent, controller, loop.port()));
    startAgent(machine);
    return machine;
  }

  private void startAgent(Machine machine) {
    Host agent = new Host(world, machine.name + " agent");
    SimulatedLink link = new SimulatedLink(world, agent, controller, loop.port());
    machine.agent = agent;
    machine.link = link;
    AgentLoop agentLoop =
        new AgentLoop(
            new AgentLoop.Seams(
                agent.executor(),
                agent.executor(),
                world.clock(),
                agent.timers(),
                machine.launcher.connect(agent),
                link,
                new Preparation(),
                machine.files,
                new NoLogs(),
                stream -> new NoSink(),
                () -> {},
                (why, cause) -> {
                  throw new IllegalStateException(why, cause);
                }),
            machine.node.name(),
            machine.node.bootId(),
            () -> machine.node);
    agent.after(
        world.between(Duration.ofMillis(1), Duration.ofMillis(500)), "starts", agentLoop::start);
  }

  private static final class SoleMember implements Election {
    @Override
    public void start(Listener listener) {
      listener.hinted(true);
    }

    @Override
    public void close() {}
  }

  private static final class Alone implements Membership {
    private List<Member> members = List.of();

    @Override
    public void join(Member self, NameTaken nameTaken) {
      members = List.of(self);
    }

    @Override
    public void update(Member self) {
      members = List.of(self);
    }

    @Override
    public List<Member> members() {
      return members;
    }

    @Override
    public void close() {}
  }

  private static final class Preparation implements TaskPreparation {
    @Override
    public boolean blocks(SpecDefinition definition) {
      return false;
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
          List.of());
    }

    @Override
    public void cleanUp(Uid uid) {}
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

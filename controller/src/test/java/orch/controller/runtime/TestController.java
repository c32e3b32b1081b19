package orch.controller.runtime;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import orch.api.model.AgentMessage;
import orch.api.model.ControllerMessage;
import orch.api.model.LinkHeader;
import orch.api.model.NodeCapacity;
import orch.api.model.NodeDescription;
import orch.controller.core.Answer;
import orch.controller.core.Input;
import orch.controller.core.NodeContact;
import orch.controller.core.Rejection;
import orch.controller.core.RequestMeta;
import orch.controller.port.AgentLink;
import orch.controller.port.AgentSession;
import orch.controller.port.ControllerPort;
import orch.controller.port.Member;
import orch.controller.port.Membership;
import orch.controller.store.CheckpointPolicy;
import orch.controller.store.Election;
import orch.controller.store.FakeZooKeeper;
import orch.controller.store.LogLayout;
import orch.controller.store.VirtualLoop;
import org.jspecify.annotations.Nullable;

/** A controller on a virtual loop, with a session at a server in memory. */
final class TestController {
  static final LogLayout LAYOUT = new LogLayout("/orch");

  final FakeZooKeeper.Port zooKeeper;
  final Hints hints = new Hints();
  final List<String> failures = new ArrayList<>();
  final ControllerLoop loop;
  final ControllerPort port;
  private final String name;
  private final VirtualLoop time;
  private final Members members;
  private final int formatLevel;
  private long requests;

  TestController(String name, FakeZooKeeper server, VirtualLoop time, Members members) {
    this(name, server, time, members, CheckpointPolicy.DEFAULT, 1);
  }

  /**
   * @param formatLevel newest format that it reads
   */
  TestController(
      String name,
      FakeZooKeeper server,
      VirtualLoop time,
      Members members,
      CheckpointPolicy policy,
      int formatLevel) {
    this.formatLevel = formatLevel;
    this.members = members;
    this.name = name;
    this.time = time;
    zooKeeper = server.connect();
    long[] seed = {name.hashCode()};
    loop =
        new ControllerLoop(
            new ControllerLoop.Seams(
                zooKeeper, hints, members.of(name), time, time, time, () -> ++seed[0]),
            LAYOUT,
            name,
            policy,
            (why, cause) -> failures.add(why));
    port = loop.port();
  }

  /** Started, and at the end of the log. */
  TestController standby() {
    Member self =
        new Member(name, false, 0, 0, name + ":7400", name + ":7401", "test", formatLevel);
    loop.start(self);
    members.of(name).join(self, other -> failures.add("name taken"));
    time.run();
    return this;
  }

  /** Leads and serves. */
  TestController leader() {
    standby();
    hints.tell(true);
    time.run();
    return this;
  }

  /** A request that is refused by the core, and leaves a change behind: its request id. */
  CompletableFuture<String> ask(String node) {
    requests++;
    // A UUID of version 7: the time first.
    String id =
        "%08x-%04x-7000-8000-%012x"
            .formatted(
                time.now().toEpochMilli() >>> 16,
                time.now().toEpochMilli() & 0xffff,
                name.hashCode() * 1_000_000L + requests & 0xffff_ffff_ffffL);
    return ask(new RequestMeta(id, 1, "local"), node);
  }

  /** A request that changes nothing at all. */
  CompletableFuture<String> askInVain() {
    return ask(RequestMeta.of("local"), "nowhere");
  }

  private CompletableFuture<String> ask(RequestMeta meta, String node) {
    CompletionStage<String> stage =
        port.submit(
            new Input.CordonNode(meta, node, "test"),
            (answer, view, revision) ->
                (answer instanceof Answer.Rejected rejected
                        ? rejected.rejection().code().name()
                        : answer.getClass().getSimpleName())
                    + " at "
                    + revision);
    return stage.toCompletableFuture();
  }

  CompletableFuture<Long> readRevision() {
    return port.<Long>read((view, revision) -> revision).toCompletableFuture();
  }

  /** A hash over the state, as a leader or a standby has it. */
  long hash() {
    return loop.state().hash();
  }

  Agent agent(String node) {
    Agent agent = new Agent();
    agent.session = port.openSession(hello(node), agent);
    return agent;
  }

  /** A node whose agent has been welcomed and has its full set. */
  Agent register(String node) {
    Agent agent = agent(node);
    time.run();
    if (agent.received.getFirst()
            instanceof ControllerMessage.Welcome(var _, var inventory, var _, var _)
        && inventory) {
      agent.say(new AgentMessage.Inventory(List.of(), true));
      time.run();
    }
    assertTrue(agent.received().contains("Desired"));
    agent.taken = 0;
    return agent;
  }

  NodeContact contact(String node) {
    return loop.state().nodeNamed(node).orElseThrow().contact();
  }

  static AgentMessage.Hello hello(String node) {
    return new AgentMessage.Hello(
        1,
        "",
        0,
        0,
        0,
        new NodeDescription(
            "uid-" + node,
            node,
            "machine-" + node,
            "boot-1",
            "test",
            new TreeMap<>(),
            new TreeMap<>(),
            new NodeCapacity(4_000, 8L << 30, 0, new TreeMap<>()),
            List.of(),
            "root"),
        0,
        0,
        0);
  }

  /** The far end of a session. */
  static final class Agent implements AgentLink {
    final List<ControllerMessage> received = new ArrayList<>();
    final List<LinkHeader> headers = new ArrayList<>();
    @Nullable Rejection closed;
    @Nullable AgentSession session;
    int taken;

    void say(AgentMessage message) {
      if (session == null) {
        throw new AssertionError("no session");
      }
      session.receive(message, () -> taken++);
    }

    void heartbeat(long sequence) {
      say(new AgentMessage.Heartbeat(sequence, sequence));
    }

    /** Kinds of what was received since the last call. */
    List<String> received() {
      List<String> kinds =
          received.stream().map(message -> message.getClass().getSimpleName()).toList();
      received.clear();
      return kinds;
    }

    @Override
    public void send(LinkHeader header, ControllerMessage message) {
      headers.add(header);
      received.add(message);
    }

    @Override
    public void close(Rejection why) {
      closed = why;
    }
  }

  static final class Hints implements Election {
    private @Nullable Listener listener;
    private boolean lead;

    void tell(boolean newLead) {
      lead = newLead;
      if (listener != null) {
        listener.hinted(newLead);
      }
    }

    boolean begun() {
      return listener != null;
    }

    @Override
    public void start(Listener newListener) {
      listener = newListener;
      if (lead) {
        newListener.hinted(true);
      }
    }

    @Override
    public void close() {}
  }

  /** Members that know of one another at once. */
  static final class Members {
    private final TreeMap<String, Member> members = new TreeMap<>();

    Membership of(String name) {
      return new Membership() {
        @Override
        public void join(Member self, NameTaken nameTaken) {
          members.put(name, self);
        }

        @Override
        public void update(Member self) {
          members.put(name, self);
        }

        @Override
        public List<Member> members() {
          return List.copyOf(members.values());
        }

        @Override
        public void close() {
          members.remove(name);
        }
      };
    }
  }
}

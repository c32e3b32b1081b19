package orch.simulation;

import java.time.Duration;
import java.util.List;
import orch.agent.link.ControllerLink;
import orch.api.convert.LinkBytes;
import orch.api.model.AgentMessage;
import orch.api.model.ControllerMessage;
import orch.api.model.LinkHeader;
import orch.controller.core.Rejection;
import orch.controller.port.AgentLink;
import orch.controller.port.AgentSession;
import orch.controller.port.ControllerPort;
import orch.controller.port.Member;
import org.jspecify.annotations.Nullable;

/**
 * An agent's sessions over the simulated network, one at a time: controllers are tried in turn, the
 * leader that one of them names next. Each message goes through its protobuf form. A session that
 * the agent has given up may still be heard by its controller beside the one that follows it.
 */
final class SimulatedLink implements ControllerLink {
  private static final Duration KEEP_ALIVE = Duration.ofSeconds(10);
  private static final Duration FIRST_WAIT = Duration.ofMillis(200);
  private static final Duration LONGEST_WAIT = Duration.ofSeconds(5);
  private static final Duration NO_ANSWER = Duration.ofSeconds(5);
  private static final String NOT_LEADER = "NOT_LEADER";

  private final World world;
  private final SimulatedNetwork network;
  private final SimulatedNode node;
  private final SimulatedProcess agent;
  private final List<SimulatedController> controllers;
  private final Witness witness;
  private @Nullable Listener listener;
  private @Nullable Session session;
  private @Nullable String leader;
  private int next;
  private int failures;
  private boolean closed;

  /** Hears what passes, for the invariants. */
  interface Witness {
    /** A controller sends this to the node now. */
    void sends(SimulatedNode node, LinkHeader header, ControllerMessage message);

    /** The agent takes this now; {@link #taken} follows in the same step. */
    void takes(SimulatedNode node, LinkHeader header, ControllerMessage message);

    void taken(SimulatedNode node);
  }

  SimulatedLink(
      World world,
      SimulatedNetwork network,
      SimulatedNode node,
      SimulatedProcess agent,
      List<SimulatedController> controllers,
      Witness witness) {
    this.world = world;
    this.network = network;
    this.node = node;
    this.agent = agent;
    this.controllers = controllers;
    this.witness = witness;
    this.next = world.below(controllers.size());
  }

  /** Whether a controller answers. */
  boolean opened() {
    Session open = session;
    return open != null && open.opened;
  }

  @Override
  public void start(Listener heard) {
    listener = heard;
    dial();
  }

  @Override
  public void send(AgentMessage message) {
    Session open = session;
    if (open != null && open.opened) {
      open.send(copy(message));
    }
  }

  @Override
  public boolean writable() {
    return opened();
  }

  @Override
  public void reset(String why) {
    Session open = session;
    if (open != null) {
      world.record(agent.name(), "resets its session: " + why);
      open.connection().closeByCaller();
      agent.after(Duration.ZERO, "session reset", () -> ended(open, why, null));
    }
  }

  @Override
  public void close() {
    closed = true;
    Session open = session;
    session = null;
    if (open != null) {
      open.connection().closeByCaller();
    }
  }

  private void dial() {
    Listener heard = listener;
    if (closed || session != null || heard == null) {
      return;
    }
    SimulatedController target = controllers.get(next++ % controllers.size());
    String named = leader;
    leader = null;
    for (SimulatedController each : controllers) {
      if (each.name().equals(named)) {
        target = each;
      }
    }
    Session fresh = new Session(target, heard);
    session = fresh;
    SimulatedProcess process = target.process();
    ControllerPort port = target.port();
    if (process == null || port == null || !network.whole(agent.machine(), target.machine())) {
      Duration wait =
          target.machine().up() && network.whole(agent.machine(), target.machine())
              ? Duration.ofMillis(1)
              : NO_ANSWER;
      agent.after(wait, "no controller answers", () -> ended(fresh, "no answer", null));
      return;
    }
    fresh.open(process, port);
  }

  private void ended(Session which, String why, @Nullable String redirect) {
    if (which != session || closed) {
      return;
    }
    session = null;
    if (which.opened) {
      failures = 0;
      which.heard.closed(why);
    }
    if (redirect != null && !redirect.equals(which.controller.name())) {
      leader = redirect;
      dial();
      return;
    }
    failures++;
    long bound =
        Math.min(LONGEST_WAIT.toNanos(), FIRST_WAIT.toNanos() << Math.min(failures - 1, 10));
    agent.after(world.between(Duration.ZERO, Duration.ofNanos(bound)), "dials again", this::dial);
  }

  /** One try at one controller. */
  private final class Session implements AgentLink {
    private final SimulatedController controller;
    private final Listener heard;
    private @Nullable SimulatedConnection connection;
    private @Nullable AgentSession atController;
    private boolean overAtController;
    private boolean opened;

    Session(SimulatedController controller, Listener heard) {
      this.controller = controller;
      this.heard = heard;
    }

    SimulatedConnection connection() {
      if (connection == null) {
        throw new IllegalStateException("not connected");
      }
      return connection;
    }

    void open(SimulatedProcess process, ControllerPort port) {
      connection =
          new SimulatedConnection(
              network,
              agent,
              process,
              KEEP_ALIVE,
              () -> ended(this, "the connection broke", null),
              this::lostByController);
      AgentMessage hello = copy(heard.hello());
      if (!(hello instanceof AgentMessage.Hello first)) {
        throw new IllegalStateException("a Hello came back as " + hello);
      }
      connection()
          .call(
              "hello",
              () -> {
                AgentSession of = port.openSession(first, this);
                atController = of;
                if (overAtController) {
                  of.closed();
                }
              });
    }

    void send(AgentMessage message) {
      connection()
          .call(
              message instanceof AgentMessage.Heartbeat ? "heartbeat" : "agent message",
              () -> {
                AgentSession of = atController;
                if (of != null) {
                  of.receive(message, () -> {});
                }
              });
    }

    private void lostByController() {
      overAtController = true;
      AgentSession of = atController;
      if (of != null) {
        of.closed();
      }
    }

    // ---- the controller's end

    @Override
    public void send(LinkHeader header, ControllerMessage message) {
      ControllerMessage told = node.bugs().told(message);
      if (told == null) {
        return;
      }
      witness.sends(node, header, told);
      byte[] wire = LinkBytes.of(header, told);
      connection()
          .answer(
              message instanceof ControllerMessage.HeartbeatReply
                  ? "heartbeat answered"
                  : "controller message",
              () -> received(wire));
    }

    private void received(byte[] wire) {
      if (this != session || closed) {
        return;
      }
      if (!opened) {
        opened = true;
        failures = 0;
        heard.opened();
      }
      LinkHeader header = LinkBytes.header(wire);
      LinkBytes.controllerMessage(wire)
          .ifPresent(message -> {
            witness.takes(node, header, message);
            heard.received(header, message);
            witness.taken(node);
          });
    }

    @Override
    public void close(Rejection why) {
      String redirect = null;
      ControllerPort port = controller.port();
      if (why.reason().equals(NOT_LEADER) && port != null) {
        Member member = port.leadership().leader();
        redirect = member == null ? null : member.name();
      }
      String to = redirect;
      connection().answer("session refused", () -> ended(this, why.message(), to));
      connection().closeByCalled();
    }
  }

  private static AgentMessage copy(AgentMessage message) {
    return LinkBytes.agentMessage(LinkBytes.of(message))
        .orElseThrow(() -> new IllegalStateException("lost in conversion: " + message));
  }
}

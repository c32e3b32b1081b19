package orch.simulation;

import java.time.Duration;
import orch.agent.link.ControllerLink;
import orch.api.convert.LinkConvert;
import orch.api.model.AgentMessage;
import orch.api.model.ControllerMessage;
import orch.api.model.LinkHeader;
import orch.controller.core.Rejection;
import orch.controller.port.AgentLink;
import orch.controller.port.AgentSession;
import orch.controller.port.ControllerPort;
import org.jspecify.annotations.Nullable;

/**
 * An agent's session over a simulated network: messages arrive later and in order, each goes
 * through its protobuf form, and a break loses what is under way.
 */
final class SimulatedLink implements ControllerLink {
  private static final Duration LEAST_DELAY = Duration.ofNanos(100_000);
  private static final Duration MOST_DELAY = Duration.ofMillis(5);
  private static final Duration REDIAL = Duration.ofMillis(200);

  private final World world;
  private final Host agent;
  private final Host controller;
  private final ControllerPort port;
  private @Nullable Listener listener;
  private @Nullable AgentSession session;
  private boolean closed;

  /** Messages of an older session than this are lost. */
  private int generation;

  private long lastArrival;

  SimulatedLink(World world, Host agent, Host controller, ControllerPort port) {
    this.world = world;
    this.agent = agent;
    this.controller = controller;
    this.port = port;
  }

  @Override
  public void start(Listener heard) {
    listener = heard;
    dial();
  }

  @Override
  public void send(AgentMessage message) {
    AgentSession open = session;
    if (open != null) {
      AgentMessage copy = copy(message);
      deliver(controller, "agent message", () -> open.receive(copy, () -> {}));
    }
  }

  @Override
  public boolean writable() {
    return session != null;
  }

  @Override
  public void reset(String why) {
    lose(why);
  }

  @Override
  public void close() {
    closed = true;
    lose("closed");
  }

  /** The network breaks this session. */
  void lose(String why) {
    AgentSession open = session;
    Listener heard = listener;
    session = null;
    generation++;
    if (open != null) {
      controller.after(Duration.ZERO, "session closed", open::closed);
    }
    if (heard != null && open != null) {
      agent.after(Duration.ZERO, "session lost", () -> heard.closed(why));
    }
    if (!closed) {
      agent.after(REDIAL, "dials again", this::dial);
    }
  }

  private void dial() {
    Listener heard = listener;
    if (closed || session != null || heard == null) {
      return;
    }
    int mine = ++generation;
    AgentMessage hello = copy(heard.hello());
    if (!(hello instanceof AgentMessage.Hello first)) {
      throw new IllegalStateException("a Hello came back as " + hello);
    }
    deliver(
        controller,
        "hello",
        () -> {
          AgentSession opened = port.openSession(first, new ToAgent(mine));
          agent.after(
              Duration.ZERO,
              "session open",
              () -> {
                if (mine == generation) {
                  session = opened;
                  heard.opened();
                } else {
                  controller.after(Duration.ZERO, "session closed", opened::closed);
                }
              });
        });
  }

  /** The controller's end. */
  private final class ToAgent implements AgentLink {
    private final int mine;

    ToAgent(int mine) {
      this.mine = mine;
    }

    @Override
    public void send(LinkHeader header, ControllerMessage message) {
      orch.agent.v1.ControllerMessage wire = LinkConvert.toMessage(header, message);
      deliver(
          agent,
          "controller message",
          () -> {
            Listener heard = listener;
            if (heard != null) {
              LinkConvert.fromMessage(wire)
                  .ifPresent(copy -> heard.received(LinkConvert.header(wire), copy));
            }
          });
    }

    @Override
    public void close(Rejection why) {
      agent.after(
          Duration.ZERO,
          "refused",
          () -> {
            if (mine == generation) {
              lose(why.message());
            }
          });
    }
  }

  private void deliver(Host to, String what, Runnable action) {
    int mine = generation;
    lastArrival =
        Math.max(lastArrival, world.nowNanos() + world.between(LEAST_DELAY, MOST_DELAY).toNanos());
    to.after(
        Duration.ofNanos(lastArrival - world.nowNanos()),
        what,
        () -> {
          if (mine == generation) {
            action.run();
          }
        });
  }

  private static AgentMessage copy(AgentMessage message) {
    return LinkConvert.fromMessage(LinkConvert.toMessage(message))
        .orElseThrow(() -> new IllegalStateException("lost in conversion: " + message));
  }
}

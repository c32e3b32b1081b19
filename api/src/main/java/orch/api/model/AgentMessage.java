package orch.api.model;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** From an agent to the controller; see {@code orch/agent/v1/agent.proto} for each. */
public sealed interface AgentMessage {
  /**
   * First message of a session.
   *
   * @param instance of the agent's process, so that another agent with a copy of the node's
   *     identity is told from this one that comes again; empty: unknown
   */
  record Hello(
      int protocolVersion,
      String clusterId,
      int incarnation,
      long epoch,
      long appliedRevision,
      NodeDescription node,
      int inventoryCount,
      long inventoryHash,
      long highestJobNumber,
      String instance)
      implements AgentMessage {
    public Hello(
        int protocolVersion,
        String clusterId,
        int incarnation,
        long epoch,
        long appliedRevision,
        NodeDescription node,
        int inventoryCount,
        long inventoryHash,
        long highestJobNumber) {
      this(
          protocolVersion,
          clusterId,
          incarnation,
          epoch,
          appliedRevision,
          node,
          inventoryCount,
          inventoryHash,
          highestJobNumber,
          "");
    }
  }

  /** Everything the agent knows, in parts. */
  record Inventory(List<AttemptStatus> attempts, boolean last) implements AgentMessage {}

  /** What changed. */
  record Reports(List<AttemptStatus> attempts) implements AgentMessage {}

  record Heartbeat(long sequence, long sentBoottimeNanos) implements AgentMessage {}

  /** Answer to a signal order; {@code error} empty: done. */
  record SignalOutcome(long request, int processes, String error) implements AgentMessage {}

  /** What happened on the node; {@code life} is random and of the agent's process. */
  record Events(long life, List<NodeEvent> events) implements AgentMessage {
    public Events {
      events = List.copyOf(events);
    }
  }

  /**
   * Answer to a question about an attempt: exactly one of the three is there.
   *
   * @param error a sentence; empty: one of the others is set
   */
  record Inspected(
      long request, String error, @Nullable ProcessTree tree, @Nullable AttemptUsage usage)
      implements AgentMessage {}
}

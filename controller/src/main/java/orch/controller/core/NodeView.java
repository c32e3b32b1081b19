package orch.controller.core;

import java.util.List;
import java.util.SortedMap;
import orch.api.model.NodeCapacity;
import orch.api.model.NodeDescription;
import orch.api.model.NodeState;

/**
 * A node as it stands.
 *
 * @param number that changes name it by
 * @param description as the agent sent it last; its labels are the agent's own
 * @param labels the agent's and the operators' together
 * @param allocated sum over the live attempts
 * @param attempts live ones
 * @param registerNanos since the epoch, the log's clock
 * @param contactNanos when {@code contact} changed last
 * @param reconciled false: the state was restored from a backup and the node has not come back
 * @param held what it runs and the state does not know
 */
public record NodeView(
    int number,
    String uid,
    String name,
    NodeState state,
    NodeContact contact,
    NodeAvailability availability,
    String reason,
    SortedMap<String, String> labels,
    NodeDescription description,
    NodeCapacity allocated,
    int attempts,
    long registerNanos,
    long contactNanos,
    boolean reconciled,
    List<HeldAttempt> held) {
  public NodeView {
    held = List.copyOf(held);
  }
}

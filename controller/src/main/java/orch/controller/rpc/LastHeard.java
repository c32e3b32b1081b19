package orch.controller.rpc;

import com.google.protobuf.util.Timestamps;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import orch.v1.Node;

/**
 * When each agent last said something to this controller. Heartbeats are no changes of the state,
 * so this is not in the log: a new leader begins with what the log knows, the node's last change of
 * contact. One entry a node, so it is bounded as the fleet is.
 */
final class LastHeard {
  private final Map<String, Instant> times = new ConcurrentHashMap<>();

  void now(String nodeUid) {
    times.put(nodeUid, Instant.now());
  }

  /** The node with its {@code last_seen_time} as this controller knows it. */
  Node stamped(Node node) {
    Instant heard = times.get(node.getUid());
    if (heard == null || heard.toEpochMilli() <= Timestamps.toMillis(node.getLastSeenTime())) {
      return node;
    }
    return node.toBuilder().setLastSeenTime(Timestamps.fromMillis(heard.toEpochMilli())).build();
  }
}

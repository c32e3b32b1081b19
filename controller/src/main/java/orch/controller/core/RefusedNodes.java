package orch.controller.core;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import orch.api.model.AgentMessage;
import orch.api.model.NodeDescription;
import org.jspecify.annotations.Nullable;

/**
 * Keeps who wants to join and may not, so that an operator sees it and can decide. What is repeated
 * is logged once.
 */
final class RefusedNodes {
  private static final long FORGOTTEN_AFTER_NANOS = Duration.ofMinutes(10).toNanos();
  private static final int MAX_FORGOTTEN = Limits.MAX_REFUSED_NODES;

  private final State state;

  /** When each asked last; not replicated. */
  private final TreeMap<String, Long> askedNanos = new TreeMap<>();

  RefusedNodes(State state) {
    this.state = state;
  }

  void begin() {
    askedNanos.clear();
  }

  void refused(Draft draft, AgentMessage.Hello hello, Rejection why) {
    if (!HelloRules.forOperators(why)) {
      return;
    }
    NodeDescription of = hello.node();
    RefusedNode node =
        new RefusedNode(
            of.name(),
            of.uid(),
            of.machineId(),
            of.bootId(),
            Limits.cut(hello.clusterId(), HelloRules.MAX_ID_LENGTH),
            hello.incarnation(),
            why.reason(),
            Limits.cut(why.message()));
    askedNanos.put(node.key(), state.decisionNanos);
    if (!node.equals(state.refused.get(node.key()))) {
      draft.emit(new Change.NodeRefused(node));
    }
  }

  void welcomed(Draft draft, AgentMessage.Hello hello) {
    List<String> keys = new ArrayList<>();
    for (RefusedNode node : state.refused.values()) {
      if (node.uid().equals(hello.node().uid())
          && node.machineId().equals(hello.node().machineId())) {
        keys.add(node.key());
      }
    }
    forget(draft, keys);
  }

  void expire(Draft draft, long nowNanos) {
    List<String> keys = new ArrayList<>();
    for (String key : state.refused.keySet()) {
      Long asked = askedNanos.putIfAbsent(key, nowNanos);
      if (asked != null
          && nowNanos - asked >= FORGOTTEN_AFTER_NANOS
          && keys.size() < MAX_FORGOTTEN) {
        keys.add(key);
      }
    }
    askedNanos.keySet().retainAll(state.refused.keySet());
    forget(draft, keys);
  }

  private void forget(Draft draft, List<String> keys) {
    if (!keys.isEmpty()) {
      draft.emit(new Change.NodeRefusalsForgotten(keys));
      keys.forEach(askedNanos::remove);
    }
  }

  /** Who was refused for the reason under the name, asked last; null: nobody. */
  @Nullable RefusedNode newest(String name, String reason) {
    RefusedNode newest = null;
    long asked = Long.MIN_VALUE;
    for (RefusedNode node : state.refused.values()) {
      long at = askedNanos.getOrDefault(node.key(), 0L);
      if (node.name().equals(name) && node.reason().equals(reason) && at > asked) {
        newest = node;
        asked = at;
      }
    }
    return newest;
  }
}

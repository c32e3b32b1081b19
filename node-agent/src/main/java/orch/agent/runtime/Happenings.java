package orch.agent.runtime;

import java.util.ArrayDeque;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import orch.agent.core.KnownAttempt;
import orch.agent.link.ControllerLink;
import orch.api.model.AgentMessage;
import orch.api.model.NodeEvent;
import org.jspecify.annotations.Nullable;

/**
 * What happened on this node lately. Sent as it happens, and all that is kept once more at the
 * opening of each session, since a new leader knows nothing of it.
 */
final class Happenings {
  static final int KEPT = 256;

  private final ControllerLink link;
  private final long life;
  private final ArrayDeque<NodeEvent> kept = new ArrayDeque<>();
  private long sequence;

  /**
   * @param life tells this process's events from those of others
   */
  Happenings(ControllerLink link, long life) {
    this.link = link;
    this.life = life;
  }

  void add(
      @Nullable KnownAttempt attempt,
      String type,
      String message,
      SortedMap<String, Long> figures,
      long nowNanos) {
    NodeEvent event =
        new NodeEvent(
            ++sequence,
            nowNanos,
            attempt == null ? 0 : attempt.jobNumber(),
            attempt == null ? 0 : attempt.index(),
            attempt == null ? 0 : attempt.attempt(),
            type,
            message,
            new TreeMap<>(figures));
    kept.addLast(event);
    if (kept.size() > KEPT) {
      kept.removeFirst();
    }
    link.send(new AgentMessage.Events(life, List.of(event)));
  }

  /** A session is open. */
  void sendAll() {
    if (!kept.isEmpty()) {
      link.send(new AgentMessage.Events(life, List.copyOf(kept)));
    }
  }
}

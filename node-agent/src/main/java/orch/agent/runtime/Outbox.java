package orch.agent.runtime;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import orch.agent.link.ControllerLink;
import orch.api.model.AgentMessage;
import orch.api.model.AttemptStatus;
import orch.api.model.Uid;

/**
 * Statuses on their way to the controller: the newest of each attempt, so never more than the agent
 * knows attempts. Sent in batches while the stream takes them; nothing is dropped.
 */
final class Outbox {
  /** Statuses in one message. */
  static final int BATCH = 500;

  private final Map<Uid, AttemptStatus> waiting = new LinkedHashMap<>();

  void put(AttemptStatus status) {
    // The newest takes the place of the oldest in the line, so that no status is overtaken for
    // ever.
    waiting.put(status.uid(), status);
  }

  void remove(Uid uid) {
    waiting.remove(uid);
  }

  int size() {
    return waiting.size();
  }

  void flush(ControllerLink link) {
    while (!waiting.isEmpty() && link.writable()) {
      List<AttemptStatus> batch = new ArrayList<>(Math.min(BATCH, waiting.size()));
      Iterator<AttemptStatus> next = waiting.values().iterator();
      while (next.hasNext() && batch.size() < BATCH) {
        batch.add(next.next());
        next.remove();
      }
      link.send(new AgentMessage.Reports(batch));
    }
  }
}

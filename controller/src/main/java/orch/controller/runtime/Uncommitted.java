package orch.controller.runtime;

import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import orch.controller.core.Change;

/** What this leader has decided and applied and ZooKeeper has not confirmed yet, in order. */
final class Uncommitted {
  private record Decided(long revision, Instant now, List<Change> changes) {}

  private final ArrayDeque<Decided> waiting = new ArrayDeque<>();

  void add(long revision, Instant now, List<Change> changes) {
    waiting.add(new Decided(revision, now, changes));
  }

  /** Takes all that was decided up to this revision. */
  Replica.Applied take(long revision) {
    Instant now = Instant.EPOCH;
    List<Change> changes = new ArrayList<>();
    for (Decided next = waiting.peek();
        next != null && next.revision() <= revision;
        next = waiting.peek()) {
      waiting.remove();
      now = next.now();
      changes.addAll(next.changes());
    }
    return new Replica.Applied(now, changes);
  }

  /** Leadership is over: nobody knows what became of it. */
  void clear() {
    waiting.clear();
  }
}

package orch.controller.runtime;

import java.util.ArrayDeque;

/**
 * What may happen only once a revision has committed: replies, messages to agents. Revisions are
 * handed in in rising order.
 */
final class HeldActions {
  /** An action that is held. */
  interface Action {
    void run();

    /** Leadership was lost: nobody knows whether the revision is in the log. */
    void lost();

    /** ZooKeeper is silent for long; the action is held on, and runs if the revision commits. */
    default void late() {}
  }

  private record Held(long revision, Action action) {}

  private final ArrayDeque<Held> held = new ArrayDeque<>();

  /** Runs it once {@code revision} is committed; at once if it is. */
  void add(long revision, long committed, Action action) {
    if (revision <= committed && held.isEmpty()) {
      action.run();
    } else {
      held.add(new Held(revision, action));
    }
  }

  void release(long committed) {
    for (Held next = held.peek();
        next != null && next.revision() <= committed;
        next = held.peek()) {
      held.remove();
      next.action().run();
    }
  }

  /** Tells every action that it may be held for long yet. */
  void late() {
    held.forEach(next -> next.action().late());
  }

  void lose() {
    while (!held.isEmpty()) {
      held.remove().action().lost();
    }
  }
}

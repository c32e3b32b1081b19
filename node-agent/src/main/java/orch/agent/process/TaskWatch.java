package orch.agent.process;

import java.util.List;
import orch.agent.core.KnownAttempt;
import orch.api.model.SpecDefinition;
import orch.api.model.Uid;

/**
 * What is watched of tasks beside their lives: what they say of themselves, and the memory that
 * they use. Methods are called on the loop and return at once.
 */
public interface TaskWatch {
  /** Nothing is watched. */
  TaskWatch NONE =
      new TaskWatch() {
        @Override
        public void found(List<KnownAttempt> alive) {}

        @Override
        public void running(KnownAttempt attempt, SpecDefinition definition, long memoryBytes) {}

        @Override
        public void ended(Uid uid) {}
      };

  /** Both are told, in this order. */
  static TaskWatch both(TaskWatch first, TaskWatch second) {
    return new TaskWatch() {
      @Override
      public void found(List<KnownAttempt> alive) {
        first.found(alive);
        second.found(alive);
      }

      @Override
      public void running(KnownAttempt attempt, SpecDefinition definition, long memoryBytes) {
        first.running(attempt, definition, memoryBytes);
        second.running(attempt, definition, memoryBytes);
      }

      @Override
      public void suspended(Uid uid, boolean frozen) {
        first.suspended(uid, frozen);
        second.suspended(uid, frozen);
      }

      @Override
      public void stopping(Uid uid) {
        first.stopping(uid);
        second.stopping(uid);
      }

      @Override
      public void ended(Uid uid) {
        first.ended(uid);
        second.ended(uid);
      }
    };
  }

  /** The launcher was asked: these attempts have not ended. */
  void found(List<KnownAttempt> alive);

  /**
   * An attempt runs, and its spec is known. May be said again.
   *
   * @param memoryBytes its limit; 0: none
   */
  void running(KnownAttempt attempt, SpecDefinition definition, long memoryBytes);

  /** Its job is suspended, and it is being frozen, or it is being thawed for it. */
  default void suspended(Uid uid, boolean frozen) {}

  /** It is being stopped: from now on it must not be frozen. May be said again. */
  default void stopping(Uid uid) {}

  void ended(Uid uid);
}

package orch.agent.process;

import orch.api.model.DesiredAttempt;
import orch.api.model.SpecDefinition;
import orch.api.model.Uid;

/** What is done on the host before a shim takes an attempt, and after its end. */
public interface TaskPreparation {
  /**
   * Whether {@link #prepare} of such a task may wait for a disk or a name service, and so must not
   * run on the loop.
   */
  boolean blocks(SpecDefinition definition);

  /** Looks up its user, expands its texts, lays out its script and files. */
  StartRequest prepare(
      DesiredAttempt order, SpecDefinition definition, String claim, long deadlineBootNanos)
      throws StartRefusedException;

  /**
   * What a command from outside needs to run inside an attempt that runs: its user, environment and
   * directory. Nothing is made or opened for it that the attempt has already.
   *
   * @param definition of the task, without its command, script and files
   */
  default StartRequest inside(DesiredAttempt order, SpecDefinition definition, String claim)
      throws StartRefusedException {
    return prepare(order, definition, claim, 0);
  }

  /** Removes its scratch directory; may wait for a disk. */
  void cleanUp(Uid uid);
}

package orch.agent.live;

import java.util.function.Consumer;
import orch.agent.core.KnownAttempt;
import orch.agent.logs.LogServer;
import orch.agent.process.TaskPreparation;
import orch.api.model.AgentMessage;
import orch.api.model.ControllerMessage;
import orch.api.model.DesiredAttempt;
import orch.api.model.Result;
import orch.api.model.SpecDefinition;
import orch.api.model.Uid;
import org.jspecify.annotations.Nullable;

/** What can be asked of running attempts. Called on the agent's loop; returns at once. */
public interface LiveTasks {
  /** Reads an attempt's processes or usage elsewhere; {@code answer} is told on the loop. */
  void inspect(ControllerMessage.Inspect query, Consumer<AgentMessage.Inspected> answer);

  /**
   * Runs a command inside an attempt.
   *
   * @param order null: the attempt does not run here, or it is not known yet what it is
   */
  void run(
      ControllerMessage.OpenExec query,
      @Nullable DesiredAttempt order,
      @Nullable SpecDefinition definition,
      TaskPreparation tasks);

  /**
   * Serves an attempt's streams until it ends.
   *
   * @param attempt null: it does not run here
   * @param terminal its input is a terminal
   */
  void attach(
      ControllerMessage.OpenAttach query,
      @Nullable KnownAttempt attempt,
      boolean terminal,
      LogServer logs);

  /** The attempt has ended, and everything that it wrote is in its segments. */
  void ended(Uid uid, Result result);

  /** A node on which nothing can be asked. */
  static LiveTasks none() {
    return new NothingLive();
  }
}

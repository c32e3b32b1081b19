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

/** A node on which nothing can be asked: its orders are not answered, and time out. */
final class NothingLive implements LiveTasks {
  @Override
  public void inspect(ControllerMessage.Inspect query, Consumer<AgentMessage.Inspected> answer) {
    answer.accept(
        new AgentMessage.Inspected(
            query.request(), "this node cannot look at its tasks", null, null));
  }

  @Override
  public void run(
      ControllerMessage.OpenExec query,
      @Nullable DesiredAttempt order,
      @Nullable SpecDefinition definition,
      TaskPreparation tasks) {}

  @Override
  public void attach(
      ControllerMessage.OpenAttach query,
      @Nullable KnownAttempt attempt,
      boolean terminal,
      LogServer logs) {}

  @Override
  public void ended(Uid uid, Result result) {}
}

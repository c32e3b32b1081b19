package orch.agent.logs;

import orch.api.model.ControllerMessage;
import orch.api.model.Uid;

/** The agent's side of task output; every method returns at once. */
public interface LogServer {
  /** An attempt may write from now on; called again for each attempt that a new agent re-adopts. */
  void attemptStarted(TaskIdentity identity);

  /** Everything that the attempt wrote is in its segments. */
  void attemptEnded(Uid uid);

  /** Serves a query into {@code sink} until it is exhausted, closed or the sink is gone. */
  void open(ControllerMessage.OpenLogs query, LogSink sink);

  /** Ends a stream: at once, or with {@code drain} after what is there was sent. */
  void close(long stream, boolean drain);
}

package orch.agent.logs;

import orch.api.model.ControllerMessage;
import orch.api.model.Uid;

/**
 * Serves what tasks wrote to the controller, and learns from the agent's loop which attempts there
 * are. No method blocks: files are read on threads of the server's own.
 */
public interface LogServer {
  /**
   * Answers a query of the controller on a stream that the agent opened for it. Ends {@code sink}
   * when all was sent: without {@code follow} at the end of what is there, with it once {@link
   * #close} was called.
   */
  void open(ControllerMessage.OpenLogs query, LogSink sink);

  /** The controller wants no more: {@code drain} sends what is there first. Unknown: nothing. */
  void close(long stream, boolean drain);

  /**
   * An attempt is about to be started, or was found running after a restart of the agent. Repeated
   * calls for one attempt are one.
   */
  void attemptStarted(Uid uid, AttemptIdentity identity);

  /** Its output is complete: no segment of it grows any more. Also for one that never started. */
  void attemptEnded(Uid uid);
}

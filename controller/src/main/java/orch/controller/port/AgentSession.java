package orch.controller.port;

import orch.api.model.AgentMessage;

/** An agent's side of a session, as the gRPC edge feeds it. May be called by any thread. */
public interface AgentSession {
  /**
   * Takes a message after the Hello. {@code taken} runs on the loop once the message has been
   * decided upon: the edge asks the stream for the next one only then, so a flood is held back at
   * its source and no result is ever dropped. {@link AgentMessage.SignalOutcome} and {@link
   * AgentMessage.Inspected} are the edge's own and are ignored here.
   */
  void receive(AgentMessage message, Runnable taken);

  /** The stream ended, by whichever side. */
  void closed();
}

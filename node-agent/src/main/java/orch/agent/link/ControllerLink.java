package orch.agent.link;

import orch.api.model.AgentMessage;
import orch.api.model.ControllerMessage;
import orch.api.model.LinkHeader;

/**
 * A session with the leader: found among the controllers, opened again with back-off when it
 * breaks. Methods are called on the loop and return at once; the listener is called on the loop.
 */
public interface ControllerLink {
  void start(Listener listener);

  /** Sends on the session that is open; without one the message is dropped. */
  void send(AgentMessage message);

  /**
   * Whether the stream takes more now; {@link Listener#writable} follows when it does again. What
   * may not be lost is kept by the caller until then. Heartbeats need not ask.
   */
  boolean writable();

  /** Breaks the session off; a new one is opened after the back-off, elsewhere if it can be. */
  void reset(String why);

  void close();

  /** What happens. */
  interface Listener {
    /** First message of a new session. */
    AgentMessage.Hello hello();

    /** The session takes messages. */
    void opened();

    void received(LinkHeader header, ControllerMessage message);

    void writable();

    /** The session is gone. */
    void closed(String why);
  }
}

package orch.controller.port;

import orch.api.model.ControllerMessage;
import orch.api.model.LinkHeader;
import orch.controller.core.Rejection;

/**
 * The transport of one agent session, implemented by the gRPC edge. Both methods are called by the
 * loop, in order, and must not block.
 */
public interface AgentLink {
  /**
   * Queues a message. When the session's outbox is full (a limit of the link's), the link closes
   * the session itself: everything is made good by the next session's full set. Heartbeat replies
   * pass the queue.
   */
  void send(LinkHeader header, ControllerMessage message);

  /**
   * Ends the session: refused, replaced by a newer one, or this controller does not lead (reason
   * {@code NOT_LEADER}). What was queued may be dropped.
   */
  void close(Rejection why);
}

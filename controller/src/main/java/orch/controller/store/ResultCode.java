package orch.controller.store;

/** How a ZooKeeper operation ended, as far as the log has to tell the ends apart. */
public enum ResultCode {
  OK,
  BAD_VERSION,
  NO_NODE,
  NODE_EXISTS,
  NOT_EMPTY,
  /** The secret is not the one that the nodes were made with. */
  NO_AUTH,
  /** Sent or not, done or not: nobody knows. */
  CONNECTION_LOSS,
  /** Another server of the ensemble has the session; as {@link #CONNECTION_LOSS}. */
  SESSION_MOVED,
  /** As {@link #CONNECTION_LOSS}; a new session follows. */
  SESSION_EXPIRED,
  /** The port was closed. */
  CLOSED,
  /** Anything else: a fault of the program or of the server. */
  OTHER;

  /** Whether the operation may or may not have been done, or may yet be. */
  public boolean unknown() {
    return switch (this) {
      case CONNECTION_LOSS, SESSION_MOVED, SESSION_EXPIRED -> true;
      case OK, BAD_VERSION, NO_NODE, NODE_EXISTS, NOT_EMPTY, NO_AUTH, CLOSED, OTHER -> false;
    };
  }
}

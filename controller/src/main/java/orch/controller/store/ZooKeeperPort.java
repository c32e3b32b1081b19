package orch.controller.store;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * ZooKeeper as the log uses it: asynchronous, with one session at a time. Every callback runs on
 * the executor of the loop, after the call has returned, exactly once, in the order in which the
 * server answered; watches fire in that order too. Requests are sent in the order of the calls. The
 * port retries nothing.
 */
public interface ZooKeeperPort {
  /** Does all operations or none. */
  void multi(List<Operation> operations, MultiCallback callback);

  /** Data and version of a node. */
  void get(String path, GetCallback callback);

  /**
   * Whether the node exists.
   *
   * @param watch run once when the node is made, changed or deleted, unless the session ends first
   */
  void exists(String path, Runnable watch, Callback callback);

  /**
   * Brings the server that serves this session up to what the ensemble had committed when it was
   * called: a later get sees at least that.
   */
  void sync(String path, Callback callback);

  /** Names below a node that is known to have few of them. */
  void children(String path, ChildrenCallback callback);

  /** Hears of the session from now on. */
  void addSessionListener(SessionListener listener);

  /** Ends the session; what is under way ends with {@link ResultCode#CLOSED} or as it does. */
  void close();

  /** What happened to the session. */
  enum SessionEvent {
    /** Connected, for the first time or again, with the old session or a new one. */
    CONNECTED,
    /** The connection broke; the session may still be alive. */
    SUSPENDED,
    /** The session has expired: its watches and ephemeral nodes are gone. */
    LOST
  }

  @FunctionalInterface
  interface Callback {
    void done(ResultCode code);
  }

  @FunctionalInterface
  interface MultiCallback {
    void done(MultiResult result);
  }

  @FunctionalInterface
  interface GetCallback {
    /** {@code data} is set, and {@code version} means something, if {@code code} is OK. */
    void done(ResultCode code, byte @Nullable [] data, int version);
  }

  @FunctionalInterface
  interface ChildrenCallback {
    /** In no particular order; empty unless {@code code} is OK. */
    void done(ResultCode code, List<String> names);
  }

  @FunctionalInterface
  interface SessionListener {
    void changed(SessionEvent event);
  }
}

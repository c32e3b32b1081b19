package orch.controller.zookeeper;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import orch.controller.store.MultiResult;
import orch.controller.store.Operation;
import orch.controller.store.ResultCode;
import orch.controller.store.ZooKeeperPort;
import org.apache.curator.framework.state.ConnectionState;
import org.apache.curator.framework.state.ConnectionStateListener;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException.Code;
import org.apache.zookeeper.Op;
import org.apache.zookeeper.OpResult;
import org.apache.zookeeper.Watcher;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.data.ACL;
import org.jspecify.annotations.Nullable;

/**
 * The log's port: Curator keeps the session, requests go to its raw asynchronous handle, so that
 * nothing is ever retried behind the log's back.
 */
public final class CuratorPort implements ZooKeeperPort {
  private final ZooKeeperConnection connection;
  private final List<ACL> acl;
  private final Executor loop;
  private final List<ConnectionStateListener> listeners = new ArrayList<>();
  private volatile boolean closed;

  /**
   * @param loop runs every callback
   */
  public CuratorPort(ZooKeeperConnection connection, Secret secret, Executor loop) {
    this.connection = connection;
    this.acl = secret.everything();
    this.loop = loop;
  }

  @Override
  public void multi(List<Operation> operations, MultiCallback callback) {
    List<Op> ops = operations.stream().map(this::op).toList();
    ask(
        zooKeeper ->
            zooKeeper.multi(
                ops,
                (code, path, context, results) ->
                    loop.execute(() -> callback.done(result(code, results))),
                null),
        code -> callback.done(new MultiResult(code, -1)));
  }

  @Override
  public void get(String path, GetCallback callback) {
    ask(
        zooKeeper ->
            zooKeeper.getData(
                path,
                false,
                (code, name, context, data, stat) ->
                    loop.execute(() ->
                        callback.done(code(code), data, stat == null ? 0 : stat.getVersion())),
                null),
        code -> callback.done(code, null, 0));
  }

  @Override
  public void exists(String path, Runnable watch, Callback callback) {
    ask(
        zooKeeper ->
            zooKeeper.exists(
                path,
                event -> {
                  // The connection outlives the port; what it hears then is nobody's affair.
                  if (event.getType() != Watcher.Event.EventType.None && !closed) {
                    loop.execute(watch);
                  }
                },
                (code, name, context, stat) -> loop.execute(() -> callback.done(code(code))),
                null),
        callback);
  }

  @Override
  public void sync(String path, Callback callback) {
    ask(
        zooKeeper ->
            zooKeeper.sync(
                path, (code, name, context) -> loop.execute(() -> callback.done(code(code))), null),
        callback);
  }

  @Override
  public void children(String path, ChildrenCallback callback) {
    ask(
        zooKeeper ->
            zooKeeper.getChildren(
                path,
                false,
                (code, name, context, children) ->
                    loop.execute(
                        () -> callback.done(code(code), children == null ? List.of() : children)),
                null),
        code -> callback.done(code, List.of()));
  }

  @Override
  public void addSessionListener(SessionListener listener) {
    ConnectionStateListener own =
        (client, state) -> {
          SessionEvent event = event(state);
          if (event != null) {
            loop.execute(() -> listener.changed(event));
          }
        };
    listeners.add(own);
    connection.curator().getConnectionStateListenable().addListener(own);
  }

  /** Leaves the connection, which is its owner's, as it is. */
  @Override
  public void close() {
    closed = true;
    for (ConnectionStateListener listener : listeners) {
      connection.curator().getConnectionStateListenable().removeListener(listener);
    }
  }

  private interface Request {
    void send(ZooKeeper zooKeeper);
  }

  private void ask(Request request, Callback failed) {
    if (closed) {
      loop.execute(() -> failed.done(ResultCode.CLOSED));
      return;
    }
    ZooKeeper zooKeeper;
    try {
      zooKeeper = connection.curator().getZookeeperClient().getZooKeeper();
    } catch (Exception e) {
      // Nothing was sent; Curator has no handle for now.
      loop.execute(() -> failed.done(ResultCode.CONNECTION_LOSS));
      return;
    }
    request.send(zooKeeper);
  }

  private Op op(Operation operation) {
    return switch (operation) {
      case Operation.Check check -> Op.check(check.path(), check.version());
      case Operation.Create create ->
          Op.create(create.path(), create.data(), acl, CreateMode.PERSISTENT);
      case Operation.SetData set -> Op.setData(set.path(), set.data(), set.version());
      case Operation.Delete delete -> Op.delete(delete.path(), delete.version());
    };
  }

  private static MultiResult result(int code, @Nullable List<OpResult> results) {
    if (code == Code.OK.intValue()) {
      return MultiResult.OK;
    }
    // The operation at fault has an error of its own; the others say that they were not done.
    if (results != null) {
      for (int i = 0; i < results.size(); i++) {
        if (results.get(i) instanceof OpResult.ErrorResult error
            && error.getErr() != Code.OK.intValue()
            && error.getErr() != Code.RUNTIMEINCONSISTENCY.intValue()) {
          return new MultiResult(code(error.getErr()), i);
        }
      }
    }
    return new MultiResult(code(code), -1);
  }

  static ResultCode code(int code) {
    return switch (Code.get(code)) {
      case null -> ResultCode.OTHER;
      case OK -> ResultCode.OK;
      case BADVERSION -> ResultCode.BAD_VERSION;
      case NONODE -> ResultCode.NO_NODE;
      case NODEEXISTS -> ResultCode.NODE_EXISTS;
      case NOTEMPTY -> ResultCode.NOT_EMPTY;
      case NOAUTH, AUTHFAILED, INVALIDACL -> ResultCode.NO_AUTH;
      case CONNECTIONLOSS, OPERATIONTIMEOUT, REQUESTTIMEOUT, THROTTLEDOP ->
          ResultCode.CONNECTION_LOSS;
      case SESSIONMOVED -> ResultCode.SESSION_MOVED;
      case SESSIONEXPIRED, SESSIONCLOSEDREQUIRESASLAUTH -> ResultCode.SESSION_EXPIRED;
      default -> ResultCode.OTHER;
    };
  }

  private static @Nullable SessionEvent event(ConnectionState state) {
    return switch (state) {
      case CONNECTED, RECONNECTED -> SessionEvent.CONNECTED;
      case SUSPENDED -> SessionEvent.SUSPENDED;
      case LOST -> SessionEvent.LOST;
      case READ_ONLY -> null;
    };
  }
}

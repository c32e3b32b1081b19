package orch.simulation;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.function.Consumer;
import orch.controller.store.MultiResult;
import orch.controller.store.Operation;
import orch.controller.store.ResultCode;
import orch.controller.store.ZooKeeperPort;
import org.jspecify.annotations.Nullable;

/**
 * A controller's connection to the simulated ensemble: one session at a time, over one connection
 * at a time, to whichever server takes it. When the connection breaks, what is under way ends with
 * CONNECTION_LOSS and nobody knows how much of it was done; a session that expired meanwhile is
 * lost, its watches with it, and a new one is opened. After a reconnection its watches may be set
 * again by the client, or be lost.
 */
final class SimulatedSession implements ZooKeeperPort {
  /** A client gives a server up that it does not hear for two thirds of its session. */
  private static final Duration PATIENCE = SimulatedZooKeeper.SESSION_TIMEOUT.dividedBy(3);

  private final World world;
  private final SimulatedProcess process;
  private final SimulatedNetwork network;
  private final SimulatedZooKeeper ensemble;
  private final List<SessionListener> listeners = new ArrayList<>();
  private final Deque<Request> underWay = new ArrayDeque<>();
  private final List<SetWatch> watches = new ArrayList<>();
  private SimulatedZooKeeper.@Nullable Session session;
  private @Nullable Link link;
  private long seen;
  private boolean closed;

  private static final class Link {
    private final ZooKeeperServer server;
    private final ZooKeeperServer.Client client;
    private final SimulatedConnection connection;

    Link(ZooKeeperServer server, ZooKeeperServer.Client client, SimulatedConnection connection) {
      this.server = server;
      this.client = client;
      this.connection = connection;
    }

    ZooKeeperServer server() {
      return server;
    }

    ZooKeeperServer.Client client() {
      return client;
    }

    SimulatedConnection connection() {
      return connection;
    }
  }

  private record Request(Consumer<ResultCode> broken) {}

  private static final class SetWatch {
    final String path;
    final Runnable action;
    final boolean existed;

    SetWatch(String path, Runnable action, boolean existed) {
      this.path = path;
      this.action = action;
      this.existed = existed;
    }
  }

  SimulatedSession(
      World world,
      SimulatedProcess process,
      SimulatedNetwork network,
      SimulatedZooKeeper ensemble) {
    this.world = world;
    this.process = process;
    this.network = network;
    this.ensemble = ensemble;
  }

  void connect() {
    connectLater(1, 5);
  }

  /** Whether the ensemble knows of a living session. */
  boolean alive() {
    return session != null && !session.expired();
  }

  boolean connected() {
    return link != null;
  }

  /** Whether its pings reach the ensemble now. */
  boolean heardBy(SimulatedZooKeeper.Session of) {
    Link open = link;
    return session == of
        && open != null
        && process.runs()
        && open.server().up()
        && !network.cut(process.machine(), open.server().machine());
  }

  /** The connection breaks; another is made soon. */
  void breakConnection() {
    Link open = link;
    if (open != null) {
      open.server().gone(open.client());
      open.connection().reset();
    }
  }

  // ---- the port

  @Override
  public void multi(List<Operation> operations, MultiCallback callback) {
    write(List.copyOf(operations), false, callback);
  }

  /** Makes a node that goes with the session. */
  void createEphemeral(String path, byte[] data, Callback callback) {
    List<Operation> operations = List.of(new Operation.Create(path, data));
    write(operations, true, result -> callback.done(result.code()));
  }

  private void write(List<Operation> operations, boolean ephemeral, MultiCallback callback) {
    send(
        "writes",
        (open, request) ->
            open.server()
                .write(
                    open.client(),
                    operations,
                    ephemeral,
                    result -> answer(open, request, "written", () -> callback.done(result))),
        code -> callback.done(new MultiResult(code, -1)));
  }

  @Override
  public void get(String path, GetCallback callback) {
    send(
        "reads",
        (open, request) ->
            open.server()
                .read(
                    open.client(),
                    () -> {
                      byte[] data = open.server().tree().data(path);
                      int version = open.server().tree().version(path);
                      answer(
                          open,
                          request,
                          "read",
                          () -> callback.done(code(data != null), data, version));
                    }),
        code -> callback.done(code, null, 0));
  }

  @Override
  public void exists(String path, Runnable watch, Callback callback) {
    send(
        "looks for a node",
        (open, request) ->
            open.server()
                .read(
                    open.client(),
                    () -> {
                      boolean there = open.server().tree().exists(path);
                      SetWatch set = new SetWatch(path, watch, there);
                      open.server().watch(open.client(), path, () -> fire(set));
                      answer(
                          open,
                          request,
                          "looked",
                          () -> {
                            watches.add(set);
                            callback.done(code(there));
                          });
                    }),
        callback::done);
  }

  @Override
  public void sync(String path, Callback callback) {
    send(
        "syncs",
        (open, request) ->
            open.server()
                .sync(
                    open.client(),
                    () -> answer(open, request, "synced", () -> callback.done(ResultCode.OK))),
        callback::done);
  }

  @Override
  public void children(String path, ChildrenCallback callback) {
    send(
        "lists",
        (open, request) ->
            open.server()
                .read(
                    open.client(),
                    () -> {
                      boolean there = open.server().tree().exists(path);
                      List<String> names = open.server().tree().children(path);
                      answer(open, request, "listed", () -> callback.done(code(there), names));
                    }),
        code -> callback.done(code, List.of()));
  }

  @Override
  public void addSessionListener(SessionListener listener) {
    listeners.add(listener);
    if (link != null) {
      process.after(Duration.ZERO, "is connected", () -> listener.changed(SessionEvent.CONNECTED));
    }
  }

  @Override
  public void close() {
    closed = true;
    Link open = link;
    link = null;
    SimulatedZooKeeper.Session of = session;
    if (of != null && open != null && ensemble.majority()) {
      ensemble.end(of);
    }
    if (open != null) {
      open.connection().closeByCaller();
    }
    fail(ResultCode.CLOSED);
  }

  // ---- requests

  private interface AtServer {
    void arrived(Link open, Request request);
  }

  private void send(String what, AtServer atServer, Consumer<ResultCode> broken) {
    Link open = link;
    if (closed || open == null) {
      ResultCode code = closed ? ResultCode.CLOSED : ResultCode.CONNECTION_LOSS;
      process.after(Duration.ZERO, "not connected", () -> broken.accept(code));
      return;
    }
    Request request = new Request(broken);
    underWay.add(request);
    open.connection().call(what, () -> atServer.arrived(open, request));
  }

  private void answer(Link open, Request request, String what, Runnable action) {
    long zxid = open.server().applied();
    open.connection()
        .answer(
            what,
            () -> {
              seen = Math.max(seen, zxid);
              if (underWay.remove(request)) {
                action.run();
              }
            });
  }

  private void fire(SetWatch watch) {
    if (watches.remove(watch)) {
      watch.action.run();
    }
  }

  private void fail(ResultCode code) {
    List<Request> lost = List.copyOf(underWay);
    underWay.clear();
    lost.forEach(request ->
        process.after(Duration.ZERO, "request fails", () -> request.broken().accept(code)));
  }

  // ---- the connection

  private void connectLater(long leastMillis, long mostMillis) {
    process.after(world.millis(leastMillis, mostMillis), "dials zookeeper", this::dial);
  }

  private void dial() {
    if (closed || link != null) {
      return;
    }
    ZooKeeperServer server = world.pick(ensemble.servers());
    if (!server.serves()
        || server.applied() < seen
        || !network.whole(process.machine(), server.machine())) {
      connectLater(100, 600);
      return;
    }
    SimulatedZooKeeper.Session before = session;
    boolean lost = before != null && before.expired();
    if (lost) {
      watches.clear();
      tell(SessionEvent.LOST);
    }
    SimulatedZooKeeper.Session now = before == null || lost ? ensemble.open(this) : before;
    session = now;
    ensemble.heard(now);
    Link[] opened = new Link[1];
    SimulatedConnection connection =
        new SimulatedConnection(
            network,
            process,
            server.process(),
            PATIENCE,
            () -> lost(opened[0]),
            () -> server.gone(opened[0].client()));
    Link fresh = new Link(server, server.accept(now, connection), connection);
    opened[0] = fresh;
    link = fresh;
    setWatchesAgain(fresh);
    tell(SessionEvent.CONNECTED);
  }

  /** A client sets its watches again, and hears of what it missed; or it forgets them. */
  private void setWatchesAgain(Link open) {
    List<SetWatch> before = List.copyOf(watches);
    if (before.isEmpty()) {
      return;
    }
    if (world.chance(0.5)) {
      watches.clear();
      return;
    }
    open.connection()
        .call(
            "sets its watches again",
            () -> {
              for (SetWatch watch : before) {
                if (open.server().tree().exists(watch.path) != watch.existed) {
                  open.connection().answer("watch", () -> fire(watch));
                } else {
                  open.server().watch(open.client(), watch.path, () -> fire(watch));
                }
              }
            });
  }

  private void lost(Link which) {
    if (closed || link != which) {
      return;
    }
    link = null;
    which.server().gone(which.client());
    fail(ResultCode.CONNECTION_LOSS);
    tell(SessionEvent.SUSPENDED);
    connectLater(20, 500);
  }

  private void tell(SessionEvent event) {
    world.record(process.name(), "session " + event.name());
    for (SessionListener listener : List.copyOf(listeners)) {
      process.after(Duration.ZERO, "session event", () -> listener.changed(event));
    }
  }

  private static ResultCode code(boolean there) {
    return there ? ResultCode.OK : ResultCode.NO_NODE;
  }
}

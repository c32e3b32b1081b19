package orch.simulation;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import orch.controller.store.MultiResult;
import orch.controller.store.Operation;
import orch.controller.store.ResultCode;
import orch.controller.store.ZooKeeperPort;
import org.jspecify.annotations.Nullable;

/**
 * A controller's connection to the simulated ensemble. Requests reach the server in order and are
 * answered in order. When the connection breaks, what is under way ends with CONNECTION_LOSS: of
 * the requests sent, the server has done the first so many, and nobody knows how many. While it is
 * broken every request ends so. A break that outlasts the session ends it: LOST, and its watches
 * are gone.
 */
final class SimulatedSession implements ZooKeeperPort {
  private static final Duration LEAST_DELAY = Duration.ofNanos(100_000);
  private static final Duration MOST_DELAY = Duration.ofMillis(3);

  private final World world;
  private final Host host;
  private final SimulatedZooKeeper server;
  private final List<SessionListener> listeners = new ArrayList<>();
  private final Deque<Request> underWay = new ArrayDeque<>();
  private boolean connected;
  private boolean closed;

  /** Time at which the last message to, and from, the server arrives: order is kept. */
  private long lastArrival;

  private long lastAnswer;

  private static final class Request {
    final Runnable atServer;
    final Consumer<ResultCode> broken;
    Runnable answer = () -> {};
    boolean done;

    Request(Runnable atServer, Consumer<ResultCode> broken) {
      this.atServer = atServer;
      this.broken = broken;
    }
  }

  SimulatedSession(World world, Host host, SimulatedZooKeeper server) {
    this.world = world;
    this.host = host;
    this.server = server;
  }

  void connect() {
    host.after(world.between(LEAST_DELAY, MOST_DELAY), "connects", this::connected);
  }

  /** Breaks the connection for a time; longer than the session lives means that it is lost. */
  void breakFor(Duration length, Duration sessionTimeout) {
    if (!connected || closed) {
      return;
    }
    connected = false;
    List<Request> lost = new ArrayList<>(underWay);
    underWay.clear();
    // The server has received a prefix of what was sent.
    int received = lost.isEmpty() ? 0 : world.below(lost.size() + 1);
    for (int i = 0; i < lost.size(); i++) {
      Request request = lost.get(i);
      if (!request.done && i < received) {
        request.done = true;
        request.atServer.run();
      }
      request.done = true;
    }
    boolean expires = length.compareTo(sessionTimeout) > 0;
    host.after(
        Duration.ZERO,
        "suspended",
        () -> {
          for (Request request : lost) {
            request.broken.accept(ResultCode.CONNECTION_LOSS);
          }
          tell(SessionEvent.SUSPENDED);
        });
    if (expires) {
      server.forgetWatches(this);
      host.after(sessionTimeout, "session lost", () -> tell(SessionEvent.LOST));
    }
    host.after(length, "reconnects", this::connected);
  }

  @Override
  public void multi(List<Operation> operations, MultiCallback callback) {
    MultiResult[] result = new MultiResult[1];
    send(
        () -> result[0] = server.multi(operations),
        () -> callback.done(result[0]),
        code -> callback.done(new MultiResult(code, -1)));
  }

  @Override
  public void get(String path, GetCallback callback) {
    AtomicReference<byte @Nullable []> data = new AtomicReference<>();
    int[] version = new int[1];
    send(
        () -> {
          data.set(server.data(path));
          version[0] = server.version(path);
        },
        () -> callback.done(code(data.get() != null), data.get(), version[0]),
        code -> callback.done(code, null, 0));
  }

  @Override
  public void exists(String path, Runnable watch, Callback callback) {
    boolean[] there = new boolean[1];
    send(
        () -> {
          there[0] = server.exists(path);
          server.watch(path, this, watch);
        },
        () -> callback.done(code(there[0])),
        callback::done);
  }

  @Override
  public void sync(String path, Callback callback) {
    send(() -> {}, () -> callback.done(ResultCode.OK), callback::done);
  }

  @Override
  public void children(String path, ChildrenCallback callback) {
    List<String> names = new ArrayList<>();
    boolean[] there = new boolean[1];
    send(
        () -> {
          there[0] = server.exists(path);
          names.addAll(server.children(path));
        },
        () -> callback.done(code(there[0]), names),
        code -> callback.done(code, List.of()));
  }

  @Override
  public void addSessionListener(SessionListener listener) {
    listeners.add(listener);
    if (connected) {
      host.after(Duration.ZERO, "is connected", () -> listener.changed(SessionEvent.CONNECTED));
    }
  }

  @Override
  public void close() {
    closed = true;
    connected = false;
    server.forgetWatches(this);
    for (Request request : underWay) {
      request.done = true;
      host.after(Duration.ZERO, "closed", () -> request.broken.accept(ResultCode.CLOSED));
    }
    underWay.clear();
  }

  /** A watch of this session has fired: the event travels with the answers, in their order. */
  void fire(Runnable action) {
    answerInOrder("watch", action);
  }

  private void send(Runnable atServer, Runnable answer, Consumer<ResultCode> broken) {
    if (closed || !connected) {
      ResultCode code = closed ? ResultCode.CLOSED : ResultCode.CONNECTION_LOSS;
      host.after(Duration.ZERO, "not connected", () -> broken.accept(code));
      return;
    }
    Request request = new Request(atServer, broken);
    request.answer = answer;
    underWay.add(request);
    lastArrival = Math.max(lastArrival, world.nowNanos() + delay());
    // The server goes on with what has reached it though the client may have crashed.
    world.after(
        Duration.ofNanos(lastArrival - world.nowNanos()),
        host.name() + " request arrives",
        () -> {
          if (!request.done) {
            request.done = true;
            request.atServer.run();
            answerInOrder(
                "answer",
                () -> {
                  if (underWay.remove(request)) {
                    request.answer.run();
                  }
                });
          }
        });
  }

  private void answerInOrder(String what, Runnable action) {
    lastAnswer = Math.max(lastAnswer, world.nowNanos() + delay());
    host.after(
        Duration.ofNanos(lastAnswer - world.nowNanos()),
        what,
        () -> {
          if (connected) {
            action.run();
          }
        });
  }

  private void connected() {
    if (!closed) {
      connected = true;
      tell(SessionEvent.CONNECTED);
    }
  }

  private void tell(SessionEvent event) {
    world.record(host.name() + " session " + event.name());
    List.copyOf(listeners).forEach(listener -> listener.changed(event));
  }

  private long delay() {
    return world.between(LEAST_DELAY, MOST_DELAY).toNanos();
  }

  private static ResultCode code(boolean there) {
    return there ? ResultCode.OK : ResultCode.NO_NODE;
  }
}

package orch.controller.store;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/** A ZooKeeper server in memory, with one port for each session, whose faults the test decides. */
public final class FakeZooKeeper {
  private static final String ROOT = "/orch";

  @SuppressWarnings("ArrayRecordComponent")
  private record Node(byte[] data, int version) {}

  private final TreeMap<String, Node> nodes = new TreeMap<>();
  private final Map<String, List<Runnable>> watches = new LinkedHashMap<>();
  private final Executor loop;
  private int multis;

  public FakeZooKeeper(Executor loop) {
    this.loop = loop;
  }

  public Port connect() {
    return new Port(loop);
  }

  /** A port whose callbacks run on another loop. */
  public Port connect(Executor executor) {
    return new Port(executor);
  }

  /** Number of multis that were served so far, refused ones included. */
  int multis() {
    return multis;
  }

  /** Data of a node that must be there. */
  byte[] data(String path) {
    Node node = nodes.get(path);
    if (node == null) {
      throw new AssertionError("no node " + path);
    }
    return node.data().clone();
  }

  /** Paths below a path. */
  public SortedMap<String, byte[]> below(String path) {
    TreeMap<String, byte[]> result = new TreeMap<>();
    nodes
        .subMap(path + "/", path + "0")
        .forEach((name, node) -> result.put(name, node.data().clone()));
    return result;
  }

  void put(String path, byte[] data) {
    Node old = nodes.get(path);
    nodes.put(path, new Node(data, old == null ? 0 : old.version() + 1));
    fire(path);
  }

  void remove(String path) {
    nodes.remove(path);
    fire(path);
  }

  private List<String> childrenOf(String path) {
    List<String> names = new ArrayList<>();
    for (String below : nodes.subMap(path + "/", path + "0").keySet()) {
      String name = below.substring(path.length() + 1);
      if (name.indexOf('/') < 0) {
        names.add(name);
      }
    }
    return names;
  }

  private void fire(String path) {
    List<Runnable> fired = watches.remove(path);
    if (fired != null) {
      fired.forEach(Runnable::run);
    }
  }

  private MultiResult apply(List<Operation> operations) {
    multis++;
    TreeMap<String, Node> before = new TreeMap<>(nodes);
    List<String> changed = new ArrayList<>();
    for (int i = 0; i < operations.size(); i++) {
      ResultCode code = apply(operations.get(i), changed);
      if (code != ResultCode.OK) {
        nodes.clear();
        nodes.putAll(before);
        return new MultiResult(code, i);
      }
    }
    changed.forEach(this::fire);
    return MultiResult.OK;
  }

  private ResultCode apply(Operation operation, List<String> changed) {
    String path = operation.path();
    Node node = nodes.get(path);
    return switch (operation) {
      case Operation.Create create -> {
        String parent = path.substring(0, path.lastIndexOf('/'));
        if (node != null) {
          yield ResultCode.NODE_EXISTS;
        }
        if (!parent.isEmpty() && !nodes.containsKey(parent)) {
          yield ResultCode.NO_NODE;
        }
        nodes.put(path, new Node(create.data(), 0));
        changed.add(path);
        yield ResultCode.OK;
      }
      case Operation.Check check -> versioned(node, check.version());
      case Operation.SetData set -> {
        ResultCode code = versioned(node, set.version());
        if (node != null && code == ResultCode.OK) {
          nodes.put(path, new Node(set.data(), node.version() + 1));
          changed.add(path);
        }
        yield code;
      }
      case Operation.Delete delete -> {
        ResultCode code = versioned(node, delete.version());
        if (code == ResultCode.OK && path.lastIndexOf('/') == ROOT.length()) {
          // As the access list of a real server's root has it.
          yield ResultCode.NO_AUTH;
        }
        if (code == ResultCode.OK && !childrenOf(path).isEmpty()) {
          yield ResultCode.NOT_EMPTY;
        }
        if (code == ResultCode.OK) {
          nodes.remove(path);
          changed.add(path);
        }
        yield code;
      }
    };
  }

  private static ResultCode versioned(@Nullable Node node, int version) {
    if (node == null) {
      return ResultCode.NO_NODE;
    }
    return version == Operation.ANY_VERSION || version == node.version()
        ? ResultCode.OK
        : ResultCode.BAD_VERSION;
  }

  /** One session. Serves at once, unless it is told to hold requests back. */
  public final class Port implements ZooKeeperPort {
    /** Does the request at the server; what it gives runs the callback. */
    private interface Request {
      Runnable serve();

      void fail(ResultCode code);
    }

    private final Executor executor;
    private final List<SessionListener> listeners = new ArrayList<>();
    private final ArrayDeque<Request> held = new ArrayDeque<>();
    private boolean holding;
    private boolean broken;
    private int servedUntilDeath = Integer.MAX_VALUE;

    private Port(Executor executor) {
      this.executor = executor;
    }

    /** From now on requests wait for {@link #serve} or {@link #lose}. */
    public void hold() {
      holding = true;
    }

    /** Serves so many requests more, then answers nothing any more: its owner is dead. */
    void dieAfter(int requests) {
      servedUntilDeath = requests;
    }

    /** Whether a request came after the death. */
    boolean dead() {
      return servedUntilDeath < 0;
    }

    /** Number of requests that wait. */
    int held() {
      return held.size();
    }

    /** Serves and answers the first {@code count} of those that wait. */
    public void serve(int count) {
      for (int i = 0; i < count; i++) {
        executor.execute(held.remove().serve());
      }
    }

    /** Serves what waits, and what comes from now on. */
    public void release() {
      holding = false;
      serve(held.size());
    }

    /** The first of those that wait ends with this code, unserved. */
    void fail(ResultCode code) {
      held.remove().fail(code);
    }

    /**
     * The connection breaks: the first {@code count} of those that wait reach the server, the
     * others do not, and the answer to all is lost. What is asked until {@link #reconnect} is lost
     * too.
     */
    public void lose(int count) {
      int served = 0;
      while (!held.isEmpty()) {
        Request request = held.remove();
        if (served++ < count) {
          var _ = request.serve();
        }
        request.fail(ResultCode.CONNECTION_LOSS);
      }
      broken = true;
      tell(SessionEvent.SUSPENDED);
    }

    /** The session has expired, as far as the client can tell. */
    public void expire() {
      tell(SessionEvent.LOST);
    }

    public void reconnect() {
      broken = false;
      tell(SessionEvent.CONNECTED);
    }

    private void tell(SessionEvent event) {
      executor.execute(() -> listeners.forEach(listener -> listener.changed(event)));
    }

    private void ask(Request request) {
      if (servedUntilDeath != Integer.MAX_VALUE && --servedUntilDeath < 0) {
        servedUntilDeath = -1;
      } else if (broken) {
        request.fail(ResultCode.CONNECTION_LOSS);
      } else if (holding) {
        held.add(request);
      } else {
        executor.execute(request.serve());
      }
    }

    @Override
    public void multi(List<Operation> operations, MultiCallback callback) {
      List<Operation> copy = List.copyOf(operations);
      ask(
          new Request() {
            @Override
            public Runnable serve() {
              MultiResult result = apply(copy);
              return () -> callback.done(result);
            }

            @Override
            public void fail(ResultCode code) {
              executor.execute(() -> callback.done(new MultiResult(code, -1)));
            }
          });
    }

    @Override
    public void get(String path, GetCallback callback) {
      ask(
          new Request() {
            @Override
            public Runnable serve() {
              Node node = nodes.get(path);
              return node == null
                  ? () -> callback.done(ResultCode.NO_NODE, null, 0)
                  : () -> callback.done(ResultCode.OK, node.data(), node.version());
            }

            @Override
            public void fail(ResultCode code) {
              executor.execute(() -> callback.done(code, null, 0));
            }
          });
    }

    @Override
    public void exists(String path, Runnable watch, Callback callback) {
      ask(
          new Request() {
            @Override
            public Runnable serve() {
              watches
                  .computeIfAbsent(path, name -> new ArrayList<>())
                  .add(() -> {
                    if (!broken) {
                      executor.execute(watch);
                    }
                  });
              ResultCode code = nodes.containsKey(path) ? ResultCode.OK : ResultCode.NO_NODE;
              return () -> callback.done(code);
            }

            @Override
            public void fail(ResultCode code) {
              executor.execute(() -> callback.done(code));
            }
          });
    }

    @Override
    public void sync(String path, Callback callback) {
      ask(
          new Request() {
            @Override
            public Runnable serve() {
              return () -> callback.done(ResultCode.OK);
            }

            @Override
            public void fail(ResultCode code) {
              executor.execute(() -> callback.done(code));
            }
          });
    }

    @Override
    public void children(String path, ChildrenCallback callback) {
      ask(
          new Request() {
            @Override
            public Runnable serve() {
              if (!nodes.containsKey(path)) {
                return () -> callback.done(ResultCode.NO_NODE, List.of());
              }
              List<String> names = childrenOf(path);
              return () -> callback.done(ResultCode.OK, names);
            }

            @Override
            public void fail(ResultCode code) {
              executor.execute(() -> callback.done(code, List.of()));
            }
          });
    }

    @Override
    public void addSessionListener(SessionListener listener) {
      listeners.add(listener);
    }

    @Override
    public void close() {
      broken = true;
    }
  }
}

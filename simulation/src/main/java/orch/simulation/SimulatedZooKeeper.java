package orch.simulation;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import orch.controller.store.MultiResult;
import orch.controller.store.Operation;
import orch.controller.store.ResultCode;
import org.jspecify.annotations.Nullable;

/**
 * The tree of a ZooKeeper ensemble as its clients see it: linear writes, versions, one-shot
 * watches. Sessions and their faults are in {@link SimulatedSession}.
 */
public final class SimulatedZooKeeper {
  private static final class Node {
    byte[] data;
    int version;
    int children;

    Node(byte[] data) {
      this.data = data;
    }
  }

  private record Watch(SimulatedSession session, Runnable action) {}

  private final Map<String, Node> tree = new TreeMap<>();
  private final Map<String, List<Watch>> watches = new LinkedHashMap<>();

  public SimulatedZooKeeper() {
    tree.put("/", new Node(new byte[0]));
  }

  /** Does all operations or none, as the server does. */
  MultiResult multi(List<Operation> operations) {
    List<Runnable> undo = new ArrayList<>();
    List<String> touched = new ArrayList<>();
    for (int i = 0; i < operations.size(); i++) {
      ResultCode code = apply(operations.get(i), undo);
      if (code != ResultCode.OK) {
        undo.reversed().forEach(Runnable::run);
        return new MultiResult(code, i);
      }
      if (!(operations.get(i) instanceof Operation.Check)) {
        touched.add(operations.get(i).path());
      }
    }
    touched.forEach(this::fire);
    return MultiResult.OK;
  }

  byte @Nullable [] data(String path) {
    Node node = tree.get(path);
    return node == null ? null : node.data;
  }

  int version(String path) {
    Node node = tree.get(path);
    return node == null ? -1 : node.version;
  }

  boolean exists(String path) {
    return tree.containsKey(path);
  }

  /** Runs {@code action} once when the node is made, changed or deleted. */
  void watch(String path, SimulatedSession session, Runnable action) {
    watches.computeIfAbsent(path, p -> new ArrayList<>()).add(new Watch(session, action));
  }

  void forgetWatches(SimulatedSession session) {
    watches.values().forEach(list -> list.removeIf(watch -> watch.session() == session));
  }

  List<String> children(String path) {
    String prefix = path.equals("/") ? "/" : path + "/";
    List<String> names = new ArrayList<>();
    for (String child : tree.keySet()) {
      if (child.length() > prefix.length()
          && child.startsWith(prefix)
          && child.indexOf('/', prefix.length()) < 0) {
        names.add(child.substring(prefix.length()));
      }
    }
    return names;
  }

  private ResultCode apply(Operation operation, List<Runnable> undo) {
    return switch (operation) {
      case Operation.Check check -> check(check.path(), check.version());
      case Operation.Create create -> create(create.path(), create.data(), undo);
      case Operation.SetData set -> {
        ResultCode code = check(set.path(), set.version());
        Node node = tree.get(set.path());
        if (code == ResultCode.OK && node != null) {
          byte[] before = node.data;
          undo.add(() -> {
            node.data = before;
            node.version--;
          });
          node.data = set.data();
          node.version++;
        }
        yield code;
      }
      case Operation.Delete delete -> {
        ResultCode code = check(delete.path(), delete.version());
        Node node = tree.get(delete.path());
        if (code == ResultCode.OK && node != null) {
          if (node.children > 0) {
            yield ResultCode.NOT_EMPTY;
          }
          Node parent = parent(delete.path());
          tree.remove(delete.path());
          parent.children--;
          undo.add(() -> {
            tree.put(delete.path(), node);
            parent.children++;
          });
        }
        yield code;
      }
    };
  }

  private ResultCode check(String path, int version) {
    Node node = tree.get(path);
    if (node == null) {
      return ResultCode.NO_NODE;
    }
    return version == Operation.ANY_VERSION || version == node.version
        ? ResultCode.OK
        : ResultCode.BAD_VERSION;
  }

  private ResultCode create(String path, byte[] data, List<Runnable> undo) {
    if (tree.containsKey(path)) {
      return ResultCode.NODE_EXISTS;
    }
    if (!tree.containsKey(parentPath(path))) {
      return ResultCode.NO_NODE;
    }
    Node parent = parent(path);
    tree.put(path, new Node(data));
    parent.children++;
    undo.add(() -> {
      tree.remove(path);
      parent.children--;
    });
    return ResultCode.OK;
  }

  private Node parent(String path) {
    Node parent = tree.get(parentPath(path));
    if (parent == null) {
      throw new IllegalStateException("no parent of " + path);
    }
    return parent;
  }

  private static String parentPath(String path) {
    int slash = path.lastIndexOf('/');
    return slash == 0 ? "/" : path.substring(0, slash);
  }

  private void fire(String path) {
    List<Watch> fired = watches.remove(path);
    if (fired != null) {
      for (Watch watch : fired) {
        watch.session().fire(watch.action());
      }
    }
  }
}

package orch.simulation;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import orch.controller.store.MultiResult;
import orch.controller.store.Operation;
import orch.controller.store.ResultCode;
import org.jspecify.annotations.Nullable;

/** A tree of nodes with versions, as a ZooKeeper server holds it. */
final class ZooKeeperTree {
  private static final class Node {
    byte[] data;
    int version;
    int children;
    long owner;

    Node(byte[] data) {
      this.data = data;
    }
  }

  private final Map<String, Node> nodes = new TreeMap<>();

  ZooKeeperTree() {
    nodes.put("/", new Node(new byte[0]));
  }

  /** Does all operations or none, as the server does. */
  MultiResult multi(List<Operation> operations) {
    List<Runnable> undo = new ArrayList<>();
    for (int i = 0; i < operations.size(); i++) {
      ResultCode code = apply(operations.get(i), undo);
      if (code != ResultCode.OK) {
        undo.reversed().forEach(Runnable::run);
        return new MultiResult(code, i);
      }
    }
    return MultiResult.OK;
  }

  /** The node goes with a session. */
  void own(String path, long session) {
    Node node = nodes.get(path);
    if (node == null) {
      throw new IllegalStateException("there is no " + path);
    }
    node.owner = session;
  }

  /** Paths of the nodes that go with a session. */
  List<String> ownedBy(long session) {
    List<String> paths = new ArrayList<>();
    nodes.forEach((path, node) -> {
      if (node.owner == session) {
        paths.add(path);
      }
    });
    return paths;
  }

  boolean exists(String path) {
    return nodes.containsKey(path);
  }

  byte @Nullable [] data(String path) {
    Node node = nodes.get(path);
    return node == null ? null : node.data;
  }

  int version(String path) {
    Node node = nodes.get(path);
    return node == null ? -1 : node.version;
  }

  List<String> children(String path) {
    String prefix = path.equals("/") ? "/" : path + "/";
    List<String> names = new ArrayList<>();
    for (String child : nodes.keySet()) {
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
      case Operation.SetData set -> set(set, undo);
      case Operation.Delete delete -> delete(delete, undo);
    };
  }

  private ResultCode check(String path, int version) {
    Node node = nodes.get(path);
    if (node == null) {
      return ResultCode.NO_NODE;
    }
    return version == Operation.ANY_VERSION || version == node.version
        ? ResultCode.OK
        : ResultCode.BAD_VERSION;
  }

  private ResultCode create(String path, byte[] data, List<Runnable> undo) {
    if (nodes.containsKey(path)) {
      return ResultCode.NODE_EXISTS;
    }
    Node parent = nodes.get(parentPath(path));
    if (parent == null) {
      return ResultCode.NO_NODE;
    }
    if (parent.owner != 0) {
      // The server says that ephemerals have no children, which the port knows no word for.
      return ResultCode.OTHER;
    }
    nodes.put(path, new Node(data));
    parent.children++;
    undo.add(() -> {
      nodes.remove(path);
      parent.children--;
    });
    return ResultCode.OK;
  }

  private ResultCode set(Operation.SetData set, List<Runnable> undo) {
    ResultCode code = check(set.path(), set.version());
    Node node = nodes.get(set.path());
    if (code == ResultCode.OK && node != null) {
      byte[] before = node.data;
      undo.add(() -> {
        node.data = before;
        node.version--;
      });
      node.data = set.data();
      node.version++;
    }
    return code;
  }

  private ResultCode delete(Operation.Delete delete, List<Runnable> undo) {
    ResultCode code = check(delete.path(), delete.version());
    Node node = nodes.get(delete.path());
    if (code != ResultCode.OK || node == null) {
      return code;
    }
    if (node.children > 0) {
      return ResultCode.NOT_EMPTY;
    }
    Node parent = nodes.get(parentPath(delete.path()));
    if (parent == null) {
      throw new IllegalStateException("no parent of " + delete.path());
    }
    nodes.remove(delete.path());
    parent.children--;
    undo.add(() -> {
      nodes.put(delete.path(), node);
      parent.children++;
    });
    return ResultCode.OK;
  }

  private static String parentPath(String path) {
    int slash = path.lastIndexOf('/');
    return slash == 0 ? "/" : path.substring(0, slash);
  }
}

package orch.ctl.output;

import java.util.List;
import orch.ctl.json.JsonObject;

/** Nodes and the cluster for people. */
public final class NodeView {
  private NodeView() {}

  /** The name of a node without {@code nodes/}. */
  public static String name(JsonObject node) {
    String name = node.text("name");
    return name.startsWith("nodes/") ? name.substring(6) : name;
  }

  private static String state(JsonObject node) {
    return Words.ofEnum(node.text("state"), "NODE_STATE_");
  }

  /** A table, a node a row. */
  public static String table(
      List<JsonObject> nodes, boolean wide, boolean coloured, long nowMillis) {
    Table table =
        wide
            ? new Table(
                coloured,
                "node",
                "state",
                ">tasks",
                "cpu",
                "memory",
                "seen",
                "version",
                "missing limits",
                "labels",
                "reason")
            : new Table(coloured, "node", "state", ">tasks", "cpu", "memory", "seen", "reason");
    for (JsonObject node : nodes) {
      String state = state(node);
      String seen = Times.age(node.text("lastSeenTime"), nowMillis);
      String tasks = Long.toString(node.number("attempts"));
      String reason = Table.oneLine(node.text("reason"));
      if (wide) {
        table.row(
            name(node),
            state,
            tasks,
            cpu(node),
            memory(node),
            seen,
            node.text("agentVersion"),
            String.join(" ", node.texts("missingLimits")),
            Words.pairs(node.object("labels")),
            reason);
      } else {
        table.row(name(node), state, tasks, cpu(node), memory(node), seen, Table.cut(reason, 60));
      }
      table.colour(1, Colour.ofState(state));
    }
    return table.render();
  }

  private static String cpu(JsonObject node) {
    return Words.cpu(node.object("allocated").number("cpuMillis"))
        + "/"
        + Words.cpu(node.object("capacity").number("cpuMillis"));
  }

  private static String memory(JsonObject node) {
    return Words.bytes(node.object("allocated").number("memoryBytes"))
        + "/"
        + Words.bytes(node.object("capacity").number("memoryBytes"));
  }

  /** Everything of one node that people ask for. */
  public static String facts(JsonObject node, boolean coloured, long nowMillis) {
    String state = state(node);
    String reason = node.text("reason");
    String seen = node.text("lastSeenTime");
    return new Facts(coloured)
        .add("node", name(node))
        .add("state", Words.stateAndReason(state, reason), Colour.ofState(state))
        .add("tasks", tasks(node))
        .add("cpu", cpu(node) + " reserved")
        .add("memory", memory(node) + " reserved")
        .add("devices", Words.pairs(node.object("capacity").object("devices")))
        .add("cannot enforce", String.join(", ", node.texts("missingLimits")), Colour.YELLOW)
        .add("labels", Words.pairs(node.object("labels")))
        .add("attributes", Words.pairs(node.object("attributes")))
        .add("seen", seen.isEmpty() ? "" : Times.age(seen, nowMillis) + " ago")
        .add("registered", Times.local(node.text("registerTime")))
        .add("agent", node.text("agentVersion"))
        .add("uid", node.text("uid"))
        .add("boot id", node.text("bootId"))
        .render();
  }

  private static String tasks(JsonObject node) {
    long most = node.object("capacity").number("attempts");
    return node.number("attempts") + (most > 0 ? " of at most " + most : "");
  }

  /** The state of the cluster. */
  public static String cluster(JsonObject cluster, boolean coloured, long nowMillis) {
    JsonObject capacity = cluster.object("capacity");
    JsonObject tasks = cluster.object("tasks");
    Facts facts =
        new Facts(coloured)
            .add("cluster", cluster.text("clusterId"))
            .add("leader", cluster.text("leader"))
            .add("nodes", counts(cluster.object("nodes")))
            .add("jobs", counts(cluster.object("jobs")))
            .add("tasks", liveTasks(tasks))
            .add(
                "cpu",
                Words.cpu(capacity.number("cpuAllocatedMillis"))
                    + "/"
                    + Words.cpu(capacity.number("cpuMillis"))
                    + " reserved")
            .add(
                "memory",
                Words.bytes(capacity.number("memoryAllocatedBytes"))
                    + "/"
                    + Words.bytes(capacity.number("memoryBytes"))
                    + " reserved")
            .add("since", JobView.withAge(cluster.text("startTime"), nowMillis))
            .add(
                "revision",
                cluster.number("revision")
                    + " (epoch "
                    + cluster.number("epoch")
                    + ", incarnation "
                    + cluster.number("incarnation")
                    + ")");
    for (String warning : cluster.texts("warnings")) {
      facts.add("warning", warning, Colour.YELLOW);
    }
    return facts.render();
  }

  /** {@code 3 ready, 1 cordoned}; {@code none}. */
  private static String counts(JsonObject counts) {
    StringBuilder text = new StringBuilder();
    for (String state : counts.members().keySet()) {
      if (counts.number(state) != 0) {
        text.append(text.length() == 0 ? "" : ", ")
            .append(counts.number(state))
            .append(' ')
            .append(state);
      }
    }
    return text.length() == 0 ? "none" : text.toString();
  }

  private static String liveTasks(JsonObject tasks) {
    JsonObject states = new JsonObject();
    for (String state : new String[] {"running", "placed", "stopping", "waiting"}) {
      states.put(state, tasks.number(state));
    }
    return counts(states);
  }
}

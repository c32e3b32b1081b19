package orch.ctl.output;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import orch.ctl.json.JsonObject;
import org.jspecify.annotations.Nullable;

/** Process trees and usage for people. */
public final class ProcessView {
  private static final int COMMAND_WIDTH = 120;

  /** Deeper ones are drawn at this depth. */
  private static final int MAX_DEPTH = 40;

  private ProcessView() {}

  /** A tree, a process a row; children below their parents, in order of the pid. */
  public static String tree(JsonObject tree, boolean coloured, long nowMillis) {
    Map<Long, List<JsonObject>> children = new HashMap<>();
    Map<Long, JsonObject> byPid = new HashMap<>();
    for (JsonObject process : tree.objects("processes")) {
      byPid.put(process.number("pid"), process);
    }
    List<JsonObject> roots = new ArrayList<>();
    for (JsonObject process : tree.objects("processes")) {
      long parent = process.number("parentPid");
      if (byPid.containsKey(parent) && parent != process.number("pid")) {
        children.computeIfAbsent(parent, pid -> new ArrayList<>()).add(process);
      } else if (process.flag("leader")) {
        roots.add(0, process);
      } else {
        roots.add(process);
      }
    }
    Table table =
        new Table(coloured, ">pid", "state", ">cpu", ">memory", ">age", "mark", "command");
    for (JsonObject root : roots) {
      add(table, root, "", "", 0, children, nowMillis);
    }
    return table.render();
  }

  private static void add(
      Table table,
      JsonObject process,
      String branch,
      String below,
      int depth,
      Map<Long, List<JsonObject>> children,
      long nowMillis) {
    String mark = mark(process);
    table
        .row(
            process.text("pid"),
            state(process.text("state")),
            Times.duration(process.number("cpuMicros") / 1000),
            process.flag("zombie") ? "" : Words.bytes(process.number("memoryBytes")),
            Times.age(process.text("startTime"), nowMillis),
            mark,
            branch + Table.cut(command(process), COMMAND_WIDTH))
        .colour(5, mark.isEmpty() ? Colour.NONE : Colour.YELLOW);
    List<JsonObject> own = children.remove(process.number("pid"));
    if (own == null) {
      return;
    }
    for (int i = 0; i < own.size(); i++) {
      boolean last = i == own.size() - 1;
      boolean deep = depth >= MAX_DEPTH;
      add(
          table,
          own.get(i),
          below + (last ? "└─ " : "├─ "),
          deep ? below : below + (last ? "   " : "│  "),
          depth + 1,
          children,
          nowMillis);
    }
  }

  private static String command(JsonObject process) {
    List<String> words = process.texts("commandLine");
    return words.isEmpty() ? "[" + process.text("program") + "]" : Words.command(words);
  }

  private static String mark(JsonObject process) {
    List<String> marks = new ArrayList<>();
    if (process.flag("zombie")) {
      marks.add("zombie");
    }
    if (process.flag("exec")) {
      marks.add("exec");
    } else if (process.flag("orphan")) {
      marks.add("orphan");
    }
    return String.join(" ", marks);
  }

  /** The letters of proc(5) as words. */
  private static String state(String letter) {
    return switch (letter) {
      case "R" -> "running";
      case "S" -> "sleeping";
      case "D" -> "disk sleep";
      case "T" -> "stopped";
      case "t" -> "traced";
      case "Z", "X" -> "zombie";
      case "I" -> "idle";
      default -> letter;
    };
  }

  /** What a sentence below the tree is to say; empty: nothing. */
  public static String remark(JsonObject tree) {
    long hidden = tree.number("total") - tree.objects("processes").size();
    String leader =
        switch (tree.text("leader")) {
          case "LEADER_STATE_GONE" -> "the leader is gone, these are its descendants";
          case "LEADER_STATE_ZOMBIE" -> "the leader has ended and is about to be recorded";
          default -> "";
        };
    String more =
        hidden > 0
            ? hidden + (hidden == 1 ? " process more is" : " processes more are") + " not shown"
            : "";
    long zombies = tree.number("zombies");
    String unawaited =
        zombies > 0
            ? zombies + (zombies == 1 ? " zombie waits" : " zombies wait") + " to be waited for"
            : "";
    String frozen = tree.flag("frozen") ? "frozen: none of them moves" : "";
    return Stream.of(leader, frozen, unawaited, more)
        .filter(each -> !each.isEmpty())
        .collect(Collectors.joining("; "));
  }

  /** Stats of tasks, a task a row; what a node cannot tell is a dash. */
  public static String stats(List<String> tasks, List<JsonObject> stats, boolean coloured) {
    Table table =
        new Table(
            coloured,
            "task",
            ">cpu time",
            ">memory",
            ">peak",
            ">limit",
            ">processes",
            ">read",
            ">written",
            ">cpu wait",
            ">mem wait",
            ">io wait",
            ">oom kills",
            "node");
    for (int i = 0; i < stats.size(); i++) {
      JsonObject of = stats.get(i);
      table.row(
          tasks.get(i),
          cpu(of),
          bytes(of, "memoryCurrentBytes"),
          bytes(of, "memoryPeakBytes"),
          of.has("memoryLimitBytes") ? bytes(of, "memoryLimitBytes") : "",
          or(of, "processes", of.text("processes")),
          bytes(of, "readBytes"),
          bytes(of, "writeBytes"),
          pressure(of, "cpuPressure"),
          pressure(of, "memoryPressure"),
          pressure(of, "ioPressure"),
          or(of, "oomKills", of.text("oomKills")),
          of.text("node"));
    }
    return table.render();
  }

  /** What one task uses, a value a line, and what cannot be told. */
  public static String facts(String task, JsonObject of, boolean coloured) {
    return new Facts(coloured)
        .add("task", task)
        .add("attempt", of.text("attempt"))
        .add("node", of.text("node"))
        .add("processes", orEmpty(of.text("processes"), limit(of, "processesLimit")))
        .add("cpu time", cpu(of))
        .add(
            "throttled",
            of.number("throttledMicros") == 0
                ? ""
                : Times.duration(of.number("throttledMicros") / 1000))
        .add("memory", orEmpty(shown(of, "memoryCurrentBytes"), limitBytes(of)))
        .add("memory peak", shown(of, "memoryPeakBytes"))
        .add("read", shown(of, "readBytes"))
        .add("written", shown(of, "writeBytes"))
        .add("waits for cpu", of.has("cpuPressure") ? pressure(of, "cpuPressure") : "")
        .add("waits for memory", of.has("memoryPressure") ? pressure(of, "memoryPressure") : "")
        .add("waits for io", of.has("ioPressure") ? pressure(of, "ioPressure") : "")
        .add("oom kills", of.text("oomKills"))
        .add("of what lives", words(of, "summed"))
        .add("not counted", words(of, "missing"))
        .render();
  }

  private static String words(JsonObject of, String list) {
    return String.join(", ", of.texts(list)).replace("_", " ");
  }

  private static String shown(JsonObject of, String field) {
    return of.has(field) ? bytes(of, field) : "";
  }

  private static String orEmpty(String value, String more) {
    return value.isEmpty() ? "" : value + more;
  }

  private static String limit(JsonObject of, String field) {
    return of.has(field) ? " of at most " + of.text(field) : "";
  }

  private static String limitBytes(JsonObject of) {
    return of.has("memoryLimitBytes") ? " of at most " + bytes(of, "memoryLimitBytes") : "";
  }

  private static String cpu(JsonObject of) {
    if (!of.has("cpuUserMicros") && !of.has("cpuSystemMicros")) {
      return "-";
    }
    return Times.duration((of.number("cpuUserMicros") + of.number("cpuSystemMicros")) / 1000);
  }

  private static String bytes(JsonObject of, String field) {
    return of.has(field) ? Words.bytes(of.number(field)) : "-";
  }

  private static String pressure(JsonObject of, String field) {
    return or(of, field, of.text(field) + "%");
  }

  private static String or(JsonObject of, String field, @Nullable String text) {
    return of.has(field) && text != null ? text : "-";
  }
}

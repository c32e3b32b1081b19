package orch.ctl.output;

import java.util.List;
import orch.ctl.json.JsonObject;

/** Tasks for people. */
public final class TaskView {
  private static final int REASON_WIDTH = 60;

  private TaskView() {}

  /** The state of a task as a word. */
  public static String state(JsonObject task) {
    return Words.ofEnum(task.text("state"), "TASK_STATE_");
  }

  /** A table, a task a row. */
  public static String table(
      List<JsonObject> tasks, boolean wide, boolean coloured, long nowMillis) {
    Table table =
        wide
            ? new Table(
                coloured,
                ">job",
                "task",
                "state",
                ">attempts",
                "node",
                "started",
                "took",
                ">exit",
                "memory",
                "cpu",
                "reason",
                "item")
            : new Table(coloured, "task", "state", "node", "took", ">exit", "reason");
    for (JsonObject task : tasks) {
      JsonObject attempt = task.object("attempt");
      JsonObject result = attempt.object("result");
      String state = state(task);
      String took = Times.between(attempt.text("startTime"), attempt.text("endTime"), nowMillis);
      String reason = Table.oneLine(task.text("reason"));
      String exit = exitCode(attempt);
      if (wide) {
        table
            .row(
                task.text("jobNumber"),
                task.text("task"),
                state,
                task.text("attempts"),
                attempt.text("node"),
                Times.local(attempt.text("startTime")),
                took,
                exit,
                memory(result),
                cpu(result),
                reason,
                task.text("item"))
            .colour(2, Colour.ofState(state));
      } else {
        table
            .row(
                task.text("task"),
                state,
                attempt.text("node"),
                took,
                exit,
                Table.cut(reason, REASON_WIDTH))
            .colour(1, Colour.ofState(state));
      }
    }
    return table.render();
  }

  /** Everything of one task that people ask for. */
  public static String facts(JsonObject task, boolean coloured, long nowMillis) {
    JsonObject attempt = task.object("attempt");
    JsonObject result = attempt.object("result");
    JsonObject failure = result.object("startFailure");
    String state = state(task);
    String reason = task.text("reason");
    long attempts = Math.max(task.number("attempts"), attempt.number("number"));
    return new Facts(coloured)
        .add("task", task.text("task"))
        .add("job", task.text("jobNumber"))
        .add("item", task.text("item"))
        .add("state", readiness(state, attempt, reason), Colour.ofState(state))
        .add("says", Table.oneLine(attempt.text("statusText")))
        .add("attempt", attempt(attempt, attempts, reason))
        .add("node", attempt.text("node"))
        .add("placed", Times.local(attempt.text("placeTime")))
        .add("started", JobView.withAge(attempt.text("startTime"), nowMillis))
        .add("ended", Times.local(attempt.text("endTime")))
        .add("took", Times.between(attempt.text("startTime"), attempt.text("endTime"), nowMillis))
        .add("result", result(result))
        .add("not started", reason.contains(failure.text("message")) ? "" : failure.text("message"))
        .add("exit code", exitCode(attempt))
        .add("memory peak", memory(result))
        .add("cpu time", cpu(result))
        .add("out of memory", outOfMemory(result))
        .add("output", output(result))
        .render();
  }

  /** {@code running, ready}. */
  private static String readiness(String state, JsonObject attempt, String reason) {
    return switch (attempt.text("readiness")) {
      case "READINESS_READY" -> state + ", ready";
      case "READINESS_NOT_READY" -> state + ", not ready yet";
      default -> Words.stateAndReason(state, reason);
    };
  }

  private static String attempt(JsonObject attempt, long attempts, String said) {
    if (!attempt.has("number")) {
      return "";
    }
    String state = Words.ofEnum(attempt.text("state"), "ATTEMPT_STATE_");
    String reason = attempt.text("reason").equals(said) ? "" : attempt.text("reason");
    return attempt.text("number")
        + (attempts > attempt.number("number") ? " of " + attempts : "")
        + ", "
        + Words.stateAndReason(state, reason);
  }

  private static String result(JsonObject result) {
    return switch (result.text("kind")) {
      case "", "RESULT_KIND_UNSPECIFIED" -> "";
      case "RESULT_KIND_EXITED" -> "exited with code " + result.number("siStatus");
      case "RESULT_KIND_SIGNALED" ->
          "ended by signal "
              + result.number("siStatus")
              + (result.number("siCode") == 3 ? " (core dumped)" : "");
      case "RESULT_KIND_NO_LEASE" -> "stopped by its node, which had no lease";
      default -> Words.ofEnum(result.text("kind"), "RESULT_KIND_");
    };
  }

  private static String exitCode(JsonObject attempt) {
    return attempt.has("result") ? Long.toString(attempt.object("result").number("exitCode")) : "";
  }

  private static String memory(JsonObject result) {
    long peak = result.number("memoryPeakBytes");
    return peak == 0 ? "" : Words.bytes(peak);
  }

  private static String cpu(JsonObject result) {
    long micros = result.number("cpuUserMicros") + result.number("cpuSystemMicros");
    return micros == 0 ? "" : Times.duration(micros / 1000);
  }

  private static String outOfMemory(JsonObject result) {
    long kills = result.number("oomKills");
    if (result.flag("oomKilled")) {
      return "the kernel ended it"
          + (kills > 1 ? ", and " + (kills - 1) + " more of its processes" : "");
    }
    return kills > 0
        ? "the kernel ended " + kills + (kills == 1 ? " process" : " processes") + " of its tree"
        : "";
  }

  private static String output(JsonObject result) {
    long bytes = result.number("logBytes");
    long lost = result.number("logLostBytes");
    return bytes == 0 && lost == 0
        ? ""
        : Words.bytes(bytes) + (lost > 0 ? ", " + Words.bytes(lost) + " lost to a limit" : "");
  }
}

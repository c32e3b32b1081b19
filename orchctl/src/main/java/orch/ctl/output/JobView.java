package orch.ctl.output;

import java.util.List;
import orch.ctl.json.JsonObject;

/** Jobs for people. */
public final class JobView {
  private static final int REASON_WIDTH = 60;

  private JobView() {}

  /** A table, a job a row. */
  public static String table(
      List<JsonObject> jobs, boolean wide, boolean namespaces, boolean coloured, long nowMillis) {
    Table table = new Table(coloured, columns(wide, namespaces));
    for (JsonObject job : jobs) {
      String number = job.text("number");
      String name = job.text("jobName");
      String state = Words.jobState(job);
      String tasks = Words.progress(job.object("tasks"));
      String age = Times.age(job.text("submitTime"), nowMillis);
      String took = Times.between(job.text("startTime"), job.text("endTime"), nowMillis);
      String reason = Table.oneLine(job.text("reason"));
      String cut = Table.cut(reason, REASON_WIDTH);
      if (wide) {
        table.row(
            number,
            name,
            state,
            tasks,
            Times.local(job.text("submitTime")),
            took,
            job.text("exitCode"),
            job.text("namespace"),
            job.text("owner"),
            Words.pairs(job.object("spec").object("labels")),
            reason);
      } else if (namespaces) {
        table.row(number, name, state, job.text("namespace"), tasks, age, took, cut);
      } else {
        table.row(number, name, state, tasks, age, took, cut);
      }
      table.colour(2, Colour.ofState(state));
    }
    return table.render();
  }

  private static String[] columns(boolean wide, boolean namespaces) {
    if (wide) {
      return new String[] {
        ">job",
        "name",
        "state",
        "tasks",
        "submitted",
        "took",
        ">exit",
        "namespace",
        "owner",
        "labels",
        "reason"
      };
    }
    return namespaces
        ? new String[] {">job", "name", "state", "namespace", "tasks", "age", "took", "reason"}
        : new String[] {">job", "name", "state", "tasks", "age", "took", "reason"};
  }

  /** Everything of one job that people ask for. */
  public static String facts(JsonObject job, boolean coloured, long nowMillis) {
    JsonObject spec = job.object("spec");
    String state = Words.jobState(job);
    String reason = job.text("reason");
    Facts facts =
        new Facts(coloured)
            .add("job", Words.jobTitle(job))
            .add("title", spec.text("title"))
            .add("state", Words.stateAndReason(state, reason), Colour.ofState(state))
            .add("tasks", tasks(job))
            .add("namespace", job.text("namespace"))
            .add("owner", job.text("owner"))
            .add("labels", Words.pairs(spec.object("labels")))
            .add("type", Words.ofEnum(spec.text("type"), "JOB_TYPE_"))
            .add("version", job.number("version") > 1 ? job.text("version") : "")
            .add("command", command(spec))
            .add("directory", spec.text("workingDirectory"))
            .add("user", spec.text("user"))
            .add("resources", resources(spec.object("resources")))
            .add("submitted", withAge(job.text("submitTime"), nowMillis))
            .add("started", Times.local(job.text("startTime")))
            .add("ended", Times.local(job.text("endTime")))
            .add("took", Times.between(job.text("startTime"), job.text("endTime"), nowMillis))
            .add("exit code", job.text("exitCode"))
            .add("trace", job.text("traceId"));
    return facts.render();
  }

  private static String tasks(JsonObject job) {
    JsonObject tasks = job.object("tasks");
    long parallelism = job.object("spec").number("parallelism");
    return tasks.number("total") <= 1
        ? ""
        : Words.progress(tasks)
            + (parallelism > 0 ? " (at most " + parallelism + " at a time)" : "");
  }

  private static String command(JsonObject spec) {
    return spec.has("script") ? "a script" : Words.command(spec.texts("command"));
  }

  private static String resources(JsonObject resources) {
    StringBuilder text = new StringBuilder();
    add(text, "cpu", resources.has("cpuMillis") ? Words.cpu(resources.number("cpuMillis")) : "");
    add(
        text,
        "cpu at most",
        resources.has("cpuMaxMillis") ? Words.cpu(resources.number("cpuMaxMillis")) : "");
    add(
        text,
        "memory",
        resources.has("memoryBytes") ? Words.bytes(resources.number("memoryBytes")) : "");
    add(text, "pids", resources.text("pids"));
    add(text, "ports", String.join(" ", resources.texts("ports")));
    add(text, "devices", Words.pairs(resources.object("devices")));
    add(text, "licenses", Words.pairs(resources.object("licenses")));
    return text.toString();
  }

  private static void add(StringBuilder text, String name, String value) {
    if (!value.isEmpty()) {
      text.append(text.length() == 0 ? "" : ", ").append(name).append(' ').append(value);
    }
  }

  static String withAge(String time, long nowMillis) {
    String local = Times.local(time);
    return local.isEmpty() ? "" : local + " (" + Times.age(time, nowMillis) + " ago)";
  }
}

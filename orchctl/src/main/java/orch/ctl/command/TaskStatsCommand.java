package orch.ctl.command;

import java.util.ArrayList;
import java.util.List;
import orch.ctl.http.ApiException;
import orch.ctl.http.CallException;
import orch.ctl.json.JsonArray;
import orch.ctl.json.JsonObject;
import orch.ctl.output.OutputFormat;
import orch.ctl.output.ProcessView;

/** {@code task stats}. */
final class TaskStatsCommand implements Command {
  @Override
  public void syntax(Syntax syntax) {
    syntax
        .operand("TASK", "0..1", "JOB/INDEX, or JOB for all of its running tasks; unsaid: of all")
        .option("--limit", "N", "of at most so many running tasks (default 100)")
        .forms()
        .example("orchctl task stats web/3")
        .example("orchctl task stats");
  }

  @Override
  public int run(Session session, Arguments arguments) throws CallException, UsageException {
    OutputFormat form = arguments.form();
    String what = arguments.operand(0, "-");
    if (Names.isTask(what)) {
      Names.Task task = Names.task(session.namespace(), what);
      JsonObject stats = stats(session, task.name());
      if (!session.print(form, stats, List.of())) {
        session.console().print(ProcessView.facts(what, stats, session.coloured()));
      }
      return ExitCodes.DONE;
    }
    long limit = Units.integer(arguments.option("--limit", "100"), 1, 1_000, "--limit");
    JsonObject request =
        new JsonObject()
            .put("parent", Names.job(session.namespace(), what))
            .put("states", new JsonArray().add("TASK_STATE_RUNNING").add("TASK_STATE_STOPPING"));
    Pages running = Pages.read(session, "TaskService/ListTasks", request, "tasks", limit);
    List<String> tasks = new ArrayList<>();
    List<JsonObject> all = new ArrayList<>();
    for (JsonObject task : running.elements()) {
      try {
        all.add(stats(session, task.text("name")).put("task", task.text("task")));
        tasks.add(task.text("task"));
      } catch (ApiException refused) {
        // One that ended meanwhile needs no word; a silent node does.
        if (!refused.code().equals("failed_precondition")) {
          session.console().note(task.text("task") + ": " + refused.getMessage());
        }
      }
    }
    if (!session.print(form, Documents.of("stats", all), List.of())) {
      session.console().print(ProcessView.stats(tasks, all, session.coloured()));
    }
    if (running.more()) {
      session.console().note("there are more running tasks; --limit N shows more");
    }
    return ExitCodes.DONE;
  }

  private static JsonObject stats(Session session, String name) throws CallException {
    return session.call("TaskService/GetTaskStats", new JsonObject().put("name", name));
  }
}

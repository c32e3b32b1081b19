package orch.ctl.command;

import java.util.ArrayList;
import java.util.List;
import orch.ctl.http.CallException;
import orch.ctl.json.JsonArray;
import orch.ctl.json.JsonObject;
import orch.ctl.output.OutputFormat;
import orch.ctl.output.TaskView;
import orch.ctl.output.Words;

/** {@code job cancel}, of tasks too. */
final class JobCancelCommand implements Command {
  /** The API takes no more names at a time. */
  private static final int BATCH = 1000;

  @Override
  public void syntax(Syntax syntax) {
    syntax
        .operand("JOB|TASK", "1..*", "jobs (number, name, 'last') or tasks (web/3)")
        .option("--reason", "TEXT", "shown as the reason of the end")
        .forms()
        .example("orchctl cancel last")
        .example("orchctl cancel 42 43 web/3");
  }

  @Override
  public int run(Session session, Arguments arguments) throws CallException, UsageException {
    OutputFormat form = arguments.form();
    String reason = arguments.option("--reason", "");
    List<String> jobs = new ArrayList<>();
    List<String> tasks = new ArrayList<>();
    for (String name : arguments.operands(0)) {
      if (Names.isTask(name)) {
        tasks.add(Names.task(session.namespace(), name).name());
      } else {
        Names.job(session.namespace(), name);
        jobs.add(name);
      }
    }
    List<String> missing = new ArrayList<>();
    List<JsonObject> cancelledJobs = cancelJobs(session, jobs, reason, missing);
    List<JsonObject> cancelledTasks = cancelTasks(session, tasks, reason, missing);
    List<JsonObject> all = new ArrayList<>(cancelledJobs);
    all.addAll(cancelledTasks);
    if (!session.print(form, Documents.of(tasks.isEmpty() ? "jobs" : "cancelled", all), all)) {
      for (JsonObject job : cancelledJobs) {
        session
            .console()
            .println(
                Words.jobTitle(job)
                    + (Words.hasEnded(job) ? " has ended: " + Words.jobState(job) : " cancelling"));
      }
      for (JsonObject task : cancelledTasks) {
        session.console().println(task.text("task") + " " + TaskView.state(task));
      }
    }
    if (missing.isEmpty()) {
      return ExitCodes.DONE;
    }
    session.console().note("not found: " + String.join(", ", missing));
    return ExitCodes.NOT_FOUND;
  }

  private static List<JsonObject> cancelJobs(
      Session session, List<String> names, String reason, List<String> missing)
      throws CallException, UsageException {
    if (names.size() == 1) {
      JsonObject request = new JsonObject().put("reason", reason);
      return List.of(JobChange.call(session, "JobService/CancelJob", names.get(0), request));
    }
    return batches(session, "JobService/BatchCancelJobs", "jobs", names, reason, missing);
  }

  private static List<JsonObject> cancelTasks(
      Session session, List<String> names, String reason, List<String> missing)
      throws CallException {
    if (names.size() == 1) {
      JsonObject request =
          new JsonObject()
              .put("name", names.get(0))
              .put("reason", reason)
              .put("requestId", session.requestId());
      return List.of(session.call("TaskService/CancelTask", request));
    }
    return batches(session, "TaskService/BatchCancelTasks", "tasks", names, reason, missing);
  }

  private static List<JsonObject> batches(
      Session session,
      String method,
      String field,
      List<String> names,
      String reason,
      List<String> missing)
      throws CallException {
    List<JsonObject> cancelled = new ArrayList<>();
    for (int from = 0; from < names.size(); from += BATCH) {
      List<String> batch = names.subList(from, Math.min(names.size(), from + BATCH));
      JsonObject request =
          new JsonObject()
              .put("names", JsonArray.of(batch))
              .put("reason", reason)
              .put("requestId", session.requestId());
      if (field.equals("jobs")) {
        request.put("parent", session.parent());
      }
      JsonObject answer = session.call(method, request);
      cancelled.addAll(answer.objects(field));
      missing.addAll(answer.texts("missing"));
    }
    return cancelled;
  }
}

package orch.ctl.command;

import java.util.ArrayList;
import java.util.List;
import orch.ctl.http.ApiException;
import orch.ctl.http.CallException;
import orch.ctl.json.JsonArray;
import orch.ctl.json.JsonObject;
import orch.ctl.output.JobView;
import orch.ctl.output.OutputFormat;
import orch.ctl.output.TaskView;

/** {@code job show}, and {@code status}, which without a job shows mine. */
final class JobShowCommand implements Command {
  private static final List<String> FORMS =
      List.of("table", "wide", "json", "yaml", "name", "spec");

  /** Up to so many tasks are shown; of more, so many of those that failed. */
  private static final int SHOWN_TASKS = 12;

  private final boolean mineWithoutJob;

  JobShowCommand(boolean mineWithoutJob) {
    this.mineWithoutJob = mineWithoutJob;
  }

  @Override
  public void syntax(Syntax syntax) {
    syntax
        .operand(
            "JOB",
            "0..*",
            mineWithoutJob ? "number, name or 'last'" : "number, name or 'last' (the default)")
        .option("-o,--output", "FORM", "table, wide, json, yaml, name or spec (the job's own YAML)")
        .example("orchctl job show 42")
        .example("orchctl job show web -o spec >web.yaml");
  }

  @Override
  public int run(Session session, Arguments arguments) throws CallException, UsageException {
    OutputFormat form = arguments.form(FORMS);
    List<String> names = new ArrayList<>(arguments.operands(0));
    if (names.isEmpty()) {
      if (mineWithoutJob && form != OutputFormat.SPEC) {
        return MyJobsCommand.show(session, form);
      }
      names.add("last");
    }
    List<JsonObject> jobs = new ArrayList<>();
    for (String name : names) {
      JsonObject request = new JsonObject().put("name", Names.job(session.namespace(), name));
      jobs.add(session.call("JobService/GetJob", request));
    }
    if (form == OutputFormat.SPEC) {
      return specs(session, jobs);
    }
    if (session.print(form, Documents.of("jobs", jobs), jobs)) {
      return ExitCodes.DONE;
    }
    boolean first = true;
    for (JsonObject job : jobs) {
      session.console().print(first ? "" : "\n");
      first = false;
      session.console().print(JobView.facts(job, session.coloured(), session.nowMillis()));
      tasks(session, job, form == OutputFormat.WIDE);
    }
    return ExitCodes.DONE;
  }

  private static int specs(Session session, List<JsonObject> jobs) throws CallException {
    String separator = "";
    for (JsonObject job : jobs) {
      JsonObject request = new JsonObject().put("spec", job.object("spec"));
      String text = session.call("JobService/FormatSpec", request).text("text");
      session.console().print(separator + text + (text.endsWith("\n") ? "" : "\n"));
      separator = "---\n";
    }
    return ExitCodes.DONE;
  }

  private static void tasks(Session session, JsonObject job, boolean wide) throws CallException {
    boolean few = job.object("tasks").number("total") <= SHOWN_TASKS;
    JsonObject request = new JsonObject().put("parent", job.text("name"));
    if (!few) {
      request.put("states", new JsonArray().add("TASK_STATE_FAILED").add("TASK_STATE_KILLED"));
    }
    Pages tasks;
    try {
      tasks = Pages.read(session, "TaskService/ListTasks", request, "tasks", SHOWN_TASKS);
    } catch (ApiException goneMeanwhile) {
      // The job itself was shown; its tasks are an extra.
      return;
    }
    if (tasks.elements().isEmpty()) {
      return;
    }
    session.console().print(few ? "\n" : "\nfailed:\n");
    session
        .console()
        .print(TaskView.table(tasks.elements(), wide, session.coloured(), session.nowMillis()));
    if (tasks.more()) {
      session
          .console()
          .println("… and more: orchctl task list " + job.text("number") + " --failed");
    }
  }
}

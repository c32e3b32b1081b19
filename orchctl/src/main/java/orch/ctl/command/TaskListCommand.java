package orch.ctl.command;

import java.util.List;
import java.util.Locale;
import orch.ctl.http.CallException;
import orch.ctl.json.JsonArray;
import orch.ctl.json.JsonObject;
import orch.ctl.output.OutputFormat;
import orch.ctl.output.TaskView;

/** {@code task list}. */
final class TaskListCommand implements Command {
  private static final List<String> STATES =
      List.of(
          "waiting",
          "placed",
          "running",
          "stopping",
          "succeeded",
          "failed",
          "killed",
          "cancelled",
          "dropped");

  @Override
  public void syntax(Syntax syntax) {
    syntax
        .operand("JOB", "0..1", "number, name or 'last'; unsaid: all live jobs")
        .repeated("--state", "STATE", "only in this state: " + String.join(", ", STATES))
        .flag("--failed", "only those that failed or were killed")
        .option("--node", "NODE", "only on this node")
        .option("--limit", "N", "at most so many (default 1000; 0: all)")
        .forms()
        .example("orchctl task list sweep --failed")
        .example("orchctl ps --node rack1-07");
  }

  @Override
  public int run(Session session, Arguments arguments) throws CallException, UsageException {
    OutputFormat form = arguments.form();
    long limit =
        Units.integer(arguments.option("--limit", "1000"), 0, Integer.MAX_VALUE, "--limit");
    JsonObject request =
        new JsonObject().put("parent", Names.job(session.namespace(), arguments.operand(0, "-")));
    JsonArray states = states(arguments);
    if (!states.elements().isEmpty()) {
      request.put("states", states);
    }
    if (arguments.has("--node")) {
      String node = arguments.option("--node", "");
      request.put("node", node.startsWith("nodes/") ? node.substring(6) : node);
    }
    Pages tasks = Pages.read(session, "TaskService/ListTasks", request, "tasks", limit);
    if (session.print(form, tasks.document(), tasks.elements())) {
      return ExitCodes.DONE;
    }
    boolean wide = form == OutputFormat.WIDE;
    session
        .console()
        .print(TaskView.table(tasks.elements(), wide, session.coloured(), session.nowMillis()));
    if (tasks.more()) {
      session.console().note("there are more; --limit 0 lists all");
    }
    return ExitCodes.DONE;
  }

  private static JsonArray states(Arguments arguments) throws UsageException {
    JsonArray states = new JsonArray();
    if (arguments.has("--failed")) {
      states.add("TASK_STATE_FAILED").add("TASK_STATE_KILLED");
    }
    for (String word : arguments.options("--state")) {
      String state = word.toLowerCase(Locale.ROOT);
      if (!STATES.contains(state)) {
        throw new UsageException(
            "there is no task state '" + word + "'; they are " + String.join(", ", STATES));
      }
      states.add("TASK_STATE_" + state.toUpperCase(Locale.ROOT));
    }
    return states;
  }
}

package orch.ctl.command;

import java.util.ArrayList;
import java.util.List;
import orch.ctl.http.CallException;
import orch.ctl.json.JsonObject;
import orch.ctl.output.OutputFormat;
import orch.ctl.output.TaskView;

/** {@code task show}. */
final class TaskShowCommand implements Command {
  @Override
  public void syntax(Syntax syntax) {
    syntax
        .operand("TASK", "1..*", "JOB/INDEX, such as web/3; JOB alone when it has one task")
        .forms()
        .example("orchctl task show web/3");
  }

  @Override
  public int run(Session session, Arguments arguments) throws CallException, UsageException {
    OutputFormat form = arguments.form();
    List<JsonObject> tasks = new ArrayList<>();
    for (String name : arguments.operands(0)) {
      JsonObject request = new JsonObject().put("name", Tasks.find(session, name).name());
      tasks.add(session.call("TaskService/GetTask", request));
    }
    if (session.print(form, Documents.of("tasks", tasks), tasks)) {
      return ExitCodes.DONE;
    }
    String separator = "";
    for (JsonObject task : tasks) {
      session
          .console()
          .print(separator + TaskView.facts(task, session.coloured(), session.nowMillis()));
      separator = "\n";
    }
    return ExitCodes.DONE;
  }
}

package orch.ctl.command;

import java.util.List;
import orch.ctl.http.CallException;
import orch.ctl.json.JsonObject;
import orch.ctl.output.OutputFormat;
import orch.ctl.output.ProcessView;

/** {@code task tree}. */
final class TaskTreeCommand implements Command {
  @Override
  public void syntax(Syntax syntax) {
    syntax
        .operand("TASK", "1", "JOB/INDEX, such as web/3; JOB alone when it has one task")
        .forms()
        .example("orchctl task tree web/3");
  }

  @Override
  public int run(Session session, Arguments arguments) throws CallException, UsageException {
    OutputFormat form = arguments.form();
    JsonObject request =
        new JsonObject().put("name", Tasks.find(session, arguments.operand(0, "")).name());
    JsonObject tree = session.call("TaskService/GetTaskTree", request);
    if (session.print(form, tree, List.of())) {
      return ExitCodes.DONE;
    }
    session.console().print(ProcessView.tree(tree, session.coloured(), session.nowMillis()));
    String remark = ProcessView.remark(tree);
    if (!remark.isEmpty()) {
      session.console().note(remark);
    }
    return ExitCodes.DONE;
  }
}

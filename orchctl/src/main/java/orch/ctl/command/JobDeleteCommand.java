package orch.ctl.command;

import java.util.List;
import orch.ctl.http.CallException;
import orch.ctl.json.JsonObject;

/** {@code job delete}. */
final class JobDeleteCommand implements Command {
  @Override
  public void syntax(Syntax syntax) {
    syntax
        .operand("JOB", "1..*", "number, name or 'last'; it must have ended")
        .example("orchctl job delete 42 43");
  }

  @Override
  public int run(Session session, Arguments arguments) throws CallException, UsageException {
    List<String> names = arguments.operands(0);
    for (String name : names) {
      Names.job(session.namespace(), name);
    }
    for (String name : names) {
      JobChange.call(session, "JobService/DeleteJob", name, new JsonObject());
      session.console().println(name + " deleted");
    }
    return ExitCodes.DONE;
  }
}

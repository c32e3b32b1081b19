package orch.ctl.command;

import orch.ctl.http.CallException;
import orch.ctl.json.JsonObject;

/** {@code task signal}. */
final class TaskSignalCommand implements Command {
  @Override
  public void syntax(Syntax syntax) {
    syntax
        .operand("TASK", "1", "JOB/INDEX, such as web/3; JOB alone when it has one task")
        .operand("SIGNAL", "1", "name or number: USR1, SIGHUP, 10")
        .flag("--all", "to every process of the task, not to its leader alone")
        .flag("--group", "to the leader's process group")
        .example("orchctl task signal web/3 HUP");
  }

  @Override
  public int run(Session session, Arguments arguments) throws CallException, UsageException {
    int signal = SignalNumbers.parse(arguments.operand(1, ""));
    boolean all = arguments.has("--all");
    if (all && arguments.has("--group")) {
      throw new UsageException("--all and --group exclude each other; give one of them");
    }
    String target = all ? "ALL" : arguments.has("--group") ? "GROUP" : "LEADER";
    JsonObject request =
        new JsonObject()
            .put("name", Tasks.find(session, arguments.operand(0, "")).name())
            .put("signal", signal)
            .put("target", "SIGNAL_TARGET_" + target);
    // A signal is not sent a second time by itself: nobody could tell the two from each other.
    session.client().callOnce("TaskService/SignalTask", request);
    return ExitCodes.DONE;
  }
}

package orch.ctl.command;

import java.util.List;
import orch.ctl.http.CallException;
import orch.ctl.json.JsonObject;
import orch.ctl.output.OutputFormat;

/** {@code job hold} and {@code job release}. */
final class JobHoldCommand implements Command {
  private final boolean hold;

  JobHoldCommand(boolean hold) {
    this.hold = hold;
  }

  @Override
  public void syntax(Syntax syntax) {
    syntax.operand("JOB", "1..*", "number, name or 'last'").forms();
    syntax.example(hold ? "orchctl job hold nightly" : "orchctl job release nightly");
  }

  @Override
  public int run(Session session, Arguments arguments) throws CallException, UsageException {
    OutputFormat form = arguments.form();
    String method = hold ? "JobService/HoldJob" : "JobService/ReleaseJob";
    List<JsonObject> jobs = JobChange.each(session, method, arguments.operands(0));
    return JobChange.print(session, form, jobs, hold ? "held" : "released");
  }
}

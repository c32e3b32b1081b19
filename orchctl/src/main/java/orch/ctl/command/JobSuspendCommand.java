package orch.ctl.command;

import java.util.List;
import orch.ctl.http.CallException;
import orch.ctl.json.JsonObject;
import orch.ctl.output.OutputFormat;

/** {@code job suspend} and {@code job resume}. */
final class JobSuspendCommand implements Command {
  private final boolean suspend;

  JobSuspendCommand(boolean suspend) {
    this.suspend = suspend;
  }

  @Override
  public void syntax(Syntax syntax) {
    syntax.operand("JOB", "1..*", "number, name or 'last'").forms();
    syntax.example(suspend ? "orchctl job suspend nightly" : "orchctl job resume nightly");
  }

  @Override
  public int run(Session session, Arguments arguments) throws CallException, UsageException {
    OutputFormat form = arguments.form();
    String method = suspend ? "JobService/SuspendJob" : "JobService/ResumeJob";
    List<JsonObject> jobs = JobChange.each(session, method, arguments.operands(0));
    return JobChange.print(session, form, jobs, suspend ? "suspended" : "resumed");
  }
}

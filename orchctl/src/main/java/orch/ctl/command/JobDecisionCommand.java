package orch.ctl.command;

import java.util.List;
import orch.ctl.http.CallException;
import orch.ctl.json.JsonObject;
import orch.ctl.output.OutputFormat;

/**
 * {@code job hold}, {@code release}, {@code suspend} and {@code resume}: jobs, and no more said.
 */
final class JobDecisionCommand implements Command {
  private final String verb;
  private final String method;
  private final String done;

  /**
   * @param verb as in {@code orchctl job VERB}
   * @param method of the API's job service
   * @param done printed of each job
   */
  JobDecisionCommand(String verb, String method, String done) {
    this.verb = verb;
    this.method = method;
    this.done = done;
  }

  @Override
  public void syntax(Syntax syntax) {
    syntax.operand("JOB", "1..*", "number, name or 'last'").forms();
    syntax.example("orchctl job " + verb + " nightly");
  }

  @Override
  public int run(Session session, Arguments arguments) throws CallException, UsageException {
    OutputFormat form = arguments.form();
    List<JsonObject> jobs = JobChange.each(session, "JobService/" + method, arguments.operands(0));
    return JobChange.print(session, form, jobs, done);
  }
}

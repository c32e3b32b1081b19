package orch.ctl.command;

import orch.ctl.http.CallException;
import orch.ctl.json.JsonObject;
import orch.ctl.output.JobView;
import orch.ctl.output.OutputFormat;

/** Plain {@code orchctl}: my newest jobs. */
final class MyJobsCommand implements Command {
  private static final int SHOWN = 20;

  @Override
  public void syntax(Syntax syntax) {
    syntax.forms();
  }

  @Override
  public int run(Session session, Arguments arguments) throws CallException, UsageException {
    return show(session, arguments.form());
  }

  static int show(Session session, OutputFormat form) throws CallException {
    JsonObject request =
        new JsonObject()
            .put("parent", session.parent())
            .put("filter", new JsonObject().put("owner", "me"))
            .put("omitSpecs", form == OutputFormat.TABLE || form == OutputFormat.NAME);
    Pages jobs = Pages.read(session, "JobService/ListJobs", request, "jobs", SHOWN);
    if (session.print(form, jobs.document(), jobs.elements())) {
      return ExitCodes.DONE;
    }
    if (jobs.elements().isEmpty()) {
      session
          .console()
          .println("You have no jobs. Try: orchctl run -- echo hi   (orchctl --help says more)");
      return ExitCodes.DONE;
    }
    session
        .console()
        .print(
            JobView.table(
                jobs.elements(),
                form == OutputFormat.WIDE,
                false,
                session.coloured(),
                session.nowMillis()));
    if (jobs.more() && session.console().terminal().output()) {
      session.console().println("… and older ones: orchctl job list --mine");
    }
    return ExitCodes.DONE;
  }
}

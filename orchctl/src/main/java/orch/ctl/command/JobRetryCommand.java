package orch.ctl.command;

import java.util.List;
import orch.ctl.http.CallException;
import orch.ctl.json.JsonObject;
import orch.ctl.output.OutputFormat;
import orch.ctl.output.Words;

/** {@code job retry}. */
final class JobRetryCommand implements Command {
  @Override
  public void syntax(Syntax syntax) {
    syntax
        .operand("JOB", "1", "number, name or 'last'")
        .flag("--failed", "every task that did not succeed (the default)")
        .option("--index", "LIST", "these tasks: 3,7-9")
        .forms()
        .example("orchctl retry 42 --failed")
        .example("orchctl retry sweep --index 3,7-9");
  }

  @Override
  public int run(Session session, Arguments arguments) throws CallException, UsageException {
    OutputFormat form = arguments.form();
    JsonObject request = new JsonObject();
    if (arguments.has("--index")) {
      if (arguments.has("--failed")) {
        throw new UsageException("--failed and --index exclude each other; give one of them");
      }
      IndexRanges ranges = IndexRanges.parse(arguments.option("--index", ""));
      if (ranges.parallelism() > 0) {
        throw new UsageException("--index takes no %: the job's own parallelism holds");
      }
      request.put("indexes", ranges.json());
    }
    JsonObject job =
        JobChange.call(session, "JobService/RetryJob", arguments.operand(0, ""), request);
    JsonObject tasks = job.object("tasks");
    String progress = tasks.number("total") > 1 ? ": " + Words.progress(tasks) : "";
    return JobChange.print(
        session, form, List.of(job), "runs again, " + Words.jobState(job) + progress);
  }
}

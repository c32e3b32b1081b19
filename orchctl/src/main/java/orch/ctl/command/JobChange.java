package orch.ctl.command;

import java.util.ArrayList;
import java.util.List;
import orch.ctl.http.CallException;
import orch.ctl.json.JsonObject;
import orch.ctl.output.OutputFormat;
import orch.ctl.output.Words;

/** What commands that change jobs one by one have in common. */
final class JobChange {
  private JobChange() {}

  /** Calls a method for a job by its name. */
  static JsonObject call(Session session, String method, String job, JsonObject request)
      throws CallException, UsageException {
    request.put("name", Names.job(session.namespace(), job));
    request.put("requestId", session.requestId());
    return session.call(method, request);
  }

  /** Prints what became of the jobs; {@code deed} goes before the state: "cancelling". */
  static int print(Session session, OutputFormat form, List<JsonObject> jobs, String deed) {
    if (!session.print(form, Documents.of("jobs", jobs), jobs)) {
      for (JsonObject job : jobs) {
        session.console().println(Words.jobTitle(job) + " " + deed);
      }
    }
    return ExitCodes.DONE;
  }

  /** Calls a method for each of the jobs. */
  static List<JsonObject> each(Session session, String method, List<String> names)
      throws CallException, UsageException {
    // All names are looked at before anything is done.
    for (String name : names) {
      Names.job(session.namespace(), name);
    }
    List<JsonObject> jobs = new ArrayList<>();
    for (String name : names) {
      jobs.add(call(session, method, name, new JsonObject()));
    }
    return jobs;
  }
}

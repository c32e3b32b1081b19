package orch.ctl.command;

import java.util.List;
import java.util.Locale;
import orch.ctl.http.CallException;
import orch.ctl.json.JsonArray;
import orch.ctl.json.JsonObject;
import orch.ctl.output.JobView;
import orch.ctl.output.OutputFormat;

/** {@code job list}. */
final class JobListCommand implements Command {
  private static final List<String> STATES =
      List.of("queued", "running", "succeeded", "failed", "cancelled", "held");

  @Override
  public void syntax(Syntax syntax) {
    syntax
        .flag("-A,--all-namespaces", "of every namespace")
        .flag("--mine", "only what I submitted")
        .option("--owner", "PRINCIPAL", "only what this one submitted")
        .flag("--live", "only what has not ended")
        .repeated("--state", "STATE", "only in this state: " + String.join(", ", STATES))
        .repeated("-l,--label", "K[=V]", "only with this label")
        .option("--name", "NAME", "only of this name")
        .option("--since", "TIME", "only submitted since: 2h, or 2026-11-24 08:00")
        .option("--limit", "N", "at most so many (default 100; 0: all)")
        .forms()
        .example("orchctl job list --live")
        .example("orchctl job list --state failed --since 1d -o wide")
        .example("orchctl job list -l team=data -o name");
  }

  @Override
  public int run(Session session, Arguments arguments) throws CallException, UsageException {
    OutputFormat form = arguments.form();
    boolean everywhere = arguments.has("--all-namespaces");
    long limit = Units.integer(arguments.option("--limit", "100"), 0, Integer.MAX_VALUE, "--limit");
    JsonObject request =
        new JsonObject()
            .put("parent", everywhere ? "namespaces/-" : session.parent())
            .put("omitSpecs", form == OutputFormat.TABLE || form == OutputFormat.NAME);
    JsonObject filter = filter(session, arguments);
    if (!filter.members().isEmpty()) {
      request.put("filter", filter);
    }
    Pages jobs = Pages.read(session, "JobService/ListJobs", request, "jobs", limit);
    if (session.print(form, jobs.document(), jobs.elements())) {
      return ExitCodes.DONE;
    }
    boolean wide = form == OutputFormat.WIDE;
    session
        .console()
        .print(
            JobView.table(
                jobs.elements(), wide, everywhere, session.coloured(), session.nowMillis()));
    if (jobs.more()) {
      session.console().note("there are older ones; --limit 0 lists all");
    }
    return ExitCodes.DONE;
  }

  private static JsonObject filter(Session session, Arguments arguments) throws UsageException {
    JsonObject filter = new JsonObject();
    if (arguments.has("--owner") && arguments.has("--mine")) {
      throw new UsageException("--mine and --owner exclude each other; give one of them");
    }
    if (arguments.has("--mine")) {
      filter.put("owner", "me");
    } else if (arguments.has("--owner")) {
      filter.put("owner", arguments.option("--owner", ""));
    }
    if (arguments.has("--live")) {
      filter.put("live", true);
    }
    if (arguments.has("--name")) {
      filter.put("jobName", arguments.option("--name", ""));
    }
    if (arguments.has("--label")) {
      filter.put("labels", Pairs.filter(arguments.options("--label")));
    }
    if (arguments.has("--state")) {
      filter.put("states", states(arguments.options("--state")));
    }
    if (arguments.has("--since")) {
      filter.put("submittedAfter", Moments.parse(arguments.option("--since", ""), session));
    }
    return filter;
  }

  private static JsonArray states(List<String> words) throws UsageException {
    JsonArray states = new JsonArray();
    for (String word : words) {
      String state = word.toLowerCase(Locale.ROOT);
      if (!STATES.contains(state)) {
        throw new UsageException(
            "there is no job state '"
                + word
                + "'; they are "
                + String.join(", ", STATES)
                + Nearest.hint(state, STATES));
      }
      states.add("JOB_STATE_" + state.toUpperCase(Locale.ROOT));
    }
    return states;
  }
}

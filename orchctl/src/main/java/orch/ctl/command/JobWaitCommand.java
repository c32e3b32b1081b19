package orch.ctl.command;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import orch.ctl.http.CallException;
import orch.ctl.json.JsonObject;
import orch.ctl.output.Colour;
import orch.ctl.output.Console;
import orch.ctl.output.Times;
import orch.ctl.output.Words;

/** {@code job wait}. */
final class JobWaitCommand implements Command {
  @Override
  public void syntax(Syntax syntax) {
    syntax
        .operand("JOB", "0..*", "number, name or 'last' (the default)")
        .flag("-q,--quiet", "says nothing, exits with the code alone")
        .example("orchctl wait 42 43")
        .example("orchctl wait last; echo $?");
  }

  @Override
  public boolean passesExitCodeOn() {
    return true;
  }

  @Override
  public int run(Session session, Arguments arguments) throws CallException, UsageException {
    List<String> names = new ArrayList<>(arguments.operands(0));
    if (names.isEmpty()) {
      names.add("last");
    }
    session.client().bePatient();
    List<JsonObject> jobs = new ArrayList<>();
    for (String name : names) {
      JsonObject request = new JsonObject().put("name", Names.job(session.namespace(), name));
      jobs.add(session.call("JobService/GetJob", request));
    }
    Reporter reporter = new Reporter(session, arguments.has("--quiet"));
    JobWatch watch = new JobWatch(session, jobs, reporter);
    for (JsonObject job : jobs) {
      reporter.changed(watch, job);
    }
    watch.await();
    session.console().clearProgress();
    int code = 0;
    for (JsonObject job : watch.jobs()) {
      boolean service = !Words.hasEnded(job) && !watch.wasDeleted(job);
      code = Math.max(code, service ? ExitCodes.DONE : ExitCodes.ofJob(job));
    }
    return code;
  }

  /** {@code job 42 (web) succeeded after 1.2s: 24/24 done}. */
  static String ending(JsonObject job, boolean coloured) {
    String state = Words.jobState(job);
    String reason = state.equals("succeeded") ? "" : job.text("reason");
    StringBuilder text = new StringBuilder("job ").append(Words.jobTitle(job)).append(' ');
    text.append(coloured ? Colour.ofState(state).paint(state) : state);
    String took = Times.between(job.text("startTime"), job.text("endTime"), 0);
    if (!took.isEmpty() && job.has("endTime")) {
      text.append(" after ").append(took);
    }
    if (reason.startsWith(state + " ")) {
      // "cancelled by ann"
      text.append(reason, state.length(), reason.length());
    } else if (!reason.isEmpty()) {
      text.append(": ").append(reason);
    } else if (job.object("tasks").number("total") > 1) {
      text.append(": ").append(Words.progress(job.object("tasks")));
    }
    return text.toString();
  }

  /** Progress on a terminal, lines at changes elsewhere. */
  private static final class Reporter implements JobWatch.Listener {
    /** Off a terminal, the least time between two lines about one job's tasks. */
    private static final long LINE_EVERY_MILLIS = 10_000;

    private final Session session;
    private final Console console;
    private final boolean quiet;
    private final boolean terminal;
    private final Map<Long, String> said = new HashMap<>();
    private final Map<Long, Long> saidAt = new HashMap<>();

    Reporter(Session session, boolean quiet) {
      this.session = session;
      this.console = session.console();
      this.quiet = quiet;
      this.terminal = console.terminal().error();
    }

    @Override
    public void changed(JobWatch watch, JsonObject job) {
      if (quiet) {
        return;
      }
      Long number = job.number("number");
      String state = job.text("state");
      if (JobWatch.isDone(job)) {
        if (!"done".equals(said.put(number, "done"))) {
          console.errorLine(ending(job, terminal && console.terminal().colours()));
        }
        return;
      }
      String line = "job " + Words.jobTitle(job) + ": " + describe(job);
      if (terminal) {
        List<JsonObject> jobs = watch.jobs();
        console.progress(
            jobs.size() > 1 ? watch.done() + "/" + jobs.size() + " jobs done · " + line : line);
        return;
      }
      long now = session.world().pause().nowMillis();
      boolean stateChanged = !state.equals(said.put(number, state));
      if (stateChanged || now - saidAt.getOrDefault(number, 0L) >= LINE_EVERY_MILLIS) {
        saidAt.put(number, now);
        console.errorLine(line);
      }
    }

    private static String describe(JsonObject job) {
      String state = Words.jobState(job);
      if (job.object("tasks").number("total") > 1) {
        return state + ", " + Words.progress(job.object("tasks"));
      }
      if (job.text("reason").isEmpty() && Words.saysReadiness(job)) {
        boolean ready = job.object("tasks").number("ready") > 0;
        return state + (state.equals("running") ? ready ? ", ready" : ", not ready yet" : "");
      }
      return Words.stateAndReason(state, job.text("reason"));
    }
  }
}

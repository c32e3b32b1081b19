package orch.ctl.command;

import java.io.IOException;
import orch.ctl.http.ApiException;
import orch.ctl.http.Backoff;
import orch.ctl.http.CallException;
import orch.ctl.http.ConnectClient;
import orch.ctl.json.JsonArray;
import orch.ctl.json.JsonObject;
import orch.ctl.output.ClosedOutputException;
import orch.ctl.output.Console;
import orch.ctl.output.RawTerminal;
import orch.ctl.output.Terminal;
import orch.ctl.output.Words;

/** {@code run}: submits a command, shows its output, exits as it did. */
final class RunCommand implements Command {
  /** A stream of output that lasted so long was no failure, milliseconds. */
  private static final long GOOD_STREAM_MILLIS = 5_000;

  @Override
  public void syntax(Syntax syntax) {
    syntax
        .option("--name", "NAME", "name of the job (unsaid: made from the command)")
        .option("--cpu", "CPU", "reserved, and the weight under contention: 500m, 2")
        .option("--memory", "BYTES", "reserved, and the hard limit: 256Mi, 4G")
        .option("--count", "N", "so many tasks, ORCH_INDEX 0 to N-1")
        .option(
            "--array", "LIST", "tasks with these indexes: 0-9:2%4 (every second, four at a time)")
        .option("--each-line", "FILE", "a task for each line; {} in the command is the line")
        .option("-j,--parallel", "N", "at most so many tasks at a time")
        .repeated("-e,--env", "K=V", "variable of the task; K alone: its value here")
        .option("--export", "WHAT", "ALL, NONE, or names A,B beside PATH, LANG, LC_*, TZ and TERM")
        .option("--cwd", "DIR", "directory of the task (unsaid: this one)")
        .repeated("--label", "K=V", "label of the job")
        .repeated("--constraint", "EXPR", "only on nodes such as 'rack in (a,b)' or 'gpu'")
        .option("--timeout", "D", "longest run of a task: 10m; then the code is 124")
        .option("--retries", "N", "runs a task that failed up to N times again")
        .flag("-i,--interactive", "the task reads standard input, to its end")
        .flag("-t,--tty", "with a terminal; takes this one")
        .option(
            "--stop-on-disconnect", "D", "with -i: cancels the job when this call is gone for D")
        .flag("-d,--detach", "only submits, and prints the job's number")
        .flag("--prefix", "each line begins with its task (on a terminal, if there are several)")
        .flag("--no-prefix", "no line does")
        .operand("COMMAND", "1..*", "program and arguments, after --")
        .endsAtOperand()
        .example("orchctl run -- make test")
        .example("orchctl run -d --cpu 4 --memory 8Gi -- ./train.sh")
        .example("orchctl run --each-line files.txt -j 4 -- gzip {}")
        .example("orchctl run --array 0-99%8 -- sh -c './simulate --seed $ORCH_INDEX'");
  }

  @Override
  public boolean passesExitCodeOn() {
    return true;
  }

  @Override
  public int run(Session session, Arguments arguments) throws CallException, UsageException {
    JsonObject spec = RunSpec.of(arguments, session.world());
    session.client().bePatient();
    boolean input = arguments.has("--interactive");
    boolean tty = arguments.has("--tty");
    String stopOnDisconnect =
        arguments.has("--stop-on-disconnect")
            ? Units.durationJson(arguments.option("--stop-on-disconnect", ""))
            : "";
    interactive(session, arguments, spec);
    if (arguments.has("--detach")) {
      session.console().println(submit(session, spec).text("number"));
      return ExitCodes.DONE;
    }
    Terminal terminal = session.console().terminal();
    Interruption interruption = new Interruption(session);
    // The question whether to cancel is answered by standard input, which is the task's with -i.
    session.world().signals().handle(interruption, terminal.input() && terminal.error() && !input);
    RawTerminal raw = null;
    RunInput sender = null;
    try {
      JsonObject job = submit(session, spec);
      interruption.accepted(job);
      raw = tty ? takeTerminal() : null;
      if (input) {
        sender = new RunInput(session, job, tty, stopOnDisconnect);
        sender.start();
      }
      boolean several = RunSpec.taskCount(spec) > 1;
      boolean prefixed =
          arguments.has("--prefix")
              || several && terminal.output() && !arguments.has("--no-prefix");
      return follow(session, job, prefixed ? job.text("jobName") : "", interruption);
    } finally {
      interruption.finish();
      if (sender != null) {
        sender.end();
      }
      if (raw != null) {
        raw.close();
      }
    }
  }

  private static void interactive(Session session, Arguments arguments, JsonObject spec)
      throws UsageException {
    boolean input = arguments.has("--interactive");
    boolean tty = arguments.has("--tty");
    if (tty && !input) {
      throw new UsageException("-t needs -i: give -it");
    }
    if (arguments.has("--stop-on-disconnect") && !input) {
      throw new UsageException("--stop-on-disconnect needs -i: else nothing is connected");
    }
    if (!input) {
      return;
    }
    if (RunSpec.taskCount(spec) > 1) {
      throw new UsageException("-i is for one task; leave out --count, --array and --each-line");
    }
    if (tty && !arguments.has("--detach") && !session.console().terminal().input()) {
      throw new UsageException("-t needs a terminal on standard input; leave it out in a pipe");
    }
    spec.put("interactive", true);
    if (tty) {
      spec.put("tty", true);
    }
  }

  private static RawTerminal takeTerminal() throws UsageException {
    try {
      return RawTerminal.open();
    } catch (IOException noTerminal) {
      throw new UsageException("-t cannot take the terminal: " + noTerminal.getMessage());
    }
  }

  private static JsonObject submit(Session session, JsonObject spec) throws CallException {
    JsonObject request =
        new JsonObject()
            .put("parent", session.parent())
            .put("spec", spec)
            .put("requestId", session.requestId());
    JsonObject answer = session.call("JobService/SubmitJob", request);
    JsonObject job = answer.object("job");
    if (answer.text("outcome").equals("SUBMIT_OUTCOME_UNCHANGED")) {
      session
          .console()
          .note("job " + Words.jobTitle(job) + " runs already, with this very command");
    }
    return job;
  }

  private static int follow(
      Session session, JsonObject job, String prefix, Interruption interruption)
      throws CallException {
    Console console = session.console();
    LogPrinter printer = new LogPrinter(console, false, false);
    printer.prefixWith(prefix);
    WaitingNotice notice = new WaitingNotice(session, printer, interruption, job);
    notice.start();
    try {
      JsonObject ended = toTheEnd(session, job, printer);
      notice.end();
      return report(session, ended, interruption);
    } catch (ClosedOutputException nobodyReads) {
      // As a command in a pipe whose reader went away: it ends.
      interruption.cancel();
      throw nobodyReads;
    } catch (CallException failure) {
      String number = job.text("number");
      console.note(
          "job " + number + " may go on: orchctl logs -f " + number + ", orchctl wait " + number);
      throw failure;
    } finally {
      notice.end();
    }
  }

  /** Prints the output until the job has ended, and returns the job. */
  private static JsonObject toTheEnd(Session session, JsonObject job, LogPrinter printer)
      throws CallException {
    LogFollower follower = new LogFollower(session, printer);
    Backoff backoff = new Backoff(session.world().pause());
    JsonObject name = new JsonObject().put("name", job.text("name"));
    while (true) {
      long began = session.world().pause().nowMillis();
      follower.follow(new JsonObject().put("name", job.text("name")).put("follow", true));
      JsonObject now = session.call("JobService/GetJob", name);
      if (Words.hasEnded(now)) {
        return now;
      }
      // The stream ended before the job did, with its controller for example.
      if (session.world().pause().nowMillis() - began > GOOD_STREAM_MILLIS) {
        backoff.reset();
      }
      if (!backoff.await(ConnectClient.PATIENCE_MILLIS)) {
        throw new ApiException(
            "unavailable",
            "the controller ends the output of job " + now.text("number") + " too early",
            "",
            java.util.List.of());
      }
    }
  }

  private static int report(Session session, JsonObject job, Interruption interruption)
      throws CallException {
    boolean cancelled = job.text("state").equals("JOB_STATE_CANCELLED");
    if (interruption.isWanted() && cancelled) {
      return job.number("exitCode") == 0 ? ExitCodes.INTERRUPTED : (int) job.number("exitCode");
    }
    int code = ExitCodes.ofJob(job);
    boolean several = job.object("tasks").number("total") > 1;
    // A command that failed by itself has said why; what befell it is ours to say.
    if (code != 0 && (several || cancelled || code >= ExitCodes.TIMED_OUT)) {
      String cause = cancelled ? "" : cause(session, job, several);
      session
          .console()
          .note(JobWaitCommand.ending(job, false) + (cause.isEmpty() ? "" : ": " + cause));
    }
    return code;
  }

  /** What the first task that failed says of its end, where the job does not say it. */
  private static String cause(Session session, JsonObject job, boolean several)
      throws CallException {
    JsonObject request =
        new JsonObject()
            .put("parent", job.text("name"))
            .put("pageSize", 1)
            .put("states", new JsonArray().add("TASK_STATE_FAILED").add("TASK_STATE_KILLED"));
    for (JsonObject task : session.call("TaskService/ListTasks", request).objects("tasks")) {
      JsonObject result = task.object("attempt").object("result");
      String failure = result.object("startFailure").text("message");
      String cause = failure.isEmpty() ? task.text("reason") : failure;
      boolean said = job.text("reason").contains(cause);
      return said || cause.isEmpty() ? "" : (several ? task.text("task") + ": " : "") + cause;
    }
    return "";
  }
}

package orch.ctl.command;

import orch.ctl.http.CallException;
import orch.ctl.json.JsonObject;

/** {@code task logs}. */
final class TaskLogsCommand implements Command {
  @Override
  public void syntax(Syntax syntax) {
    syntax
        .operand(
            "JOB|TASK", "0..1", "a job ('last' if unsaid), a task (web/3), an attempt (web/3@2)")
        .flag("-f,--follow", "goes on until the job has ended")
        .option("--tail", "N", "only the last N lines of each attempt")
        .option("--since", "TIME", "only since: 10m, or 2026-11-24 08:00")
        .option("--attempt", "N", "only this attempt of each task; -1: the newest")
        .option("--stream", "NAME", "only stdout, or only stderr")
        .flag("--timestamps", "each line begins with its time")
        .flag("--prefix", "each line begins with its task (on a terminal, if there are several)")
        .flag("--no-prefix", "no line does")
        .example("orchctl logs -f last")
        .example("orchctl logs web/3 --tail 100 --timestamps")
        .example("orchctl logs sweep --attempt -1 --stream stderr");
  }

  @Override
  public int run(Session session, Arguments arguments) throws CallException, UsageException {
    String name = arguments.operand(0, "last");
    JsonObject request = new JsonObject();
    boolean ofTask = Names.isTask(name);
    String job = "";
    if (ofTask) {
      Names.Task task = Names.task(session.namespace(), name);
      request.put("name", task.name());
      if (task.attempt() > 0) {
        request.put("attempt", task.attempt());
      }
    } else {
      job = Names.job(session.namespace(), name);
      request.put("name", job);
    }
    options(session, arguments, request);
    LogPrinter printer =
        new LogPrinter(session.console(), arguments.has("--timestamps"), request.has("tail"));
    boolean asked = arguments.has("--prefix");
    if (asked
        || !ofTask && session.console().terminal().output() && !arguments.has("--no-prefix")) {
      prefix(session, ofTask ? jobOf(request.text("name")) : job, asked, printer);
    }
    new LogFollower(session, printer).follow(request);
    return ExitCodes.DONE;
  }

  private static void options(Session session, Arguments arguments, JsonObject request)
      throws UsageException {
    if (arguments.has("--follow")) {
      request.put("follow", true);
    }
    if (arguments.has("--tail")) {
      String lines = arguments.option("--tail", "");
      request.put("tail", Units.integer(lines, 0, Long.MAX_VALUE, "--tail"));
    }
    if (arguments.has("--since")) {
      request.put("since", Moments.parse(arguments.option("--since", ""), session));
    }
    if (arguments.has("--attempt")) {
      String attempt = arguments.option("--attempt", "");
      request.put("attempt", Units.integer(attempt, -1, Integer.MAX_VALUE, "--attempt"));
    }
    if (arguments.has("--stream")) {
      request.put(
          "stream",
          switch (arguments.option("--stream", "")) {
            case "stdout", "out" -> "LOG_STREAM_STDOUT";
            case "stderr", "err" -> "LOG_STREAM_STDERR";
            default -> throw new UsageException("--stream wants stdout or stderr");
          });
    }
  }

  private static void prefix(Session session, String job, boolean asked, LogPrinter printer)
      throws CallException {
    JsonObject found = session.call("JobService/GetJob", new JsonObject().put("name", job));
    if (asked || found.object("tasks").number("total") > 1) {
      printer.prefixWith(found.text("jobName"));
    }
  }

  private static String jobOf(String task) {
    int tasks = task.indexOf("/tasks/");
    return tasks < 0 ? task : task.substring(0, tasks);
  }
}

package orch.ctl.command;

import orch.ctl.http.CallException;
import orch.ctl.json.JsonObject;
import orch.ctl.output.OutputFormat;
import orch.ctl.output.Words;

/** {@code why}. */
final class WhyCommand implements Command {
  @Override
  public void syntax(Syntax syntax) {
    syntax
        .operand("TASK|JOB", "0..1", "web/3, or a job's number, name or 'last' (the default)")
        .option("-o,--output", "FORM", "table, json or yaml")
        .example("orchctl why web/3");
  }

  @Override
  public int run(Session session, Arguments arguments) throws CallException, UsageException {
    OutputFormat form = arguments.form();
    String name = arguments.operand(0, "last");
    JsonObject request = new JsonObject();
    JsonObject answer;
    if (Names.isTask(name)) {
      request.put("name", Names.task(session.namespace(), name).name());
      answer = session.call("TaskService/ExplainTask", request);
    } else {
      request.put("name", Names.job(session.namespace(), name));
      answer = session.call("JobService/ExplainJob", request);
    }
    if (!session.print(form, answer, java.util.List.of())) {
      session.console().print(text(answer));
    }
    return ExitCodes.DONE;
  }

  /** The explanation for people. */
  static String text(JsonObject explanation) {
    String summary = explanation.text("summary");
    StringBuilder text = new StringBuilder(summary).append('\n');
    for (JsonObject reason : explanation.objects("reasons")) {
      String message =
          reason.text("message").isEmpty() ? reason.text("kind") : reason.text("message");
      String nodes = Words.count(reason.number("nodes"), "node");
      String tasks = Words.count(reason.number("tasks"), "task");
      if (reason.number("nodes") > 0 && !message.startsWith(nodes)) {
        message = nodes + ": " + message;
      }
      if (reason.number("tasks") > 0 && !message.startsWith(tasks)) {
        message = tasks + (reason.number("nodes") > 0 ? ", " : ": ") + message;
      }
      text.append("  ").append(message).append('\n');
    }
    return text.toString();
  }
}

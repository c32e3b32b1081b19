package orch.ctl.command;

import orch.ctl.http.CallException;
import orch.ctl.json.JsonObject;
import orch.ctl.output.OutputFormat;
import orch.ctl.output.Table;
import orch.ctl.output.Times;

/** {@code job events}. */
final class JobEventsCommand implements Command {
  @Override
  public void syntax(Syntax syntax) {
    syntax
        .operand("JOB", "0..1", "number, name or 'last' (the default)")
        .option("--limit", "N", "at most so many (default 100; 0: all)")
        .forms()
        .example("orchctl job events 42");
  }

  @Override
  public int run(Session session, Arguments arguments) throws CallException, UsageException {
    OutputFormat form = arguments.form();
    long limit = Units.integer(arguments.option("--limit", "100"), 0, Integer.MAX_VALUE, "--limit");
    JsonObject request =
        new JsonObject().put("name", Names.job(session.namespace(), arguments.operand(0, "last")));
    Pages events = Pages.read(session, "JobService/ListJobEvents", request, "events", limit);
    if (session.print(form, events.document(), events.elements())) {
      return ExitCodes.DONE;
    }
    boolean wide = form == OutputFormat.WIDE;
    Table table =
        wide
            ? new Table(session.coloured(), "time", "type", "subject", "by", "message")
            : new Table(session.coloured(), "time", "type", "message");
    for (JsonObject event : events.elements()) {
      String time = Times.localMillis(event.text("time"));
      if (wide) {
        table.row(
            time,
            event.text("type"),
            event.text("subject"),
            event.text("principal"),
            event.text("message"));
      } else {
        table.row(time, event.text("type"), event.text("message"));
      }
    }
    session.console().print(table.render());
    return ExitCodes.DONE;
  }
}

package orch.ctl.command;

import java.util.List;
import orch.ctl.http.CallException;
import orch.ctl.json.JsonObject;

/** {@code version}. */
final class VersionCommand implements Command {
  @Override
  public void syntax(Syntax syntax) {
    syntax
        .flag("--server", "the controller's too")
        .option("-o,--output", "FORM", "table, json or yaml");
  }

  @Override
  public int run(Session session, Arguments arguments) throws CallException, UsageException {
    JsonObject document = new JsonObject().put("version", Version.TEXT);
    if (arguments.has("--server")) {
      document.put("server", session.call("ClusterService/GetVersion", new JsonObject()));
    }
    if (!session.print(arguments.form(), document, List.of())) {
      session.console().println("orchctl " + Version.TEXT);
      if (document.has("server")) {
        session.console().println("controller " + document.object("server").text("version"));
      }
    }
    return ExitCodes.DONE;
  }
}

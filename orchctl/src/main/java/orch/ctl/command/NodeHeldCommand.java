package orch.ctl.command;

import java.util.ArrayList;
import java.util.List;
import orch.ctl.http.CallException;
import orch.ctl.json.JsonObject;
import orch.ctl.output.OutputFormat;
import orch.ctl.output.Table;

/** {@code node held}: after a restore from a backup, or the adoption of a node. */
final class NodeHeldCommand implements Command {
  @Override
  public void syntax(Syntax syntax) {
    syntax
        .operand("NODE", "1", "name of a node")
        .repeated("--stop", "ATTEMPT", "stop this attempt, by its uid")
        .repeated("--adopt", "ATTEMPT", "make this attempt the newest of its task")
        .flag("--stop-all", "stop all of them")
        .forms()
        .example("orchctl node held rack1-07")
        .example("orchctl node held rack1-07 --stop 1-3-1388");
  }

  @Override
  public int run(Session session, Arguments arguments) throws CallException, UsageException {
    OutputFormat form = arguments.form();
    String name = arguments.operand(0, "");
    List<String> stops = new ArrayList<>(arguments.options("--stop"));
    JsonObject node = get(session, name);
    if (arguments.has("--stop-all")) {
      node.objects("heldAttempts").forEach(held -> stops.add(held.text("attemptUid")));
    }
    for (String uid : stops) {
      node = resolve(session, name, uid, true);
    }
    for (String uid : arguments.options("--adopt")) {
      node = resolve(session, name, uid, false);
    }
    List<JsonObject> held = node.objects("heldAttempts");
    if (session.print(form, Documents.of("heldAttempts", held), held)) {
      return ExitCodes.DONE;
    }
    if (held.isEmpty()) {
      session.console().println("nothing is held on " + name);
      return ExitCodes.DONE;
    }
    Table table = new Table(session.coloured(), "attempt", "task", "started", "state");
    for (JsonObject attempt : held) {
      table.row(
          attempt.text("attemptUid"),
          attempt.text("jobNumber")
              + "/"
              + attempt.number("index")
              + "@"
              + attempt.number("attempt"),
          attempt.text("startTime"),
          attempt.flag("stopping") ? "stopping" : "held");
    }
    session.console().print(table.render());
    return ExitCodes.DONE;
  }

  private static JsonObject get(Session session, String name) throws CallException, UsageException {
    return session.call("NodeService/GetNode", new JsonObject().put("name", Names.node(name)));
  }

  private static JsonObject resolve(Session session, String name, String uid, boolean stop)
      throws CallException, UsageException {
    JsonObject request = new JsonObject().put("attemptUid", uid).put("stop", stop);
    return NodeChange.call(session, "NodeService/ResolveHeldAttempt", name, request);
  }
}

package orch.ctl.command;

import orch.ctl.http.CallException;
import orch.ctl.json.JsonObject;

/** {@code node adopt}. */
final class NodeAdoptCommand implements Command {
  @Override
  public void syntax(Syntax syntax) {
    syntax
        .operand("NODE", "1", "name of a node of another cluster that was refused")
        .example("orchctl node adopt rack1-07");
  }

  @Override
  public int run(Session session, Arguments arguments) throws CallException, UsageException {
    String name = arguments.operand(0, "");
    JsonObject _ = NodeChange.call(session, "NodeService/AdoptNode", name, new JsonObject());
    session.console().println(name + " may join; it does so at its agent's next try");
    return ExitCodes.DONE;
  }
}

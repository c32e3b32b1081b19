package orch.ctl.command;

import java.util.List;
import orch.ctl.http.CallException;
import orch.ctl.json.JsonObject;
import orch.ctl.output.OutputFormat;

/** {@code node replace}. */
final class NodeReplaceCommand implements Command {
  @Override
  public void syntax(Syntax syntax) {
    syntax
        .operand("NODE", "1", "name of a node that does not answer")
        .option(
            "--uid", "UID", "of the new machine; else the one that was refused for the name last")
        .flag("--i-verified", "I have seen that the old host is off: nothing of it runs any more")
        .forms()
        .example("orchctl node replace rack1-07 --i-verified");
  }

  @Override
  public int run(Session session, Arguments arguments) throws CallException, UsageException {
    OutputFormat form = arguments.form();
    JsonObject request =
        new JsonObject()
            .put("newUid", arguments.option("--uid", ""))
            .put("verified", arguments.has("--i-verified"));
    JsonObject node =
        NodeChange.call(session, "NodeService/ReplaceNode", arguments.operand(0, ""), request);
    return NodeChange.print(session, form, List.of(node));
  }
}

package orch.ctl.command;

import java.util.List;
import orch.ctl.http.CallException;
import orch.ctl.json.JsonObject;
import orch.ctl.output.OutputFormat;

/** {@code node gone}. */
final class NodeGoneCommand implements Command {
  @Override
  public void syntax(Syntax syntax) {
    syntax
        .operand("NODE", "1", "name of a node")
        .flag("--i-verified", "I have seen that the host is off: nothing of it runs any more")
        .forms()
        .example("orchctl node gone rack1-07 --i-verified");
  }

  @Override
  public int run(Session session, Arguments arguments) throws CallException, UsageException {
    OutputFormat form = arguments.form();
    String name = arguments.operand(0, "");
    if (!arguments.has("--i-verified")) {
      throw new UsageException(
          "if "
              + name
              + " still runs, its tasks would run twice; see that the host is off, then add"
              + " --i-verified");
    }
    JsonObject request = new JsonObject().put("verified", true);
    JsonObject node = NodeChange.call(session, "NodeService/DeclareNodeGone", name, request);
    return NodeChange.print(session, form, List.of(node));
  }
}

package orch.ctl.command;

import java.util.List;
import orch.ctl.http.CallException;
import orch.ctl.json.JsonObject;
import orch.ctl.output.OutputFormat;

/** {@code node drain}. */
final class NodeDrainCommand implements Command {
  @Override
  public void syntax(Syntax syntax) {
    syntax
        .operand("NODE", "1", "name of a node")
        .option("--deadline", "D", "after it the tasks are killed, for example 10m")
        .forms()
        .example("orchctl node drain rack1-07 --deadline 10m");
  }

  @Override
  public int run(Session session, Arguments arguments) throws CallException, UsageException {
    OutputFormat form = arguments.form();
    JsonObject request = new JsonObject();
    if (arguments.has("--deadline")) {
      request.put("deadline", Units.durationJson(arguments.option("--deadline", "")));
    }
    JsonObject node =
        NodeChange.call(session, "NodeService/DrainNode", arguments.operand(0, ""), request);
    return NodeChange.print(session, form, List.of(node));
  }
}

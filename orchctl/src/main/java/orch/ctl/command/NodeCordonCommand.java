package orch.ctl.command;

import java.util.ArrayList;
import java.util.List;
import orch.ctl.http.CallException;
import orch.ctl.json.JsonObject;
import orch.ctl.output.OutputFormat;

/** {@code node cordon} and {@code node uncordon}. */
final class NodeCordonCommand implements Command {
  private final boolean cordon;

  NodeCordonCommand(boolean cordon) {
    this.cordon = cordon;
  }

  @Override
  public void syntax(Syntax syntax) {
    syntax.operand("NODE", "1..*", "name of a node");
    if (cordon) {
      syntax.option("--reason", "TEXT", "shown as the reason of the state");
    }
    syntax.forms();
    syntax.example(
        cordon
            ? "orchctl node cordon rack1-07 --reason 'new disk on Friday'"
            : "orchctl node uncordon rack1-07");
  }

  @Override
  public int run(Session session, Arguments arguments) throws CallException, UsageException {
    OutputFormat form = arguments.form();
    List<JsonObject> nodes = new ArrayList<>();
    for (String name : arguments.operands(0)) {
      JsonObject request = new JsonObject();
      if (cordon && arguments.has("--reason")) {
        request.put("reason", arguments.option("--reason", ""));
      }
      String method = cordon ? "NodeService/CordonNode" : "NodeService/UncordonNode";
      nodes.add(NodeChange.call(session, method, name, request));
    }
    return NodeChange.print(session, form, nodes);
  }
}

package orch.ctl.command;

import java.util.ArrayList;
import java.util.List;
import orch.ctl.http.CallException;
import orch.ctl.json.JsonObject;
import orch.ctl.output.NodeView;
import orch.ctl.output.OutputFormat;

/** {@code node show}. */
final class NodeShowCommand implements Command {
  @Override
  public void syntax(Syntax syntax) {
    syntax.operand("NODE", "1..*", "name of a node").forms().example("orchctl node show rack1-07");
  }

  @Override
  public int run(Session session, Arguments arguments) throws CallException, UsageException {
    OutputFormat form = arguments.form();
    List<JsonObject> nodes = new ArrayList<>();
    for (String name : arguments.operands(0)) {
      JsonObject request = new JsonObject().put("name", Names.node(name));
      nodes.add(session.call("NodeService/GetNode", request));
    }
    if (session.print(form, Documents.of("nodes", nodes), nodes)) {
      return ExitCodes.DONE;
    }
    String separator = "";
    for (JsonObject node : nodes) {
      session
          .console()
          .print(separator + NodeView.facts(node, session.coloured(), session.nowMillis()));
      separator = "\n";
    }
    return ExitCodes.DONE;
  }
}

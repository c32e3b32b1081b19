package orch.ctl.command;

import java.util.ArrayList;
import java.util.List;
import orch.ctl.http.CallException;
import orch.ctl.json.JsonArray;
import orch.ctl.json.JsonObject;
import orch.ctl.output.NodeView;
import orch.ctl.output.OutputFormat;
import orch.ctl.output.Words;

/** {@code node labels}. */
final class NodeLabelsCommand implements Command {
  @Override
  public void syntax(Syntax syntax) {
    syntax
        .operand("NODE", "1", "name of a node")
        .operand("K=V|K-", "1..*", "a label to set, or one to remove")
        .forms()
        .example("orchctl node labels rack1-07 rack=r1 gpu=a100 old-")
        .example("orchctl node labels rack1-07 -- gpu-");
  }

  @Override
  public int run(Session session, Arguments arguments) throws CallException, UsageException {
    OutputFormat form = arguments.form();
    List<String> set = new ArrayList<>();
    JsonArray remove = new JsonArray();
    for (String change : arguments.operands(1)) {
      if (change.indexOf('=') < 0 && change.endsWith("-") && change.length() > 1) {
        remove.add(change.substring(0, change.length() - 1));
      } else {
        set.add(change);
      }
    }
    JsonObject request =
        new JsonObject().put("set", Pairs.of(set, "a label")).put("remove", remove);
    JsonObject node =
        NodeChange.call(session, "NodeService/UpdateNodeLabels", arguments.operand(0, ""), request);
    if (!session.print(form, node, List.of(node))) {
      session
          .console()
          .println(NodeView.name(node) + " labels: " + Words.pairs(node.object("labels")));
    }
    return ExitCodes.DONE;
  }
}

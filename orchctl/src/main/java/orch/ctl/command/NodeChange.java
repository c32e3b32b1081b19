package orch.ctl.command;

import java.util.List;
import orch.ctl.http.CallException;
import orch.ctl.json.JsonObject;
import orch.ctl.output.NodeView;
import orch.ctl.output.OutputFormat;
import orch.ctl.output.Words;

/** What commands that change nodes have in common. */
final class NodeChange {
  private NodeChange() {}

  static JsonObject call(Session session, String method, String node, JsonObject request)
      throws CallException {
    request.put("name", Names.node(node));
    request.put("requestId", session.requestId());
    return session.call(method, request);
  }

  /** Prints the state of the nodes after the change. */
  static int print(Session session, OutputFormat form, List<JsonObject> nodes) {
    if (!session.print(form, Documents.of("nodes", nodes), nodes)) {
      for (JsonObject node : nodes) {
        String state = Words.ofEnum(node.text("state"), "NODE_STATE_");
        session.console().println(NodeView.name(node) + " " + state);
      }
    }
    return ExitCodes.DONE;
  }
}

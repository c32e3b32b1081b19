package orch.ctl.command;

import java.util.List;
import java.util.Locale;
import orch.ctl.http.CallException;
import orch.ctl.json.JsonArray;
import orch.ctl.json.JsonObject;
import orch.ctl.output.NodeView;
import orch.ctl.output.OutputFormat;

/** {@code node list}. */
final class NodeListCommand implements Command {
  private static final List<String> STATES =
      List.of("ready", "cordoned", "draining", "unreachable", "gone");

  @Override
  public void syntax(Syntax syntax) {
    syntax
        .repeated("--state", "STATE", "only in this state: " + String.join(", ", STATES))
        .repeated("-l,--label", "K[=V]", "only with this label")
        .forms()
        .example("orchctl node list -o wide")
        .example("orchctl node list --state unreachable -o name");
  }

  @Override
  public int run(Session session, Arguments arguments) throws CallException, UsageException {
    OutputFormat form = arguments.form();
    JsonObject request = new JsonObject();
    if (arguments.has("--state")) {
      JsonArray states = new JsonArray();
      for (String word : arguments.options("--state")) {
        String state = word.toLowerCase(Locale.ROOT);
        if (!STATES.contains(state)) {
          throw new UsageException(
              "there is no node state '" + word + "'; they are " + String.join(", ", STATES));
        }
        states.add("NODE_STATE_" + state.toUpperCase(Locale.ROOT));
      }
      request.put("states", states);
    }
    if (arguments.has("--label")) {
      request.put("labels", Pairs.filter(arguments.options("--label")));
    }
    Pages nodes = Pages.read(session, "NodeService/ListNodes", request, "nodes", 0);
    if (!session.print(form, nodes.document(), nodes.elements())) {
      session
          .console()
          .print(
              NodeView.table(
                  nodes.elements(),
                  form == OutputFormat.WIDE,
                  session.coloured(),
                  session.nowMillis()));
    }
    return ExitCodes.DONE;
  }
}

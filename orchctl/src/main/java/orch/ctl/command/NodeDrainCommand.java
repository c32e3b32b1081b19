package orch.ctl.command;

import java.util.List;
import orch.ctl.http.CallException;
import orch.ctl.json.JsonObject;
import orch.ctl.output.Console;
import orch.ctl.output.NodeView;
import orch.ctl.output.OutputFormat;
import orch.ctl.output.Words;

/** {@code node drain}. */
final class NodeDrainCommand implements Command {
  private static final long POLL_MILLIS = 500;

  /** A node that is unreachable meanwhile is waited for. */
  private static final List<String> DRAINED =
      List.of("NODE_STATE_DRAINING", "NODE_STATE_UNREACHABLE");

  @Override
  public void syntax(Syntax syntax) {
    syntax
        .operand("NODE", "1", "name of a node")
        .option("--deadline", "D", "after it the tasks are killed, for example 10m")
        .flag("-d,--detach", "does not wait until the tasks are gone")
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
    if (arguments.has("--detach")) {
      return NodeChange.print(session, form, List.of(node));
    }
    JsonObject after = drained(session, node);
    boolean drained = after.number("attempts") == 0 && DRAINED.contains(after.text("state"));
    if (drained && form != OutputFormat.JSON && form != OutputFormat.YAML) {
      session.console().println(NodeView.name(after) + " drained");
      return ExitCodes.DONE;
    }
    int code = NodeChange.print(session, form, List.of(after));
    return drained ? code : ExitCodes.FAILED;
  }

  /** Waits until nothing is left on the node, or it is no longer drained. */
  private static JsonObject drained(Session session, JsonObject node) throws CallException {
    session.client().bePatient();
    Console console = session.console();
    JsonObject request = new JsonObject().put("name", node.text("name"));
    String said = "";
    while (node.number("attempts") > 0 && DRAINED.contains(node.text("state"))) {
      String left =
          NodeView.name(node) + ": " + Words.stateAndReason(state(node), node.text("reason"));
      console.progress(left);
      if (!console.terminal().output() && !left.equals(said)) {
        console.note(left);
        said = left;
      }
      try {
        session.world().pause().millis(POLL_MILLIS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return node;
      }
      node = session.call("NodeService/GetNode", request);
    }
    console.clearProgress();
    return node;
  }

  private static String state(JsonObject node) {
    return Words.ofEnum(node.text("state"), "NODE_STATE_");
  }
}

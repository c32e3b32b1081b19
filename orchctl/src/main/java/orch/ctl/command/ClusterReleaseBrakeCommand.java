package orch.ctl.command;

import java.util.List;
import orch.ctl.http.CallException;
import orch.ctl.json.JsonObject;
import orch.ctl.output.NodeView;
import orch.ctl.output.OutputFormat;

/** {@code cluster release-brake}. */
final class ClusterReleaseBrakeCommand implements Command {
  @Override
  public void syntax(Syntax syntax) {
    syntax
        .flag("--i-verified", "I have seen that the silent hosts are off, or it does not matter")
        .forms()
        .example("orchctl cluster release-brake --i-verified");
  }

  @Override
  public int run(Session session, Arguments arguments) throws CallException, UsageException {
    OutputFormat form = arguments.form();
    if (!arguments.has("--i-verified")) {
      throw new UsageException(
          "over half of the fleet is silent, and what still runs there would run twice; see that"
              + " those hosts are off, then add --i-verified");
    }
    JsonObject request =
        new JsonObject().put("requestId", session.requestId()).put("verified", true);
    JsonObject cluster = session.call("ClusterService/ReleaseBrake", request);
    if (!session.print(form, cluster, List.of())) {
      session.console().print(NodeView.cluster(cluster, session.coloured(), session.nowMillis()));
    }
    return ExitCodes.DONE;
  }
}

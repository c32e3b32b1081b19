package orch.ctl.command;

import java.util.List;
import orch.ctl.http.CallException;
import orch.ctl.json.JsonObject;
import orch.ctl.output.NodeView;
import orch.ctl.output.OutputFormat;

/** {@code cluster status}. */
final class ClusterStatusCommand implements Command {
  @Override
  public void syntax(Syntax syntax) {
    syntax.forms().example("orchctl cluster status");
  }

  @Override
  public int run(Session session, Arguments arguments) throws CallException, UsageException {
    OutputFormat form = arguments.form();
    JsonObject cluster = session.call("ClusterService/GetCluster", new JsonObject());
    if (form == OutputFormat.NAME) {
      session.console().println(cluster.text("clusterId"));
    } else if (!session.print(form, cluster, List.of())) {
      session.console().print(NodeView.cluster(cluster, session.coloured(), session.nowMillis()));
    }
    return ExitCodes.DONE;
  }
}

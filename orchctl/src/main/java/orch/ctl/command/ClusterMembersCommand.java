package orch.ctl.command;

import orch.ctl.http.CallException;
import orch.ctl.json.JsonObject;
import orch.ctl.output.Colour;
import orch.ctl.output.OutputFormat;
import orch.ctl.output.Table;
import orch.ctl.output.Words;

/** {@code cluster members}. */
final class ClusterMembersCommand implements Command {
  private static final String LEADER = "MEMBER_ROLE_LEADER";

  @Override
  public void syntax(Syntax syntax) {
    syntax.forms().example("orchctl cluster members");
  }

  @Override
  public int run(Session session, Arguments arguments) throws CallException, UsageException {
    OutputFormat form = arguments.form();
    JsonObject answer = session.call("ClusterService/ListMembers", new JsonObject());
    if (session.print(form, answer, answer.objects("members"))) {
      return ExitCodes.DONE;
    }
    Table table =
        new Table(
            session.coloured(),
            "member",
            "role",
            ">epoch",
            ">revision",
            ">lag",
            "http",
            "grpc",
            "version",
            ">format");
    long newest = -1;
    for (JsonObject member : answer.objects("members")) {
      if (member.text("role").equals(LEADER)) {
        newest = member.number("appliedRevision");
      }
    }
    for (JsonObject member : answer.objects("members")) {
      String role = Words.ofEnum(member.text("role"), "MEMBER_ROLE_");
      table
          .row(
              member.text("name"),
              role,
              member.text("epoch"),
              member.text("appliedRevision"),
              lag(newest, member.number("appliedRevision")),
              member.text("httpAddress"),
              member.text("grpcAddress"),
              member.text("version"),
              member.text("maxFormatLevel"))
          .colour(1, Colour.ofState(role));
    }
    session.console().print(table.render());
    return ExitCodes.DONE;
  }

  /** Revisions behind the leader; what members say of themselves is two seconds old at most. */
  private static String lag(long leader, long applied) {
    return leader < 0 ? "-" : Long.toString(Math.max(0, leader - applied));
  }
}

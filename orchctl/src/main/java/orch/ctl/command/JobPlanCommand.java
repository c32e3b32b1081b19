package orch.ctl.command;

import java.util.ArrayList;
import java.util.List;
import orch.ctl.http.CallException;
import orch.ctl.json.JsonObject;
import orch.ctl.output.OutputFormat;
import orch.ctl.output.Words;

/** {@code job plan}. */
final class JobPlanCommand implements Command {
  @Override
  public void syntax(Syntax syntax) {
    syntax
        .operand("FILE|-", "1..*", "YAML or JSON; - is standard input")
        .option("-o,--output", "FORM", "table, json or yaml")
        .example("orchctl job plan web.yaml");
  }

  @Override
  public int run(Session session, Arguments arguments) throws CallException, UsageException {
    OutputFormat form = arguments.form();
    List<JsonObject> plans = new ArrayList<>();
    List<SpecFiles.Spec> specs = SpecFiles.parse(session, arguments.operands(0));
    for (SpecFiles.Spec spec : specs) {
      JsonObject request =
          new JsonObject().put("parent", session.parent()).put("spec", spec.spec());
      plans.add(session.call("JobService/PlanJob", request));
    }
    if (!session.print(form, Documents.of("plans", plans), List.of())) {
      for (int i = 0; i < plans.size(); i++) {
        session.console().print(text(specs.get(i), plans.get(i)));
      }
    }
    return ExitCodes.DONE;
  }

  private static String text(SpecFiles.Spec spec, JsonObject plan) {
    String name = spec.spec().text("name");
    StringBuilder text = new StringBuilder(name.isEmpty() ? spec.file() : name);
    text.append(
        switch (plan.text("outcome")) {
          case "SUBMIT_OUTCOME_UPDATED" -> ": a new version of the live job\n";
          case "SUBMIT_OUTCOME_UNCHANGED" -> ": nothing to do, the live job has this very spec\n";
          default -> ": a new job\n";
        });
    for (String change : plan.texts("changes")) {
      text.append("  ").append(change).append('\n');
    }
    JsonObject placements = plan.object("placements");
    for (String node : placements.members().keySet()) {
      text.append("  on ")
          .append(node)
          .append(": ")
          .append(Words.count(placements.number(node), "task"))
          .append('\n');
    }
    JsonObject waiting = plan.object("waiting");
    if (!waiting.text("summary").isEmpty()) {
      text.append("  ").append(WhyCommand.text(waiting));
    }
    return text.toString();
  }
}

package orch.ctl.command;

import java.util.ArrayList;
import java.util.List;
import orch.ctl.http.ApiException;
import orch.ctl.http.CallException;
import orch.ctl.json.JsonObject;
import orch.ctl.output.OutputFormat;
import orch.ctl.output.Words;

/** {@code job submit}. */
final class JobSubmitCommand implements Command {
  @Override
  public void syntax(Syntax syntax) {
    syntax
        .operand(
            "FILE|-", "1..*", "YAML or JSON; - is standard input; --- separates jobs in a file")
        .flag("--replace", "ends a live batch job of the same name first")
        .flag("--dry-run", "checks everything, submits nothing")
        .forms()
        .example("orchctl submit web.yaml")
        .example("number=$(orchctl submit -o name nightly.yaml)   # namespaces/default/jobs/42");
  }

  @Override
  public int run(Session session, Arguments arguments) throws CallException, UsageException {
    OutputFormat form = arguments.form();
    List<SpecFiles.Spec> specs = SpecFiles.parse(session, arguments.operands(0));
    boolean dryRun = arguments.has("--dry-run");
    if (specs.size() > 1 && !dryRun) {
      // What the controller would refuse is found before anything is submitted.
      for (SpecFiles.Spec spec : specs) {
        submit(session, spec, arguments.has("--replace"), true);
      }
    }
    List<JsonObject> jobs = new ArrayList<>();
    List<JsonObject> answers = new ArrayList<>();
    for (SpecFiles.Spec spec : specs) {
      JsonObject answer = submit(session, spec, arguments.has("--replace"), dryRun);
      answers.add(answer);
      jobs.add(answer.object("job"));
      if (form == OutputFormat.TABLE || form == OutputFormat.WIDE) {
        session.console().println(sentence(answer, spec, dryRun));
      }
    }
    session.print(form, Documents.of("submitted", answers), jobs);
    return ExitCodes.DONE;
  }

  private static String sentence(JsonObject answer, SpecFiles.Spec spec, boolean dryRun) {
    JsonObject job = answer.object("job");
    if (dryRun) {
      String name = spec.spec().text("name");
      return (name.isEmpty() ? spec.file() : name) + " is right; nothing was submitted";
    }
    String title = "job " + Words.jobTitle(job);
    return switch (answer.text("outcome")) {
      case "SUBMIT_OUTCOME_UPDATED" -> title + " updated to version " + job.number("version");
      case "SUBMIT_OUTCOME_UNCHANGED" -> title + " unchanged";
      default -> title + " submitted";
    };
  }

  private static JsonObject submit(
      Session session, SpecFiles.Spec spec, boolean replace, boolean validateOnly)
      throws CallException, UsageException {
    JsonObject request =
        new JsonObject()
            .put("parent", session.parent())
            .put("spec", spec.spec())
            .put("requestId", session.requestId());
    if (replace) {
      request.put("replace", true);
    }
    if (validateOnly) {
      request.put("validateOnly", true);
    }
    try {
      return session.call("JobService/SubmitJob", request);
    } catch (ApiException refused) {
      if (!refused.code().equals("invalid_argument") || refused.violations().isEmpty()) {
        throw refused;
      }
      throw UsageException.ofLines(lines(spec.file(), refused.violations()));
    }
  }

  private static String lines(String file, List<ApiException.Violation> violations) {
    StringBuilder lines = new StringBuilder();
    for (ApiException.Violation violation : violations) {
      String field = violation.field();
      JsonObject problem =
          new JsonObject()
              .put("field", field.startsWith("spec.") ? field.substring(5) : field)
              .put("message", violation.description());
      lines.append(lines.length() == 0 ? "" : "\n").append(SpecFiles.line(file, problem));
    }
    return lines.toString();
  }
}

package orch.ctl.command;

import java.util.ArrayList;
import java.util.List;
import orch.ctl.http.CallException;
import orch.ctl.json.JsonObject;

/** Job specs in files, read by the controller. */
final class SpecFiles {
  private SpecFiles() {}

  /**
   * A spec and where it stood.
   *
   * @param file as it was named on the command line
   */
  record Spec(String file, JsonObject spec) {}

  /** Every spec of every file; throws with all problems of all of them. */
  static List<Spec> parse(Session session, List<String> files)
      throws CallException, UsageException {
    List<Spec> specs = new ArrayList<>();
    StringBuilder problems = new StringBuilder();
    for (String file : files) {
      String text = InputFiles.read(session.world(), file);
      String shown = file.equals("-") ? "stdin" : file;
      JsonObject request = new JsonObject().put("fileName", shown).put("text", text);
      JsonObject answer = session.call("JobService/ParseSpec", request);
      for (JsonObject problem : answer.objects("problems")) {
        problems.append(problems.length() == 0 ? "" : "\n").append(line(shown, problem));
      }
      for (JsonObject spec : answer.objects("specs")) {
        specs.add(new Spec(shown, spec));
      }
    }
    if (problems.length() > 0) {
      throw UsageException.ofLines(problems.toString());
    }
    if (specs.isEmpty()) {
      throw new UsageException(String.join(", ", files) + ": there is no job in it");
    }
    return specs;
  }

  /** {@code file:line:column: field: message (did you mean 'x'?)}. */
  static String line(String file, JsonObject problem) {
    StringBuilder line = new StringBuilder();
    line.append(problem.text("fileName").isEmpty() ? file : problem.text("fileName"));
    if (problem.number("line") > 0) {
      line.append(':').append(problem.number("line"));
      line.append(':').append(Math.max(1, problem.number("column")));
    }
    line.append(": ");
    String field = problem.text("field");
    String message = problem.text("message");
    if (!field.isEmpty() && !message.startsWith(field + ":")) {
      line.append(field).append(": ");
    }
    line.append(message);
    String suggestion = problem.text("suggestion");
    if (!suggestion.isEmpty() && !message.contains("did you mean")) {
      line.append(" (did you mean '").append(suggestion).append("'?)");
    }
    return line.toString();
  }
}

package orch.ctl.command;

import java.util.List;
import java.util.Locale;
import orch.ctl.output.OutputFormat;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ParseResult;

/** What a command was given. */
final class Arguments {
  private static final List<String> FORMS = List.of("table", "wide", "json", "yaml", "name");

  private final ParseResult parsed;

  Arguments(ParseResult parsed) {
    this.parsed = parsed;
  }

  /** Whether a flag or an option was given. */
  boolean has(String option) {
    return parsed.hasMatchedOption(option);
  }

  /** An option's value, or null when it was not given. */
  @Nullable String option(String option) {
    return has(option) ? parsed.matchedOptionValue(option, "") : null;
  }

  /** An option's value. */
  String option(String option, String unsaid) {
    return has(option) ? parsed.matchedOptionValue(option, unsaid) : unsaid;
  }

  /** The values of an option that may be repeated. */
  List<String> options(String option) {
    return List.of(parsed.matchedOptionValue(option, new String[0]));
  }

  /** An operand by its place. */
  String operand(int index, String unsaid) {
    return parsed.matchedPositionalValue(index, unsaid);
  }

  /** The operands from a place on. */
  List<String> operands(int from) {
    return List.of(parsed.matchedPositionalValue(from, new String[0]));
  }

  /** The value of {@code -o}. */
  OutputFormat form() throws UsageException {
    return form(FORMS);
  }

  /** The value of {@code -o}, where there are these. */
  OutputFormat form(List<String> forms) throws UsageException {
    String form = option("--output", "table");
    if (!forms.contains(form)) {
      throw new UsageException(
          "there is no output form '"
              + form
              + "'"
              + Nearest.hint(form, forms)
              + (Nearest.hint(form, forms).isEmpty() ? "; use " + String.join(", ", forms) : ""));
    }
    return OutputFormat.valueOf(form.toUpperCase(Locale.ROOT));
  }
}

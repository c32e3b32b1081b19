package orch.api.yaml;

import java.util.regex.Pattern;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;

/** Says in a sentence what the parser stumbled over, and what was probably meant. */
final class YamlSyntax {
  /** A key whose value follows without a space. */
  private static final Pattern SQUEEZED = Pattern.compile("\\s*[A-Za-z]+:[^\\s].*");

  private YamlSyntax() {}

  static YamlProblem explain(MarkedYamlEngineException e, String text) {
    int line = YamlReader.line(e.getProblemMark().orElse(null));
    int column = YamlReader.column(e.getProblemMark().orElse(null));
    String problem = e.getProblem() == null ? "" : e.getProblem();
    String context = e.getContext() == null ? "" : e.getContext();
    int began = YamlReader.line(e.getContextMark().orElse(null));
    if (problem.contains("TAB")) {
      return new YamlProblem(
          line, column, "a tab stands here, and YAML is indented with spaces; replace it");
    }
    if (problem.contains("cannot start any token")) {
      return new YamlProblem(
          line,
          column,
          "a text may not begin with '" + character(text, line, column) + "'; put it in quotes");
    }
    if (problem.contains("mapping values are not allowed")) {
      return new YamlProblem(line, column, unexpectedColon(text, line, column));
    }
    if (problem.contains("could not find expected ':'")) {
      int keyColumn = YamlReader.column(e.getContextMark().orElse(null));
      return new YamlProblem(
          began,
          keyColumn,
          SQUEEZED.matcher(line(text, began)).matches()
              ? "there is no space after the ':'; write 'key: value'"
              : "a key without ':' stands here; write 'key: value'");
    }
    if (problem.contains("unexpected end of stream") && context.contains("quoted")) {
      return new YamlProblem(
          began,
          YamlReader.column(e.getContextMark().orElse(null)),
          "the quote that opens here is not closed");
    }
    if (problem.contains("unknown escape character")) {
      return new YamlProblem(
          line,
          column,
          "there is no escape '\\"
              + character(text, line, column)
              + "' in double quotes; double the backslash, or use single quotes");
    }
    if (problem.contains("expected ',' or ']'") || problem.contains("expected ',' or '}'")) {
      boolean list = problem.contains("]");
      return new YamlProblem(
          line,
          column,
          "expected ',' or "
              + (list ? "']'" : "'}'")
              + " of the "
              + (list ? "list" : "mapping")
              + " that opens in line "
              + began);
    }
    if (problem.contains("expected <block end>")) {
      return new YamlProblem(line, column, blockEnd(problem, began));
    }
    return new YamlProblem(
        line, column, "is not YAML: " + (context.isEmpty() ? "" : context + ", ") + problem);
  }

  private static String blockEnd(String problem, int began) {
    String mapping = "the mapping that begins in line " + began;
    if (problem.contains("'-'")) {
      return "a list item stands where a key of " + mapping + " should; indent it under its key";
    }
    if (problem.contains("']'") || problem.contains("'}'")) {
      return "this bracket closes nothing";
    }
    return "this belongs neither to the value before it nor to "
        + mapping
        + "; check its indentation, and put a text that goes on after a quote in quotes as a whole";
  }

  private static String unexpectedColon(String text, int line, int column) {
    String here = line(text, line);
    if (here.indexOf(':') >= 0 && here.indexOf(": ") < column - 1 && here.indexOf(": ") >= 0) {
      return "a second ': ' in one line; put a text that contains ': ' in quotes";
    }
    if (SQUEEZED.matcher(line(text, line - 1)).matches()) {
      return "the line before has no space after its ':'; write 'key: value'";
    }
    return "this key is indented differently from the keys before it";
  }

  /** The text of a line, counted from 1; empty where there is none. */
  private static String line(String text, int number) {
    return text.lines().skip(Math.max(0, number - 1)).findFirst().orElse("");
  }

  private static String character(String text, int line, int column) {
    String here = line(text, line);
    int index =
        here.isEmpty()
            ? 0
            : here.offsetByCodePoints(
                0, Math.min(column - 1, here.codePointCount(0, here.length())));
    return index < here.length() ? Character.toString(here.codePointAt(index)) : "";
  }
}

package orch.api.model;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The expansions in a job's command, environment and paths. Only <em>dotted</em> names are Orch's,
 * {@code ${port.http}}, so that the shell's own {@code ${HOME}} and {@code ${f%.gz}} pass through;
 * {@code $${port.http}} stays literal {@code ${port.http}}.
 *
 * <pre>
 *   ${task.index} ${task.item} ${task.name} ${task.attempt}   web/3: 3, its item, "web/3", 1
 *   ${job.name} ${job.number}
 *   ${node.name} ${node.FACT}     a label or attribute of the node; adds the constraint that it exists
 *   ${port.NAME}                  a port of resources.ports
 *   ${param.NAME}                 a parameter of the template
 * </pre>
 *
 * <p>Paths of standard input, output and error also know {@code %j} (job number), {@code %n} (job
 * name), {@code %i} (task index), {@code %a} (attempt) and {@code %%}.
 */
public final class Template {
  private static final Pattern EXPANSION =
      Pattern.compile("(\\$?)\\$\\{([A-Za-z_][A-Za-z0-9_]*(?:\\.[A-Za-z0-9_-]+)+)\\}");

  private static final List<String> FIXED =
      List.of(
          "task.index",
          "task.item",
          "task.name",
          "task.attempt",
          "job.name",
          "job.number",
          "node.name");

  private static final Pattern PATH_PATTERN = Pattern.compile("%[jnia%]");

  private Template() {}

  /**
   * What a job's texts may name.
   *
   * @param ports of {@code resources.ports}
   * @param items whether its tasks have items
   * @param parameters of the template
   */
  public record Scope(SortedSet<String> ports, boolean items, SortedSet<String> parameters) {
    public Scope {
      ports = Collections.unmodifiableSortedSet(new TreeSet<>(ports));
      parameters = Collections.unmodifiableSortedSet(new TreeSet<>(parameters));
    }

    /** Every name that a text of the job may use, {@code node.NAME} apart. */
    public List<String> names() {
      List<String> names = new ArrayList<>(FIXED);
      if (!items) {
        names.remove("task.item");
      }
      ports.forEach(port -> names.add("port." + port));
      parameters.forEach(parameter -> names.add("param." + parameter));
      return names;
    }
  }

  /** The dotted names that {@code text} expands, without the escaped ones. */
  public static SortedSet<String> names(String text) {
    SortedSet<String> names = new TreeSet<>();
    Matcher matcher = EXPANSION.matcher(text);
    while (matcher.find()) {
      if (matcher.group(1).isEmpty()) {
        names.add(matcher.group(2));
      }
    }
    return names;
  }

  /**
   * Expands every dotted name by {@code resolver}. Throws IllegalArgumentException when it knows
   * one not (answers null), with the name.
   */
  public static String expand(String text, Function<String, @Nullable String> resolver) {
    if (text.indexOf("${") < 0) {
      return text;
    }
    Matcher matcher = EXPANSION.matcher(text);
    StringBuilder expanded = new StringBuilder();
    while (matcher.find()) {
      String name = matcher.group(2);
      String value;
      if (matcher.group(1).isEmpty()) {
        value = resolver.apply(name);
        if (value == null) {
          throw new IllegalArgumentException("${" + name + "} has no value here");
        }
      } else {
        value = "${" + name + "}";
      }
      matcher.appendReplacement(expanded, Matcher.quoteReplacement(value));
    }
    return matcher.appendTail(expanded).toString();
  }

  /** A sentence for each name in {@code text} that a job with this scope does not have. */
  public static List<String> problems(String text, Scope scope) {
    List<String> problems = new ArrayList<>();
    for (String name : names(text)) {
      if (!isKnown(name, scope)) {
        problems.add(unknown(name, scope));
      }
    }
    return problems;
  }

  /**
   * The node facts that {@code text} needs: for {@code ${node.rack}} the constraint {@code rack}.
   */
  public static SortedSet<String> impliedConstraints(String text) {
    SortedSet<String> facts = new TreeSet<>();
    for (String name : names(text)) {
      if (name.startsWith("node.") && !name.equals("node.name")) {
        facts.add(name.substring("node.".length()));
      }
    }
    return facts;
  }

  /** Expands {@code %j %n %i %a %%} in a path; any other {@code %} stays. */
  public static String expandPath(
      String path, long jobNumber, String jobName, int taskIndex, int attempt) {
    Matcher patterns = PATH_PATTERN.matcher(path);
    StringBuilder expanded = new StringBuilder();
    while (patterns.find()) {
      String value =
          switch (patterns.group().charAt(1)) {
            case 'j' -> Long.toString(jobNumber);
            case 'n' -> jobName;
            case 'i' -> Integer.toString(taskIndex);
            case 'a' -> Integer.toString(attempt);
            default -> "%";
          };
      patterns.appendReplacement(expanded, Matcher.quoteReplacement(value));
    }
    patterns.appendTail(expanded);
    return expanded.toString();
  }

  /** A sentence for each {@code %} in {@code path} that {@link #expandPath} does not know. */
  public static List<String> pathProblems(String path) {
    List<String> problems = new ArrayList<>();
    for (int i = path.indexOf('%'); i >= 0; i = path.indexOf('%', i + 2)) {
      String pattern = path.substring(i, Math.min(i + 2, path.length()));
      if (!PATH_PATTERN.matcher(pattern).matches()) {
        problems.add(
            "there is no '"
                + pattern
                + "'; known are %j (job number), %n (job name), %i (task index), %a (attempt) and"
                + " %% for a percent sign");
      }
    }
    return problems;
  }

  private static boolean isKnown(String name, Scope scope) {
    return name.startsWith("node.") || scope.names().contains(name);
  }

  private static String unknown(String name, Scope scope) {
    String text = "there is no ${" + name + "}";
    if (name.equals("task.item")) {
      return text + " in a job without items; ${task.index} is the index of the task";
    }
    if (name.startsWith("port.")) {
      return text
          + (scope.ports().isEmpty()
              ? ": the job asks for no ports; add "
                  + name.substring("port.".length())
                  + " to resources.ports"
              : ": the job's ports are " + String.join(", ", scope.ports()))
          + NearestName.hint(name, scope.names());
    }
    if (name.startsWith("param.")) {
      return text
          + (scope.parameters().isEmpty()
              ? ": the job has no parameters; add "
                  + name.substring("param.".length())
                  + " to parameters"
              : ": the job's parameters are " + String.join(", ", scope.parameters()))
          + NearestName.hint(name, scope.names());
    }
    String hint = NearestName.hint(name, scope.names());
    return text
        + (hint.isEmpty() ? ". Known are " : hint + " Known are ")
        + String.join(", ", scope.names())
        + " and node.FACT; to pass it on as it is write $${"
        + name
        + "}";
  }
}

package orch.ctl.command;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What {@code run} hands on of the caller's environment: PATH, LANG, LC_*, TZ and TERM; the rest,
 * with its secrets, only when it is asked for.
 */
final class ExportedEnvironment {
  /** What describes this process, and would be wrong in another. */
  private static final List<String> OWN = List.of("_", "PWD", "OLDPWD", "SHLVL", "ORCH_TOKEN");

  private ExportedEnvironment() {}

  /**
   * The variables of a task.
   *
   * @param export {@code ALL}, {@code NONE}, or names to add; null: not said
   * @param settings {@code K=V}, or {@code K} for the caller's value
   */
  static Map<String, String> of(
      Map<String, String> caller, @Nullable String export, List<String> settings)
      throws UsageException {
    Map<String, String> exported = new TreeMap<>();
    if (!"NONE".equals(export)) {
      for (Map.Entry<String, String> variable : caller.entrySet()) {
        if (isHandedOn(variable.getKey(), "ALL".equals(export))) {
          exported.put(variable.getKey(), escaped(variable.getValue()));
        }
      }
      if (export != null && !export.equals("ALL")) {
        addNamed(caller, export, exported);
      }
    }
    for (String setting : settings) {
      int equals = setting.indexOf('=');
      if (equals > 0) {
        exported.put(setting.substring(0, equals), setting.substring(equals + 1));
      } else if (equals < 0 && !setting.isEmpty()) {
        exported.put(setting, escaped(valueOf(caller, setting, "-e")));
      } else {
        throw new UsageException("-e wants NAME=VALUE or NAME, not '" + setting + "'");
      }
    }
    return exported;
  }

  private static boolean isHandedOn(String name, boolean all) {
    return switch (name) {
      case "PATH", "LANG", "TZ", "TERM" -> true;
      default -> name.startsWith("LC_") || all && !OWN.contains(name) && !isOfTheTaskAroundUs(name);
    };
  }

  /** When orchctl itself runs in a task, the new task has variables of its own in their place. */
  private static boolean isOfTheTaskAroundUs(String name) {
    return name.startsWith("ORCH_") && !name.equals("ORCH_ADDRESS")
        || name.equals("TRACEPARENT")
        || name.equals("TRACESTATE");
  }

  private static void addNamed(
      Map<String, String> caller, String names, Map<String, String> exported)
      throws UsageException {
    int from = 0;
    while (from <= names.length()) {
      int comma = names.indexOf(',', from);
      int end = comma < 0 ? names.length() : comma;
      String name = names.substring(from, end).strip();
      if (name.isEmpty()) {
        throw new UsageException(
            "--export wants ALL, NONE or names such as A,B, not '" + names + "'");
      }
      exported.put(name, escaped(valueOf(caller, name, "--export")));
      from = end + 1;
    }
  }

  private static String valueOf(Map<String, String> caller, String name, String option)
      throws UsageException {
    String value = caller.get(name);
    if (value == null) {
      throw new UsageException(
          option
              + ": "
              + name
              + " is not set here; set it, or give its value by -e "
              + name
              + "=…");
    }
    return value;
  }

  /**
   * The text so that Orch, which expands dotted names such as {@code ${task.index}}, leaves it as
   * it is.
   */
  static String escaped(String value) {
    int from = value.indexOf("${");
    if (from < 0) {
      return value;
    }
    StringBuilder escaped = new StringBuilder(value.length() + 8);
    int copied = 0;
    while (from >= 0) {
      if (isDottedName(value, from + 2)) {
        escaped.append(value, copied, from).append('$');
        copied = from;
      }
      from = value.indexOf("${", from + 2);
    }
    return escaped.append(value, copied, value.length()).toString();
  }

  /** Whether {@code NAME.NAME…}} stands here. */
  private static boolean isDottedName(String text, int from) {
    int close = text.indexOf('}', from);
    if (close < 0 || !isWordStart(text.charAt(from))) {
      return false;
    }
    boolean dotted = false;
    for (int i = from; i < close; i++) {
      char c = text.charAt(i);
      if (c == '.') {
        if (i + 1 == close || text.charAt(i + 1) == '.') {
          return false;
        }
        dotted = true;
      } else if (!isWordPart(c) && !(dotted && c == '-')) {
        return false;
      }
    }
    return dotted;
  }

  private static boolean isWordStart(char c) {
    return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_';
  }

  private static boolean isWordPart(char c) {
    return isWordStart(c) || c >= '0' && c <= '9';
  }
}

package orch.ctl.command;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The file of contexts. Of YAML it may use mappings by indentation, plain or quoted strings on one
 * line, and comments:
 *
 * <pre>
 *   current: lab
 *   contexts:
 *     lab:
 *       address: http://10.0.0.1:7400
 *       token: abc
 *       namespace: team
 * </pre>
 *
 * @param current name of the context that is used when none is named; empty: none
 */
record ContextFile(String current, Map<String, Context> contexts) {
  /** Values of one context; what is empty is not said. */
  record Context(String address, String token, String namespace) {}

  private static final List<String> KEYS = List.of("address", "token", "namespace");
  private static final List<String> TOP_KEYS = List.of("current", "contexts");

  /** Nothing is said. */
  static ContextFile empty() {
    return new ContextFile("", Map.of());
  }

  /** Reads it; {@code file} is its name for messages. */
  static ContextFile parse(String file, String text) throws UsageException {
    return new Parser(file).parse(text);
  }

  private static final class Parser {
    private final String file;
    private final Map<String, Map<String, String>> contexts = new LinkedHashMap<>();
    private String current = "";
    private int line;
    private boolean inContexts;
    private int nameIndent = -1;
    private int keyIndent = -1;
    private Map<String, String> open = new LinkedHashMap<>();

    Parser(String file) {
      this.file = file;
    }

    ContextFile parse(String text) throws UsageException {
      for (String raw : lines(text)) {
        line++;
        String content = withoutComment(raw);
        if (!content.isBlank() && !content.equals("---")) {
          read(content);
        }
      }
      Map<String, Context> read = new LinkedHashMap<>();
      for (Map.Entry<String, Map<String, String>> context : contexts.entrySet()) {
        Map<String, String> values = context.getValue();
        read.put(
            context.getKey(),
            new Context(
                values.getOrDefault("address", ""),
                values.getOrDefault("token", ""),
                values.getOrDefault("namespace", "")));
      }
      return new ContextFile(current, read);
    }

    private void read(String content) throws UsageException {
      int indent = 0;
      while (content.charAt(indent) == ' ') {
        indent++;
      }
      if (content.charAt(indent) == '\t') {
        throw wrong("indent by spaces, not by tabs");
      }
      int colon = content.indexOf(':', indent);
      if (colon < 0 || colon + 1 < content.length() && content.charAt(colon + 1) != ' ') {
        throw wrong("expected 'key: value'");
      }
      String key = unquoted(content.substring(indent, colon).strip());
      String value = unquoted(content.substring(colon + 1).strip());
      if (indent == 0) {
        readTop(key, value);
      } else if (!inContexts) {
        throw wrong("'" + key + "' is indented and belongs to nothing");
      } else if (nameIndent < 0 || indent == nameIndent) {
        readName(key, value, indent);
      } else if (indent > nameIndent && (keyIndent < 0 || indent == keyIndent)) {
        keyIndent = indent;
        readValue(key, value);
      } else {
        throw wrong("'" + key + "' is indented unlike the lines before it");
      }
    }

    private void readTop(String key, String value) throws UsageException {
      inContexts = key.equals("contexts");
      if (key.equals("current")) {
        current = value;
      } else if (!inContexts) {
        throw wrong("unknown key '" + key + "'" + Nearest.hint(key, TOP_KEYS));
      } else if (!value.isEmpty() && !value.equals("{}")) {
        throw wrong("below 'contexts' stand names, each on a line of its own");
      }
    }

    private void readName(String key, String value, int indent) throws UsageException {
      if (!value.isEmpty()) {
        throw wrong("below the context '" + key + "' stand address, token and namespace");
      }
      nameIndent = indent;
      keyIndent = -1;
      open = new LinkedHashMap<>();
      if (contexts.put(key, open) != null) {
        throw wrong("the context '" + key + "' is there twice");
      }
    }

    private void readValue(String key, String value) throws UsageException {
      if (!KEYS.contains(key)) {
        throw wrong("unknown key '" + key + "'" + Nearest.hint(key, KEYS));
      }
      if (open.put(key, value) != null) {
        throw wrong("'" + key + "' is there twice");
      }
    }

    private String unquoted(String text) throws UsageException {
      if (text.isEmpty()) {
        return text;
      }
      char first = text.charAt(0);
      if (first == '"' || first == '\'') {
        if (text.length() < 2
            || text.charAt(text.length() - 1) != first
            || text.indexOf('\\') >= 0) {
          throw wrong("a string that is not closed, or has a backslash");
        }
        return text.substring(1, text.length() - 1);
      }
      if ("[{&*!|>%@`".indexOf(first) >= 0 && !text.equals("{}")) {
        throw wrong("of YAML only plain and quoted strings are understood here; put it in quotes");
      }
      return text;
    }

    private UsageException wrong(String why) {
      return new UsageException(file + ":" + line + ": " + why);
    }

    private static String withoutComment(String raw) {
      char quote = 0;
      for (int i = 0; i < raw.length(); i++) {
        char c = raw.charAt(i);
        if (quote != 0) {
          quote = c == quote ? 0 : quote;
        } else if (c == '"' || c == '\'') {
          quote = c;
        } else if (c == '#' && (i == 0 || raw.charAt(i - 1) == ' ')) {
          return raw.substring(0, i).stripTrailing();
        }
      }
      return raw.stripTrailing();
    }

    private static List<String> lines(String text) {
      List<String> lines = new ArrayList<>();
      int from = 0;
      for (int end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
        lines.add(text.substring(from, end));
        from = end + 1;
      }
      lines.add(text.substring(from));
      return lines;
    }
  }
}

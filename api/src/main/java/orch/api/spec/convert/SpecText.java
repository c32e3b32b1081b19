package orch.api.spec.convert;

import java.util.Locale;
import java.util.regex.Pattern;
import orch.api.yaml.YamlNode;

/** Texts as YAML: plain where that is safe, quoted or as a block elsewhere. */
final class SpecText {
  private static final Pattern PLAIN =
      Pattern.compile("[A-Za-z0-9_/.$+-]([A-Za-z0-9_/.$+%=@^~-]|:(?=[A-Za-z0-9_/]))*");

  /** Marks of YAML, and what readers of YAML 1.1 take for truths. */
  private static final Pattern AMBIGUOUS = Pattern.compile("-+|\\.+|(?i:y|n|yes|no|on|off)");

  private SpecText() {}

  /** The text in one line. */
  static String quoted(String text) {
    if (PLAIN.matcher(text).matches()
        && !AMBIGUOUS.matcher(text).matches()
        && YamlNode.isPlainText(text)) {
      return text;
    }
    StringBuilder quoted = new StringBuilder("\"");
    text.codePoints().forEach(c -> escape(quoted, c));
    return quoted.append('"').toString();
  }

  private static void escape(StringBuilder quoted, int c) {
    switch (c) {
      case '"' -> quoted.append("\\\"");
      case '\\' -> quoted.append("\\\\");
      case '\n' -> quoted.append("\\n");
      case '\t' -> quoted.append("\\t");
      case '\r' -> quoted.append("\\r");
      default -> {
        if (isPrintable(c)) {
          quoted.appendCodePoint(c);
        } else if (c > 0xffff) {
          quoted.append(String.format(Locale.ROOT, "\\U%08x", c));
        } else {
          quoted.append(String.format(Locale.ROOT, "\\u%04x", c));
        }
      }
    }
  }

  /** Whether a text of several lines can stand as a literal block without losing anything. */
  static boolean isBlock(String text) {
    return text.indexOf('\n') >= 0
        && !text.isBlank()
        && !Character.isWhitespace(text.charAt(0))
        && text.codePoints().allMatch(c -> c == '\n' || c == '\t' || isPrintable(c));
  }

  /** A literal block, from its {@code |} to its last line without the line's end. */
  static String block(String indent, String text) {
    int end = text.length();
    while (end > 0 && text.charAt(end - 1) == '\n') {
      end--;
    }
    int newLines = text.length() - end;
    StringBuilder block = new StringBuilder("|");
    block.append(newLines == 0 ? "-" : newLines == 1 ? "" : "+");
    for (String line : text.substring(0, end).split("\n", -1)) {
      block.append('\n').append(line.isEmpty() ? "" : indent + line);
    }
    block.append("\n".repeat(Math.max(0, newLines - 1)));
    return block.toString();
  }

  private static boolean isPrintable(int c) {
    return (c >= 0x20 && c < 0x7f)
        || (c >= 0xa0 && c < 0xd800 && c != 0x2028 && c != 0x2029)
        || (c >= 0xe000 && c < 0xfffe && c != 0xfeff)
        || (c >= 0x10000 && c <= 0x10ffff);
  }
}

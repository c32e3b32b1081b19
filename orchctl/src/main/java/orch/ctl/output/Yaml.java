package orch.ctl.output;

import java.util.List;
import java.util.Map;
import orch.ctl.json.Json;
import orch.ctl.json.JsonArray;
import orch.ctl.json.JsonObject;

/** Writes a JSON value as YAML 1.2 in block style; a reader of YAML 1.1 gets the same values. */
public final class Yaml {
  private Yaml() {}

  /** The document, with a newline at its end. */
  public static String write(Json value) {
    StringBuilder out = new StringBuilder(1024);
    if (isBlock(value)) {
      block(value, 0, out);
    } else {
      out.append(scalar(value)).append('\n');
    }
    return out.toString();
  }

  private static boolean isBlock(Json value) {
    return value instanceof JsonObject object && !object.members().isEmpty()
        || value instanceof JsonArray array && !array.elements().isEmpty();
  }

  private static void block(Json value, int depth, StringBuilder out) {
    if (value instanceof JsonObject object) {
      for (Map.Entry<String, Json> member : object.members().entrySet()) {
        out.repeat("  ", depth);
        member(member, depth, out);
      }
    } else if (value instanceof JsonArray array) {
      elements(array.elements(), depth, out);
    }
  }

  private static void member(Map.Entry<String, Json> member, int depth, StringBuilder out) {
    out.append(text(member.getKey())).append(':');
    Json value = member.getValue();
    if (isBlock(value)) {
      out.append('\n');
      block(value, value instanceof JsonArray ? depth : depth + 1, out);
    } else {
      out.append(' ').append(scalar(value)).append('\n');
    }
  }

  private static void elements(List<Json> elements, int depth, StringBuilder out) {
    for (Json element : elements) {
      out.repeat("  ", depth).append('-');
      if (element instanceof JsonObject object && isBlock(object)) {
        char before = ' ';
        for (Map.Entry<String, Json> member : object.members().entrySet()) {
          if (before == ' ') {
            out.append(' ');
            before = '\n';
          } else {
            out.repeat("  ", depth + 1);
          }
          member(member, depth + 1, out);
        }
      } else if (isBlock(element)) {
        out.append('\n');
        block(element, depth + 1, out);
      } else {
        out.append(' ').append(scalar(element)).append('\n');
      }
    }
  }

  private static String scalar(Json value) {
    return value instanceof Json.Text text ? text(text.value()) : Json.compact(value);
  }

  /** A string, in quotes unless every reader takes it for this very string. */
  private static String text(String value) {
    return isPlain(value) ? value : Json.quote(value);
  }

  private static boolean isPlain(String value) {
    if (value.isEmpty() || isWord(value)) {
      return false;
    }
    char first = value.charAt(0);
    if (!Character.isLetter(first) && first != '/' && first != '_') {
      // Numbers, times and every indicator begin otherwise.
      return false;
    }
    for (int i = 0; i < value.length(); i++) {
      char c = value.charAt(i);
      boolean last = i == value.length() - 1;
      if (c < 0x20
          || c >= 0x7f && c < 0xa0
          || c >= 0xd800
          || c == ':' && (last || value.charAt(i + 1) == ' ')
          || c == ' ' && (last || value.charAt(i + 1) == '#')
          || c == '\u2028'
          || c == '\u2029') {
        return false;
      }
    }
    return true;
  }

  private static boolean isWord(String value) {
    return switch (value.toLowerCase(java.util.Locale.ROOT)) {
      case "true", "false", "yes", "no", "on", "off", "y", "n", "null" -> true;
      default -> false;
    };
  }
}

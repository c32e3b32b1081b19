package orch.ctl.json;

import java.util.List;
import java.util.Map;

/** Writes JSON; what is not ASCII stays as it is, control characters are escaped. */
final class JsonWriter {
  private JsonWriter() {}

  static void compact(Json value, StringBuilder out) {
    if (value instanceof JsonObject object) {
      char separator = '{';
      for (Map.Entry<String, Json> member : object.members().entrySet()) {
        out.append(separator);
        quote(member.getKey(), out);
        out.append(':');
        compact(member.getValue(), out);
        separator = ',';
      }
      out.append(separator == '{' ? "{}" : "}");
    } else if (value instanceof JsonArray array) {
      char separator = '[';
      for (Json element : array.elements()) {
        out.append(separator);
        compact(element, out);
        separator = ',';
      }
      out.append(separator == '[' ? "[]" : "]");
    } else {
      scalar(value, out);
    }
  }

  static void pretty(Json value, int depth, StringBuilder out) {
    if (value instanceof JsonObject object && !object.members().isEmpty()) {
      char separator = '{';
      for (Map.Entry<String, Json> member : object.members().entrySet()) {
        out.append(separator);
        line(depth + 1, out);
        quote(member.getKey(), out);
        out.append(": ");
        pretty(member.getValue(), depth + 1, out);
        separator = ',';
      }
      line(depth, out);
      out.append('}');
    } else if (value instanceof JsonArray array && !array.elements().isEmpty()) {
      prettyArray(array.elements(), depth, out);
    } else {
      compact(value, out);
    }
  }

  private static void prettyArray(List<Json> elements, int depth, StringBuilder out) {
    char separator = '[';
    for (Json element : elements) {
      out.append(separator);
      line(depth + 1, out);
      pretty(element, depth + 1, out);
      separator = ',';
    }
    line(depth, out);
    out.append(']');
  }

  private static void line(int depth, StringBuilder out) {
    out.append('\n');
    for (int i = 0; i < depth; i++) {
      out.append("  ");
    }
  }

  private static void scalar(Json value, StringBuilder out) {
    if (value instanceof Json.Text text) {
      quote(text.value(), out);
    } else if (value instanceof Json.Number number) {
      out.append(number.text());
    } else if (value == Json.Literal.TRUE) {
      out.append("true");
    } else if (value == Json.Literal.FALSE) {
      out.append("false");
    } else {
      out.append("null");
    }
  }

  static void quote(String value, StringBuilder out) {
    out.append('"');
    for (int i = 0; i < value.length(); i++) {
      char c = value.charAt(i);
      if (c == '"' || c == '\\') {
        out.append('\\').append(c);
      } else if (c == '\n') {
        out.append("\\n");
      } else if (c == '\r') {
        out.append("\\r");
      } else if (c == '\t') {
        out.append("\\t");
      } else if (c < 0x20 || c == 0x7f || Character.isSurrogate(c) && !paired(value, i)) {
        unicodeEscape(c, out);
      } else {
        out.append(c);
      }
    }
    out.append('"');
  }

  private static boolean paired(String value, int at) {
    if (Character.isHighSurrogate(value.charAt(at))) {
      return at + 1 < value.length() && Character.isLowSurrogate(value.charAt(at + 1));
    }
    return at > 0 && Character.isHighSurrogate(value.charAt(at - 1));
  }

  private static void unicodeEscape(char c, StringBuilder out) {
    out.append("\\u");
    for (int shift = 12; shift >= 0; shift -= 4) {
      out.append(Character.forDigit((c >> shift) & 0xf, 16));
    }
  }
}

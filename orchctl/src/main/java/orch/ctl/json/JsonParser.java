package orch.ctl.json;

/** Reads one JSON document; strict, except that the last of members with the same name counts. */
final class JsonParser {
  /** Deepest nesting that is read; the API's messages have about ten levels. */
  private static final int MAX_DEPTH = 200;

  private final String text;
  private int at;

  JsonParser(String text) {
    this.text = text;
  }

  Json document() throws JsonException {
    Json value = value(0);
    skipSpace();
    if (at < text.length()) {
      throw new JsonException("unexpected '" + text.charAt(at) + "' after the document", at);
    }
    return value;
  }

  private Json value(int depth) throws JsonException {
    skipSpace();
    if (at >= text.length()) {
      throw new JsonException("unexpected end of text", at);
    }
    if (depth > MAX_DEPTH) {
      throw new JsonException("nested deeper than " + MAX_DEPTH + " levels", at);
    }
    char c = text.charAt(at);
    if (c == '{') {
      return object(depth);
    }
    if (c == '[') {
      return array(depth);
    }
    if (c == '"') {
      return new Json.Text(string());
    }
    if (c == '-' || isDigit(c)) {
      return number();
    }
    return literal();
  }

  private JsonObject object(int depth) throws JsonException {
    JsonObject object = new JsonObject();
    at++;
    if (next('}')) {
      return object;
    }
    do {
      skipSpace();
      if (at >= text.length() || text.charAt(at) != '"') {
        throw new JsonException("expected the name of a member", at);
      }
      String name = string();
      expect(':');
      object.put(name, value(depth + 1));
    } while (next(','));
    expect('}');
    return object;
  }

  private JsonArray array(int depth) throws JsonException {
    JsonArray array = new JsonArray();
    at++;
    if (next(']')) {
      return array;
    }
    do {
      array.add(value(depth + 1));
    } while (next(','));
    expect(']');
    return array;
  }

  private String string() throws JsonException {
    int start = ++at;
    while (at < text.length()) {
      char c = text.charAt(at);
      if (c == '"') {
        return text.substring(start, at++);
      }
      if (c == '\\') {
        return escapedString(start);
      }
      if (c < 0x20) {
        throw new JsonException("control character in a string", at);
      }
      at++;
    }
    throw new JsonException("string without an end", start - 1);
  }

  private String escapedString(int start) throws JsonException {
    StringBuilder out = new StringBuilder(at - start + 32).append(text, start, at);
    while (at < text.length()) {
      char c = text.charAt(at++);
      if (c == '"') {
        return out.toString();
      }
      if (c < 0x20) {
        throw new JsonException("control character in a string", at - 1);
      }
      out.append(c == '\\' ? escape() : c);
    }
    throw new JsonException("string without an end", start - 1);
  }

  private char escape() throws JsonException {
    if (at >= text.length()) {
      throw new JsonException("string without an end", at);
    }
    char c = text.charAt(at++);
    return switch (c) {
      case '"', '\\', '/' -> c;
      case 'b' -> '\b';
      case 'f' -> '\f';
      case 'n' -> '\n';
      case 'r' -> '\r';
      case 't' -> '\t';
      case 'u' -> unicodeEscape();
      default -> throw new JsonException("unknown escape '\\" + c + "'", at - 2);
    };
  }

  private char unicodeEscape() throws JsonException {
    if (at + 4 > text.length()) {
      throw new JsonException("string without an end", at);
    }
    int code = 0;
    for (int i = 0; i < 4; i++) {
      int digit = Character.digit(text.charAt(at + i), 16);
      if (digit < 0) {
        throw new JsonException("expected four hexadecimal digits", at + i);
      }
      code = code << 4 | digit;
    }
    at += 4;
    return (char) code;
  }

  private Json.Number number() throws JsonException {
    int start = at;
    if (text.charAt(at) == '-') {
      at++;
    }
    if (at < text.length() && text.charAt(at) == '0') {
      at++;
    } else {
      digits();
    }
    if (at < text.length() && text.charAt(at) == '.') {
      at++;
      digits();
    }
    if (at < text.length() && (text.charAt(at) == 'e' || text.charAt(at) == 'E')) {
      at++;
      if (at < text.length() && (text.charAt(at) == '+' || text.charAt(at) == '-')) {
        at++;
      }
      digits();
    }
    return new Json.Number(text.substring(start, at));
  }

  private void digits() throws JsonException {
    int start = at;
    while (at < text.length() && isDigit(text.charAt(at))) {
      at++;
    }
    if (at == start) {
      throw new JsonException("expected a digit", at);
    }
  }

  private Json literal() throws JsonException {
    if (text.startsWith("true", at)) {
      at += 4;
      return Json.Literal.TRUE;
    }
    if (text.startsWith("false", at)) {
      at += 5;
      return Json.Literal.FALSE;
    }
    if (text.startsWith("null", at)) {
      at += 4;
      return Json.Literal.NULL;
    }
    throw new JsonException("unexpected '" + text.charAt(at) + "'", at);
  }

  private boolean next(char c) {
    skipSpace();
    if (at < text.length() && text.charAt(at) == c) {
      at++;
      return true;
    }
    return false;
  }

  private void expect(char c) throws JsonException {
    if (!next(c)) {
      throw new JsonException(
          at < text.length()
              ? "expected '" + c + "', found '" + text.charAt(at) + "'"
              : "unexpected end of text",
          at);
    }
  }

  private void skipSpace() {
    while (at < text.length()) {
      char c = text.charAt(at);
      if (c != ' ' && c != '\n' && c != '\r' && c != '\t') {
        return;
      }
      at++;
    }
  }

  private static boolean isDigit(char c) {
    return c >= '0' && c <= '9';
  }
}

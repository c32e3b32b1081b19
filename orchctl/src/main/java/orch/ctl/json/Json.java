package orch.ctl.json;

/**
 * A JSON value (RFC 8259). Numbers keep the text they were written with, so that a document that is
 * read and written again says the same.
 */
public sealed interface Json permits JsonObject, JsonArray, Json.Text, Json.Number, Json.Literal {
  /** A string. */
  record Text(String value) implements Json {}

  /** A number, as it was written. */
  record Number(String text) implements Json {}

  /** {@code true}, {@code false} and {@code null}. */
  enum Literal implements Json {
    TRUE,
    FALSE,
    NULL
  }

  /**
   * Reads one document.
   *
   * @throws JsonException if the text is no JSON, or is nested too deeply
   */
  static Json parse(String text) throws JsonException {
    return new JsonParser(text).document();
  }

  /** The document on one line, without spaces. */
  static String compact(Json value) {
    StringBuilder out = new StringBuilder(256);
    JsonWriter.compact(value, out);
    return out.toString();
  }

  /** The document for people: two spaces a level, no newline at the end. */
  static String pretty(Json value) {
    StringBuilder out = new StringBuilder(1024);
    JsonWriter.pretty(value, 0, out);
    return out.toString();
  }

  /** A string as a JSON literal, with its quotes. */
  static String quote(String value) {
    StringBuilder out = new StringBuilder(value.length() + 2);
    JsonWriter.quote(value, out);
    return out.toString();
  }
}

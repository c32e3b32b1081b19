package orch.ctl.json;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** An array; grows while it is built. */
public final class JsonArray implements Json {
  private final List<Json> elements = new ArrayList<>();

  /** Appends a value and returns this array. */
  public JsonArray add(Json value) {
    elements.add(value);
    return this;
  }

  /** Appends a string and returns this array. */
  public JsonArray add(String value) {
    return add(new Json.Text(value));
  }

  /** The elements in order. */
  public List<Json> elements() {
    return Collections.unmodifiableList(elements);
  }

  /** An array of strings. */
  public static JsonArray of(Iterable<String> texts) {
    JsonArray array = new JsonArray();
    for (String text : texts) {
      array.add(text);
    }
    return array;
  }
}

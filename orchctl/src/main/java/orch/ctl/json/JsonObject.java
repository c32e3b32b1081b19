package orch.ctl.json;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * An object; keeps the order of its members. The readers follow proto3 JSON: a member that is
 * absent or of another type reads as the default of the type, and 64-bit numbers may be strings.
 */
public final class JsonObject implements Json {
  private final Map<String, Json> members = new LinkedHashMap<>();

  /** Sets a member and returns this object. */
  public JsonObject put(String name, Json value) {
    members.put(name, value);
    return this;
  }

  /** Sets a string member and returns this object. */
  public JsonObject put(String name, String value) {
    return put(name, new Json.Text(value));
  }

  /** Sets a number member and returns this object. */
  public JsonObject put(String name, long value) {
    return put(name, new Json.Number(Long.toString(value)));
  }

  /** Sets a boolean member and returns this object. */
  public JsonObject put(String name, boolean value) {
    return put(name, value ? Json.Literal.TRUE : Json.Literal.FALSE);
  }

  /** Takes a member away, if there is one so named. */
  public void remove(String name) {
    members.remove(name);
  }

  /** The members in order. */
  public Map<String, Json> members() {
    return Collections.unmodifiableMap(members);
  }

  /** Whether the member is there and not null. */
  public boolean has(String name) {
    Json value = members.get(name);
    return value != null && value != Json.Literal.NULL;
  }

  /** The member, or null where there is none. */
  public @Nullable Json get(String name) {
    return members.get(name);
  }

  /** A string; a number reads as its text; empty where there is none. */
  public String text(String name) {
    return textOf(members.get(name));
  }

  /** A whole number; 0 where there is none. */
  public long number(String name) {
    String text = text(name);
    if (text.isEmpty()) {
      return 0;
    }
    try {
      return Long.parseLong(text);
    } catch (NumberFormatException notWhole) {
      return fraction(text);
    }
  }

  /** A boolean; false where there is none. */
  public boolean flag(String name) {
    return members.get(name) == Json.Literal.TRUE;
  }

  /** An object; an empty one where there is none. */
  public JsonObject object(String name) {
    return members.get(name) instanceof JsonObject object ? object : new JsonObject();
  }

  /** The elements of an array; none where there is no array. */
  public List<Json> elements(String name) {
    return members.get(name) instanceof JsonArray array ? array.elements() : List.of();
  }

  /** The objects of an array. */
  public List<JsonObject> objects(String name) {
    List<JsonObject> objects = new ArrayList<>();
    for (Json element : elements(name)) {
      if (element instanceof JsonObject object) {
        objects.add(object);
      }
    }
    return objects;
  }

  /** The strings of an array. */
  public List<String> texts(String name) {
    List<String> texts = new ArrayList<>();
    for (Json element : elements(name)) {
      texts.add(textOf(element));
    }
    return texts;
  }

  /** The text of a string or a number; empty for anything else. */
  public static String textOf(@Nullable Json value) {
    if (value instanceof Json.Text text) {
      return text.value();
    }
    return value instanceof Json.Number number ? number.text() : "";
  }

  private static long fraction(String text) {
    try {
      return (long) Double.parseDouble(text);
    } catch (NumberFormatException noNumber) {
      return 0;
    }
  }
}

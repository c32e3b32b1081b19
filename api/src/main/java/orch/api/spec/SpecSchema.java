package orch.api.spec;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The JSON Schema of the dialect, for editors; made from the table. */
public final class SpecSchema {
  private static final Map<String, Object> PLAIN =
      Map.of("type", List.of("string", "number", "boolean"));

  private SpecSchema() {}

  /** The schema, draft 2020-12, as text that ends with a newline. */
  public static String json() {
    Map<String, Object> schema = new LinkedHashMap<>();
    schema.put("$schema", "https://json-schema.org/draft/2020-12/schema");
    schema.put("title", "Orch job spec");
    schema.put("description", "A job as people write it; see job-spec.md.");
    schema.putAll(section(SpecTable.job()));
    StringBuilder out = new StringBuilder();
    write(out, schema, "");
    return out.append('\n').toString();
  }

  private static Map<String, Object> section(SpecType.Section section) {
    Map<String, Object> properties = new LinkedHashMap<>();
    for (SpecField field : section.fields()) {
      Map<String, Object> property = new LinkedHashMap<>();
      String unset = field.unset().isEmpty() ? "" : " Default: " + field.unset() + ".";
      property.put("description", (field.meaning() + unset).replace("`", ""));
      property.putAll(value(field.type()));
      properties.put(field.key(), property);
    }
    Map<String, Object> object = new LinkedHashMap<>();
    object.put("type", "object");
    object.put("additionalProperties", false);
    object.put("properties", properties);
    return object;
  }

  private static Map<String, Object> value(SpecType type) {
    return switch (type) {
      case SpecType.Text() -> PLAIN;
      case SpecType.Bool(), SpecType.InverseBool() -> Map.of("type", "boolean");
      case SpecType.Whole(long least, long most) -> whole(least, most);
      case SpecType.Weight() -> whole(-100, 100);
      case SpecType.Retries() ->
          Map.of("anyOf", List.of(whole(-1, Integer.MAX_VALUE), Map.of("const", "unlimited")));
      case SpecType.Decimal(int least) -> object("type", "number", "minimum", (long) least);
      case SpecType.Bytes() ->
          amount("^[0-9]+(\\.[0-9]+)?([kKMGTPE]|[KMGTPE]i)?$", List.of("256Mi", "1G"));
      case SpecType.Cpu() -> amount("^[0-9]+(\\.[0-9]+)?m?$", List.of("500m", "2"));
      case SpecType.Time() ->
          object(
              "type",
              List.of("string", "integer"),
              "pattern",
              "^(0|([0-9]+(\\.[0-9]+)?(d|h|m|s|ms|us|ns) *)+)$",
              "examples",
              List.of("90s", "1h30m"));
      case SpecType.Octal() -> amount("^(0o)?[0-7]{1,4}$", List.of("027"));
      case SpecType.SignalName() -> signal();
      case SpecType.Word(List<String> words, String _) -> Map.of("enum", words);
      case SpecType.BoolWord(String unset, String set) -> Map.of("enum", List.of(unset, set));
      case SpecType.Texts() -> array(PLAIN);
      case SpecType.Content() -> content();
      case SpecType.Contents() -> map(content());
      case SpecType.TextMap() -> map(PLAIN);
      case SpecType.CountMap() -> map(whole(1, Integer.MAX_VALUE));
      case SpecType.Rlimits() -> map(limit());
      case SpecType.Indexes() ->
          amount(
              "^[0-9]+(-[0-9]+)?(:[0-9]+)?( *, *[0-9]+(-[0-9]+)?(:[0-9]+)?)*(%[0-9]+)?$",
              List.of("0-9:2,20-29%4"));
      case SpecType.ExitCodes() -> array(amount("^[0-9]+( *- *[0-9]+)?$", List.of("64-78")));
      case SpecType.Signals() -> array(signal());
      case SpecType.Section below -> below.shorthand().isEmpty() ? section(below) : either(below);
      case SpecType.Sections(SpecType.Section item) ->
          array(item.shorthand().isEmpty() ? section(item) : either(item));
    };
  }

  private static Map<String, Object> either(SpecType.Section section) {
    return Map.of("anyOf", List.of(PLAIN, section(section)));
  }

  private static Map<String, Object> whole(long least, long most) {
    Map<String, Object> whole = object("type", "integer", "minimum", least);
    if (most != Long.MAX_VALUE && most != Integer.MAX_VALUE) {
      whole.put("maximum", most);
    }
    return whole;
  }

  private static Map<String, Object> amount(String pattern, List<String> examples) {
    return object("type", List.of("string", "number"), "pattern", pattern, "examples", examples);
  }

  private static Map<String, Object> signal() {
    return object("type", List.of("string", "integer"), "examples", List.of("TERM", "USR2"));
  }

  private static Map<String, Object> content() {
    Map<String, Object> base64 =
        object(
            "type",
            "object",
            "additionalProperties",
            false,
            "required",
            List.of("base64"),
            "properties",
            Map.of("base64", Map.of("type", "string")));
    return Map.of("anyOf", List.of(PLAIN, base64));
  }

  private static Map<String, Object> limit() {
    Map<String, Object> one =
        amount("^(unlimited|[0-9]+(\\.[0-9]+)?([kKMGTPE]|[KMGTPE]i)?)$", List.of("4096"));
    Map<String, Object> both =
        object(
            "type",
            "object",
            "additionalProperties",
            false,
            "required",
            List.of("soft", "hard"),
            "properties",
            object("soft", one, "hard", one));
    return Map.of("anyOf", List.of(one, both));
  }

  private static Map<String, Object> array(Map<String, Object> items) {
    return object("type", "array", "items", items);
  }

  private static Map<String, Object> map(Map<String, Object> values) {
    return object("type", "object", "additionalProperties", values);
  }

  private static Map<String, Object> object(Object... keysAndValues) {
    Map<String, Object> object = new LinkedHashMap<>();
    for (int i = 0; i < keysAndValues.length; i += 2) {
      object.put((String) keysAndValues[i], keysAndValues[i + 1]);
    }
    return object;
  }

  private static void write(StringBuilder out, Object value, String indent) {
    switch (value) {
      case Map<?, ?> map -> {
        String separator = "{\n";
        for (Map.Entry<?, ?> entry : map.entrySet()) {
          out.append(separator).append(indent).append("  ");
          write(out, entry.getKey(), "");
          out.append(": ");
          write(out, entry.getValue(), indent + "  ");
          separator = ",\n";
        }
        out.append(map.isEmpty() ? "{}" : "\n" + indent + "}");
      }
      case List<?> list -> {
        String separator = "[";
        for (Object item : list) {
          out.append(separator);
          write(out, item, indent);
          separator = ", ";
        }
        out.append(list.isEmpty() ? "[]" : "]");
      }
      case String text ->
          out.append('"').append(text.replace("\\", "\\\\").replace("\"", "\\\"")).append('"');
      default -> out.append(value);
    }
  }
}

package orch.systemtests;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

/** What {@code orchctl -o json} prints, by path; what is not there is empty or 0, as in proto3. */
public record Json(@Nullable Object value) {
  /** Reads a document. JSON is YAML. */
  public static Json of(String text) {
    LoadSettings settings = LoadSettings.builder().setCodePointLimit(64_000_000).build();
    return new Json(new Load(settings).loadFromString(text));
  }

  /** A member of a member of an object. */
  public Json at(String... path) {
    Object found = value;
    for (String key : path) {
      found = found instanceof Map<?, ?> map ? map.get(key) : null;
    }
    return new Json(found);
  }

  public List<Json> list() {
    return value instanceof List<?> list
        ? list.stream().map(one -> new Json((Object) one)).toList()
        : List.of();
  }

  public String text() {
    return value == null ? "" : value.toString();
  }

  public long number() {
    return value == null ? 0 : Long.parseLong(value.toString());
  }
}

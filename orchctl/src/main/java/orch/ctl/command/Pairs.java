package orch.ctl.command;

import java.util.List;
import orch.ctl.json.JsonObject;

/** {@code K=V} as people give labels. */
final class Pairs {
  private Pairs() {}

  /** A map of values; each of the texts must have one. */
  static JsonObject of(List<String> texts, String option) throws UsageException {
    JsonObject pairs = new JsonObject();
    for (String text : texts) {
      int equals = text.indexOf('=');
      if (equals <= 0) {
        throw new UsageException(option + " wants KEY=VALUE, not '" + text + "'");
      }
      pairs.put(text.substring(0, equals), text.substring(equals + 1));
    }
    return pairs;
  }

  /** A map of values to look for; a key alone stands for any value. */
  static JsonObject filter(List<String> texts) {
    JsonObject pairs = new JsonObject();
    for (String text : texts) {
      int equals = text.indexOf('=');
      pairs.put(
          equals < 0 ? text : text.substring(0, equals),
          equals < 0 ? "" : text.substring(equals + 1));
    }
    return pairs;
  }
}

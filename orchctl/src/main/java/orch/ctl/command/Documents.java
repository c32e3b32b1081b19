package orch.ctl.command;

import java.util.List;
import orch.ctl.json.JsonArray;
import orch.ctl.json.JsonObject;

/** Answers as one document. */
final class Documents {
  private Documents() {}

  /** One object as it is; several as a list below the field. */
  static JsonObject of(String field, List<JsonObject> objects) {
    if (objects.size() == 1) {
      return objects.get(0);
    }
    JsonArray all = new JsonArray();
    for (JsonObject object : objects) {
      all.add(object);
    }
    return new JsonObject().put(field, all);
  }
}

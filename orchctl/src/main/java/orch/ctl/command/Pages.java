package orch.ctl.command;

import java.util.ArrayList;
import java.util.List;
import orch.ctl.http.CallException;
import orch.ctl.json.Json;
import orch.ctl.json.JsonArray;
import orch.ctl.json.JsonObject;

/**
 * A listing gathered from its pages, as one document.
 *
 * @param document the answers' message with all elements; with a page token when there are more
 * @param elements the elements of the listing
 */
record Pages(JsonObject document, List<JsonObject> elements) {
  private static final int LARGEST_PAGE = 1000;

  Pages {
    elements = List.copyOf(elements);
  }

  /**
   * Reads pages until {@code limit} elements are there or no more are.
   *
   * @param field the name of the list in the answer
   * @param limit 0: all
   */
  static Pages read(Session session, String method, JsonObject request, String field, long limit)
      throws CallException {
    JsonArray all = new JsonArray();
    List<JsonObject> elements = new ArrayList<>();
    String token = "";
    do {
      long wanted = limit == 0 ? LARGEST_PAGE : Math.min(LARGEST_PAGE, limit - elements.size());
      request.put("pageSize", wanted);
      if (!token.isEmpty()) {
        request.put("pageToken", token);
      }
      JsonObject answer = session.call(method, request);
      for (Json element : answer.elements(field)) {
        all.add(element);
      }
      elements.addAll(answer.objects(field));
      token = answer.text("nextPageToken");
    } while (!token.isEmpty() && (limit == 0 || elements.size() < limit));
    JsonObject document = new JsonObject().put(field, all);
    if (!token.isEmpty()) {
      document.put("nextPageToken", token);
    }
    return new Pages(document, elements);
  }

  /** Whether the listing goes on behind what was read. */
  boolean more() {
    return document.has("nextPageToken");
  }
}

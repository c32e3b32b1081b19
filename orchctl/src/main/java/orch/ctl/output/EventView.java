package orch.ctl.output;

import java.util.List;
import java.util.Map;
import orch.ctl.json.Json;
import orch.ctl.json.JsonObject;

/** Events as people read them. */
public final class EventView {
  private EventView() {}

  /** Oldest first, as given. */
  public static String table(List<JsonObject> events, boolean wide, boolean coloured) {
    Table table =
        wide
            ? new Table(
                coloured,
                "time",
                "type",
                "of",
                "message",
                "figures",
                "node",
                ">attempt",
                "by",
                "subject")
            : new Table(coloured, "time", "type", "of", "message");
    for (JsonObject event : events) {
      String time = Times.localMillis(event.text("time"));
      String message = Table.oneLine(event.text("message"));
      if (wide) {
        table.row(
            time,
            event.text("type"),
            of(event),
            message,
            figures(event),
            event.text("node"),
            event.text("attempt"),
            event.text("principal"),
            event.text("subject"));
      } else {
        table.row(time, event.text("type"), of(event), message);
      }
    }
    return table.render();
  }

  /** One line, with its newline. */
  public static String line(JsonObject event) {
    String message = Table.oneLine(event.text("message"));
    String figures = figures(event);
    return Times.localMillis(event.text("time"))
        + "  "
        + event.text("type")
        + "  "
        + of(event)
        + (message.isEmpty() ? "" : ": " + message)
        + (figures.isEmpty() ? "" : "  [" + figures + "]")
        + "\n";
  }

  /** {@code web/3}, {@code web}, {@code node alpha}, {@code cluster}. */
  private static String of(JsonObject event) {
    String job = event.text("job");
    if (event.number("jobNumber") != 0) {
      String name = job.isEmpty() ? event.text("jobNumber") : job;
      return event.has("index") ? name + "/" + event.number("index") : name;
    }
    return event.text("node").isEmpty() ? event.text("subject") : "node " + event.text("node");
  }

  private static String figures(JsonObject event) {
    JsonObject figures = event.object("figures");
    StringBuilder text = new StringBuilder();
    for (Map.Entry<String, Json> figure : figures.members().entrySet()) {
      long value = figures.number(figure.getKey());
      boolean bytes = figure.getKey().endsWith("_bytes");
      text.append(text.isEmpty() ? "" : " ")
          .append(figure.getKey())
          .append('=')
          .append(bytes ? Words.bytes(value).replace(" ", "") : Long.toString(value));
    }
    return text.toString();
  }
}

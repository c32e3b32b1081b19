package orch.ctl.command;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.concurrent.atomic.AtomicInteger;
import orch.ctl.json.JsonObject;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
final class EventsTest {
  private static final String LIST = "ClusterService/ListEvents";
  private static final String WATCH = "ClusterService/WatchEvents";
  private static final String ENDED =
      "{\"time\":\"2026-11-24T07:59:03.5Z\",\"type\":\"TASK_FAILED\",\"subject\":\"namespaces/default/jobs/42/tasks/3\",\"jobNumber\":\"42\",\"index\":3,\"job\":\"web\",\"message\":\"out"
          + " of memory\\nfor good\","
          + "\"figures\":{\"memory_peak_bytes\":\"1048576\",\"oom_kills\":\"2\"},\"node\":\"alpha\",\"attempt\":1}";
  private static final String JOINED =
      "{\"time\":\"2026-11-24T07:59:01Z\",\"type\":\"NODE_JOINED\",\"subject\":\"nodes/alpha\",\"node\":\"alpha\"}";

  private final Fixture fixture;

  EventsTest() throws IOException {
    fixture = new Fixture();
  }

  @AfterEach
  void close() throws IOException {
    fixture.close();
  }

  @Test
  void eventsAreATableTheNewestLast() {
    fixture.reply(LIST, "{\"events\":[" + ENDED + "," + JOINED + "]}");
    assertEquals(0, fixture.orchctl("events"), fixture.err());
    String[] lines = fixture.out().split("\n");
    assertEquals(3, lines.length);
    assertTrue(lines[0].startsWith("time "), lines[0]);
    assertTrue(lines[1].contains("NODE_JOINED  node alpha"), lines[1]);
    assertTrue(lines[2].contains("TASK_FAILED  web/3       out of memory\\nfor good"), lines[2]);
  }

  @Test
  void figuresAreShownWhenThereIsRoom() {
    fixture.reply(LIST, "{\"events\":[" + ENDED + "]}");
    assertEquals(0, fixture.orchctl("events", "-o", "wide"), fixture.err());
    assertTrue(fixture.out().contains("memory_peak_bytes=1MiB oom_kills=2"), fixture.out());
  }

  @Test
  void theFilterGoesToTheController() {
    fixture.reply(LIST, "{}");
    assertEquals(
        0,
        fixture.orchctl(
            "events", "web/3", "--node", "alpha", "--kind", "task,node", "--type", "task_failed"),
        fixture.err());
    JsonObject filter = fixture.sent(LIST).object("filter");
    assertEquals("namespaces/default/jobs/web/tasks/3", filter.text("subject"));
    assertEquals("nodes/alpha", filter.text("node"));
    assertEquals(java.util.List.of("EVENT_KIND_TASK", "EVENT_KIND_NODE"), filter.texts("kinds"));
    assertEquals(java.util.List.of("TASK_FAILED"), filter.texts("types"));
    assertEquals(2, fixture.orchctl("events", "--kind", "thing"));
  }

  @Test
  void theEventsOfAJobAreThoseOfTheLastOneWhenNoneIsNamed() {
    fixture.reply(LIST, "{}");
    assertEquals(0, fixture.orchctl("job", "events"), fixture.err());
    assertEquals(
        "namespaces/default/jobs/last", fixture.sent(LIST).object("filter").text("subject"));
  }

  @Test
  void aBrokenWatchGoesOnWhereItBroke() {
    AtomicInteger calls = new AtomicInteger();
    fixture.reply(LIST, "{\"resumeToken\":\"t0\",\"events\":[" + JOINED + "]}");
    fixture.on(
        WATCH,
        (request, answer) -> {
          switch (calls.getAndIncrement()) {
            case 0 -> {
              answer.message("{\"resumeToken\":\"t1\",\"event\":" + ENDED + "}");
              answer.cut();
            }
            case 1 -> answer.json(409, Fixture.error("aborted", "compacted"));
            default -> {
              answer.message("{\"resumeToken\":\"t2\",\"event\":" + JOINED + "}");
              answer.end("{}");
            }
          }
        });
    assertEquals(0, fixture.orchctl("events", "-f"), fixture.err());
    assertEquals(3, fixture.out().split("\n").length, fixture.out());
    assertTrue(
        fixture.out().contains("TASK_FAILED  web/3: out of memory\\nfor good  [memory_peak"),
        fixture.out());
    assertEquals("t0", fixture.server.messages(WATCH).get(0).text("resumeToken"));
    assertEquals("t1", fixture.server.messages(WATCH).get(1).text("resumeToken"));
    assertEquals("", fixture.server.messages(WATCH).get(2).text("resumeToken"));
    assertTrue(fixture.err().contains("some events are not kept any more"), fixture.err());
  }
}

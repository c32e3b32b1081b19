package orch.ctl.output;

import static org.junit.jupiter.api.Assertions.assertEquals;

import orch.ctl.json.Json;
import orch.ctl.json.JsonException;
import orch.ctl.json.JsonObject;
import org.junit.jupiter.api.Test;

final class TableTest {
  @Test
  void columnsAreAsWideAsTheirLongestCellAndLinesEndWithoutBlanks() {
    String table =
        new Table(false, ">job", "name", "reason")
            .row("7", "web", "")
            .row("1042", "x", "größer")
            .row("8", "", "z")
            .render();
    assertEquals(
        """
         job  name  reason
           7  web
        1042  x     größer
           8        z
        """,
        table);
  }

  @Test
  void coloursDoNotCountForTheWidth() {
    String table = new Table(true, "state", "b").row("failed", "x").colour(0, Colour.RED).render();
    assertEquals("\033[1mstate\033[0m   \033[1mb\033[0m\n\033[31mfailed\033[0m  x\n", table);
  }

  @Test
  void cellCanForgeNeitherARowNorAColour() {
    assertEquals("a\nx\\ny\\x1b[31m\n", new Table(false, "a").row("x\ny\033[31m").render());
  }

  @Test
  void textIsCutOffByCodePoints() {
    assertEquals("abc", Table.cut("abc", 3));
    assertEquals("a…", Table.cut("abc", 2));
    assertEquals("😀…", Table.cut("😀😀😀", 2));
  }

  @Test
  void factsLeaveOutWhatIsEmpty() {
    assertEquals(
        "job    42\nstate  running\n",
        new Facts(false).add("job", "42").add("title", "").add("state", "running").render());
  }

  @Test
  void progressOfAnArrayCountsWhatMatters() throws JsonException {
    JsonObject counts =
        (JsonObject) Json.parse("{\"total\":10000,\"succeeded\":7340,\"running\":12,\"failed\":3}");
    assertEquals("7340/10000 done, 12 running, 3 failed", Words.progress(counts));
    assertEquals("1", Words.progress(new JsonObject().put("total", 1).put("running", 1)));
  }

  @Test
  void commandIsShownAsAShellReadsIt() {
    assertEquals(
        "sh -c 'exit 42' 'it'\\''s' ''",
        Words.command(java.util.List.of("sh", "-c", "exit 42", "it's", "")));
  }

  @Test
  void bytesAreShownInTheirLargestUnit() {
    assertEquals("0 B", Words.bytes(0));
    assertEquals("1023 B", Words.bytes(1023));
    assertEquals("1.5 KiB", Words.bytes(1536));
    assertEquals("256 MiB", Words.bytes(256L << 20));
    assertEquals("4 EiB", Words.bytes(4L << 60));
  }
}

package orch.ctl.json;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

final class JsonTest {
  private static JsonObject object(String text) throws JsonException {
    return (JsonObject) Json.parse(text);
  }

  private static String roundTrip(String text) throws JsonException {
    return Json.compact(Json.parse(text));
  }

  @Test
  void documentIsWrittenAsItWasRead() throws JsonException {
    String text =
        "{\"a\":[1,-2.50,1e9,\"x\"],\"b\":{\"c\":true,\"d\":false,\"e\":null},\"f\":{},\"g\":[]}";
    assertEquals(text, roundTrip(text));
    assertEquals(text, roundTrip(" " + text.replace(",", " ,\n\t").replace(":", " :\r ") + " "));
  }

  @Test
  void numbersKeepTheirText() throws JsonException {
    assertEquals("[9223372036854775807,0.10,-0]", roundTrip("[9223372036854775807,0.10,-0]"));
  }

  @Test
  void escapesAreReadAndWritten() throws JsonException {
    JsonObject read = object("{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e4\\ud83d\\ude00\"}");
    assertEquals("\"\\/\b\f\n\r\tä😀", read.text("a"));
    assertEquals("\"\\\"\\\\/\\u0008\\u000c\\n\\r\\tä😀\"", Json.quote(read.text("a")));
    assertEquals("\"\\u0000\\u007f\\ud800\"", Json.quote("\0\177\ud800"));
  }

  @Test
  void prettyFormPutsEachMemberOnALine() throws JsonException {
    assertEquals(
        "{\n  \"a\": 1,\n  \"b\": [\n    \"x\",\n    {}\n  ]\n}",
        Json.pretty(Json.parse("{\"a\":1,\"b\":[\"x\",{}]}")));
  }

  @Test
  void readersTakeWhatIsAbsentForTheDefaultAndStringsForNumbers() throws JsonException {
    JsonObject read =
        object("{\"n\":\"12\",\"m\":7,\"x\":1.9,\"t\":true,\"s\":[\"a\",2],\"z\":null}");
    assertEquals(12, read.number("n"));
    assertEquals(7, read.number("m"));
    assertEquals(1, read.number("x"));
    assertEquals(0, read.number("absent"));
    assertEquals("", read.text("absent"));
    assertTrue(read.flag("t"));
    assertFalse(read.flag("absent"));
    assertEquals(List.of("a", "2"), read.texts("s"));
    assertTrue(read.object("absent").members().isEmpty());
    assertFalse(read.has("z"));
    assertTrue(read.has("n"));
  }

  @Test
  void whatIsNoJsonIsRefusedWithThePlace() {
    for (String wrong :
        List.of(
            "",
            "{",
            "[1,]",
            "{\"a\"}",
            "{\"a\":1,}",
            "{a:1}",
            "tru",
            "01",
            "1.",
            "-",
            "\"a",
            "\"\\x\"",
            "\"\\u12g4\"",
            "\"\n\"",
            "[1] 2",
            "{\"a\":1 \"b\":2}",
            "+1",
            "'a'")) {
      assertThrows(JsonException.class, () -> Json.parse(wrong), wrong);
    }
    JsonException failure = assertThrows(JsonException.class, () -> Json.parse("[1, x]"));
    assertEquals("unexpected 'x' at character 5", failure.getMessage());
  }

  @Test
  void nestingHasALimit() {
    assertThrows(JsonException.class, () -> Json.parse("[".repeat(100_000)));
  }
}

package orch.ctl.output;

import static org.junit.jupiter.api.Assertions.assertEquals;

import orch.ctl.json.Json;
import orch.ctl.json.JsonException;
import org.junit.jupiter.api.Test;

final class YamlTest {
  private static String yaml(String json) throws JsonException {
    return Yaml.write(Json.parse(json));
  }

  @Test
  void nestedValuesAreWrittenAsBlocks() throws JsonException {
    assertEquals(
        """
        name: web
        tasks:
          total: 3
          ok: true
        list:
        - a
        - b: 1
          c:
          - d
        - - x
        empty: {}
        none: []
        nothing: null
        """
            .replace("- - x", "-\n  - x"),
        yaml(
            "{\"name\":\"web\",\"tasks\":{\"total\":3,\"ok\":true},"
                + "\"list\":[\"a\",{\"b\":1,\"c\":[\"d\"]},[\"x\"]],"
                + "\"empty\":{},\"none\":[],\"nothing\":null}"));
  }

  @Test
  void stringThatCouldBeTakenForSomethingElseIsQuoted() throws JsonException {
    for (String quoted :
        new String[] {
          "",
          "true",
          "No",
          "null",
          "~",
          "12",
          "1.5",
          "-x",
          "- x",
          "a: b",
          "a #b",
          "x:",
          " x",
          "x ",
          "{x}",
          "[x]",
          "&x",
          "*x",
          "!x",
          "%x",
          "@x",
          "a\\nb",
          "2026-11-24T00:00:00Z",
          "0x1f"
        }) {
      assertEquals("a: \"" + quoted + "\"\n", yaml("{\"a\":\"" + quoted + "\"}"), quoted);
    }
    for (String plain :
        new String[] {"x", "a b", "a:b", "a#b", "/bin/sh -c", "größer", "x-1_2.3"}) {
      assertEquals("a: " + plain + "\n", yaml("{\"a\":\"" + plain + "\"}"), plain);
    }
  }

  @Test
  void scalarsAndEmptyDocumentsAreDocumentsToo() throws JsonException {
    assertEquals("{}\n", yaml("{}"));
    assertEquals("x\n", yaml("\"x\""));
  }
}

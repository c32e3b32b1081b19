package orch.ctl.command;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import org.junit.jupiter.api.Test;

final class ContextFileTest {
  @Test
  void contextsAreReadWithCommentsAndQuotes() throws UsageException {
    ContextFile file =
        ContextFile.parse(
            "config.yaml",
            """
            ---
            # where I work
            current: lab   # most of the time
            contexts:
              lab:
                address: http://10.0.0.1:7400
                token: "a #b"
                namespace: team

              'home':
                address: localhost
            """);
    assertEquals("lab", file.current());
    assertEquals(
        Map.of(
            "lab", new ContextFile.Context("http://10.0.0.1:7400", "a #b", "team"),
            "home", new ContextFile.Context("localhost", "", "")),
        file.contexts());
    assertEquals(ContextFile.empty(), ContextFile.parse("x", ""));
  }

  @Test
  void whatIsNotUnderstoodIsRefusedWithItsLine() {
    wrong("curent: x", 1, "did you mean 'current'?");
    wrong("contexts:\n  a:\n    adress: x", 3, "did you mean 'address'?");
    wrong("contexts:\n  a:\n    address: x\n    address: y", 4, "twice");
    wrong("contexts:\n  a:\n    address: x\n  a:", 4, "twice");
    wrong("contexts: {a: {address: x}}", 1, "put it in quotes");
    wrong("contexts:\n  a:\n\taddress: x", 3, "spaces");
    wrong("contexts:\n  a:\n    address: x\n   token: y", 4, "indented unlike");
    wrong("contexts:\n  a: x", 2, "below the context");
    wrong("current: \"x", 1, "not closed");
    wrong("  lost: x", 1, "belongs to nothing");
    wrong("just text", 1, "key: value");
  }

  private static void wrong(String text, int line, String part) {
    UsageException failure =
        assertThrows(UsageException.class, () -> ContextFile.parse("c.yaml", text), text);
    String message = String.valueOf(failure.getMessage());
    assertTrue(message.startsWith("c.yaml:" + line + ": "), message);
    assertTrue(message.contains(part), message);
  }
}

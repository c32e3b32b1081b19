package orch.agent.journal;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class LineEntryTest {
  private static final LineEntry.Origin ORIGIN =
      new LineEntry.Origin(
          "default",
          "web",
          42,
          "web/3",
          2,
          "node-1",
          "0af7651916cd43dd8448eb211c80319c",
          "b7ad6b7169203331");

  @Test
  void lineCarriesWhoseItIsAndItsTrace() {
    String entry = entry(1, "hello");
    for (String field :
        new String[] {
          "MESSAGE=hello",
          "PRIORITY=6",
          "SYSLOG_IDENTIFIER=web",
          "ORCH_NAMESPACE=default",
          "ORCH_JOB=web",
          "ORCH_JOB_NUMBER=42",
          "ORCH_TASK=web/3",
          "ORCH_ATTEMPT=2",
          "ORCH_NODE=node-1",
          "ORCH_STREAM=stdout",
          "ORCH_TIME=1970-01-01T00:00:01.500Z",
          "TRACE_ID=0af7651916cd43dd8448eb211c80319c",
          "SPAN_ID=b7ad6b7169203331",
          "TRACE_FLAGS=01"
        }) {
      assertTrue(entry.contains(field + "\n"), field + " in " + entry);
    }
  }

  @Test
  void priorityPrefixIsTakenFromTheLine() {
    assertTrue(entry(2, "<3>disk on fire").contains("MESSAGE=disk on fire\n"));
    assertTrue(entry(2, "<3>disk on fire").contains("PRIORITY=3\n"));
    assertTrue(entry(2, "<8>no such level").contains("MESSAGE=<8>no such level\n"));
  }

  @Test
  void traceparentInTheLineReplacesTheAttemptsTrace() {
    String entry = entry(1, "got 00-11111111111111112222222222222222-3333333333333333-00 from a");
    assertTrue(entry.contains("TRACE_ID=11111111111111112222222222222222\n"));
    assertTrue(entry.contains("SPAN_ID=3333333333333333\n"));
    assertTrue(entry.contains("TRACE_FLAGS=00\n"));
    assertFalse(entry.contains("0af7651916cd43dd8448eb211c80319c"));
  }

  @Test
  void lineWithANewlineCannotForgeAField() {
    byte[] bytes = new JournalEntry().field("MESSAGE", "a\nPRIORITY=0").toByteArray();
    byte[] head = "MESSAGE\n\u000c\0\0\0\0\0\0\0a\nPRIORITY=0\n".getBytes(StandardCharsets.UTF_8);
    assertEquals("a\nPRIORITY=0".length(), 12);
    assertArrayEquals(head, bytes);
  }

  @Test
  void fieldNameThatJournaldWouldDropIsRefused() {
    for (String name : new String[] {"", "_PID", "1A", "lower", "A-B", "A".repeat(65)}) {
      assertThrows(IllegalArgumentException.class, () -> new JournalEntry().field(name, "x"), name);
    }
  }

  @Test
  void fieldsBeyondTheLimitAreLeftOut() {
    JournalEntry entry = new JournalEntry();
    for (int i = 0; i < JournalEntry.MAX_FIELDS + 5; i++) {
      entry.field("F" + i, "x");
    }
    String text = new String(entry.toByteArray(), StandardCharsets.UTF_8);
    assertEquals(JournalEntry.MAX_FIELDS, text.lines().count());
  }

  private static String entry(int stream, String text) {
    byte[] line = text.getBytes(StandardCharsets.UTF_8);
    return new String(
        LineEntry.line(ORIGIN, stream, 1_500_000_000L, line, false), StandardCharsets.UTF_8);
  }
}

package orch.agent.journal;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;

/** A task's line as an entry of the journal. */
public final class LineEntry {
  private static final int INFO = 6;
  private static final int WARNING = 4;
  private static final long NANOS = 1_000_000_000L;
  private static final int TRACEPARENT = 55;

  private LineEntry() {}

  /** Whose line it is. */
  public record Origin(
      String namespace,
      String job,
      long jobNumber,
      String task,
      int attempt,
      String node,
      String traceId,
      String spanId) {}

  /**
   * A line or, when {@code partial}, a piece of one. A prefix {@code <0>} to {@code <7>} sets the
   * priority as in sd-daemon(3); a W3C traceparent in the line replaces the attempt's own trace.
   *
   * @param stream 1 stdout, 2 stderr
   * @param timeNanos when it was read from the task, since the epoch
   */
  public static byte[] line(
      Origin origin, int stream, long timeNanos, byte[] text, boolean partial) {
    int priority = INFO;
    byte[] message = text;
    if (text.length >= 3 && text[0] == '<' && text[2] == '>' && text[1] >= '0' && text[1] <= '7') {
      priority = text[1] - '0';
      message = Arrays.copyOfRange(text, 3, text.length);
    }
    JournalEntry entry = new JournalEntry().field("MESSAGE", message);
    origin(entry, origin, priority);
    entry.field("ORCH_STREAM", stream == 2 ? "stderr" : "stdout");
    entry.field(
        "ORCH_TIME", Instant.ofEpochSecond(timeNanos / NANOS, timeNanos % NANOS).toString());
    if (partial) {
      entry.field("ORCH_PARTIAL", "1");
    }
    int at = traceparent(text);
    if (at >= 0) {
      String parent = new String(text, at, TRACEPARENT, StandardCharsets.US_ASCII);
      trace(entry, parent.substring(3, 35), parent.substring(36, 52), parent.substring(53));
    } else if (!origin.traceId().isEmpty()) {
      trace(entry, origin.traceId(), origin.spanId(), "01");
    }
    return entry.toByteArray();
  }

  /** Says that output was lost to a limit. */
  public static byte[] loss(Origin origin, long lines, long bytes) {
    JournalEntry entry =
        new JournalEntry()
            .field(
                "MESSAGE", lines + " lines (" + bytes + " bytes) of output were lost to a limit");
    origin(entry, origin, WARNING);
    entry.field("ORCH_LOST_LINES", Long.toString(lines));
    entry.field("ORCH_LOST_BYTES", Long.toString(bytes));
    if (!origin.traceId().isEmpty()) {
      trace(entry, origin.traceId(), origin.spanId(), "01");
    }
    return entry.toByteArray();
  }

  private static void origin(JournalEntry entry, Origin origin, int priority) {
    entry
        .field("PRIORITY", Integer.toString(priority))
        .field("SYSLOG_IDENTIFIER", origin.job())
        .field("ORCH_NAMESPACE", origin.namespace())
        .field("ORCH_JOB", origin.job())
        .field("ORCH_JOB_NUMBER", Long.toString(origin.jobNumber()))
        .field("ORCH_TASK", origin.task())
        .field("ORCH_ATTEMPT", Integer.toString(origin.attempt()))
        .field("ORCH_NODE", origin.node());
  }

  private static void trace(JournalEntry entry, String traceId, String spanId, String flags) {
    entry.field("TRACE_ID", traceId).field("TRACE_FLAGS", flags);
    if (!spanId.isEmpty()) {
      entry.field("SPAN_ID", spanId);
    }
  }

  /** Where a traceparent (W3C Trace Context, version 00) begins in a line; -1: nowhere. */
  static int traceparent(byte[] text) {
    for (int at = 0; at + TRACEPARENT <= text.length; at++) {
      if (text[at] == '0'
          && text[at + 1] == '0'
          && text[at + 2] == '-'
          && text[at + 35] == '-'
          && text[at + 52] == '-'
          && hex(text, at + 3, 32)
          && hex(text, at + 36, 16)
          && hex(text, at + 53, 2)) {
        return at;
      }
    }
    return -1;
  }

  private static boolean hex(byte[] text, int from, int length) {
    for (int i = from; i < from + length; i++) {
      byte c = text[i];
      if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) {
        return false;
      }
    }
    return true;
  }
}

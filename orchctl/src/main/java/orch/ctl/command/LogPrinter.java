package orch.ctl.command;

import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import orch.ctl.json.JsonObject;
import orch.ctl.output.Console;
import orch.ctl.output.Times;
import orch.ctl.output.Words;

/**
 * Prints the records of {@code StreamLogs}: what a task wrote to its standard output goes to ours,
 * its standard error to ours, byte for byte. It remembers how far each stream of each attempt came,
 * so that a stream of records that begins anew is printed from where the last one broke.
 */
final class LogPrinter {
  private final Console console;
  private final boolean timestamps;
  private final boolean byTime;
  private final Map<Long, Position> positions = new HashMap<>();
  private final Set<String> notices = new LinkedHashSet<>();

  /** Name of the job for prefixes; empty: no prefixes. */
  private String prefix = "";

  /** Of decorated output, the stream whose last line is not at its end, by standard stream. */
  private final long[] midLine = {-1, -1};

  private boolean printed;

  /** How far the output of one stream of one attempt was read and printed. */
  private static final class Position {
    /** Bytes of the records of this stream of records, those that a limit dropped included. */
    long seen;

    /** Bytes that were dealt with, in all. */
    long done;

    /** Time of the last record printed. */
    long lastNanos = Long.MIN_VALUE;

    /** Bytes printed of records of that very time. */
    long doneAtLast;

    /** Of a stream that began anew: what to pass over of records of the time below. */
    long skipAtResume;

    long resumeNanos = Long.MIN_VALUE;
  }

  /**
   * @param timestamps whether each line begins with its time
   * @param byTime whether a new stream of records may begin elsewhere than the one before, as with
   *     {@code --tail}; then it is resumed by the times of the records
   */
  LogPrinter(Console console, boolean timestamps, boolean byTime) {
    this.console = console;
    this.timestamps = timestamps;
    this.byTime = byTime;
  }

  /** From now on lines begin with {@code job/index| }. */
  void prefixWith(String job) {
    prefix = job;
  }

  /** Whether anything was printed. */
  boolean hasPrinted() {
    return printed;
  }

  /** A new stream of records begins; what it repeats is passed over. */
  void restart() {
    for (Position position : positions.values()) {
      position.seen = 0;
      position.resumeNanos = position.lastNanos;
      position.skipAtResume = position.doneAtLast;
    }
  }

  /** The earliest time from which records are missing; empty when nothing was printed. */
  String resumeTime() {
    long earliest = Long.MAX_VALUE;
    for (Position position : positions.values()) {
      if (position.lastNanos != Long.MIN_VALUE) {
        earliest = Math.min(earliest, position.lastNanos);
      }
    }
    // In whole milliseconds, rounded down: what is repeated is passed over.
    return earliest == Long.MAX_VALUE ? "" : Times.rfc3339(Math.floorDiv(earliest, 1_000_000));
  }

  /** Prints a message of the stream. */
  void print(JsonObject message) {
    for (JsonObject record : message.objects("records")) {
      print(record, Base64.getDecoder());
    }
    for (String notice : message.texts("notices")) {
      if (notices.add(notice)) {
        console.note(notice);
      }
    }
    console.flush();
  }

  private void print(JsonObject record, Base64.Decoder decoder) {
    boolean error = record.text("stream").equals("LOG_STREAM_STDERR");
    long index = record.number("index");
    long key = index << 24 | record.number("attempt") << 1 & 0xfffffe | (error ? 1 : 0);
    Position position = positions.get(key);
    if (position == null) {
      position = new Position();
      positions.put(key, position);
    }
    long lost = record.number("lostBytes");
    byte[] data = decoder.decode(standardBase64(record.text("data")));
    long nanos = byTime ? Times.parseNanos(record.text("time")) : 0;
    int skip =
        byTime ? skipByTime(position, nanos, data.length) : skipByCount(position, lost, data);
    if (lost > 0 && skip == 0) {
      lost(record, lost);
    }
    if (byTime && skip < data.length) {
      position.doneAtLast = position.lastNanos == nanos ? position.doneAtLast : 0;
      position.doneAtLast += data.length - skip;
      position.lastNanos = nanos;
    }
    if (skip < data.length) {
      printed = true;
      if (timestamps || !prefix.isEmpty()) {
        decorated(record, key, error, data, skip);
      } else {
        write(error, data, skip, data.length - skip);
      }
    }
  }

  /** Bytes at the record's begin that were printed before, by counting. */
  private static int skipByCount(Position position, long lost, byte[] data) {
    long from = position.seen + lost;
    position.seen = from + data.length;
    long skip = Math.max(0, Math.min(data.length, position.done - from));
    position.done = Math.max(position.done, position.seen);
    return (int) skip;
  }

  private static int skipByTime(Position position, long nanos, int length) {
    if (nanos < position.resumeNanos) {
      return length;
    }
    if (nanos > position.resumeNanos || position.skipAtResume == 0) {
      return 0;
    }
    int skip = (int) Math.min(length, position.skipAtResume);
    position.skipAtResume -= skip;
    return skip;
  }

  private void lost(JsonObject record, long bytes) {
    String notice =
        Words.bytes(bytes)
            + " of the output of task "
            + record.number("index")
            + " were dropped by its limit before this";
    console.note(notice);
  }

  private void decorated(JsonObject record, long key, boolean error, byte[] data, int skip) {
    int stream = error ? 1 : 0;
    StringBuilder head = new StringBuilder();
    if (timestamps) {
      head.append(Times.localMillis(record.text("time"))).append(' ');
    }
    if (!prefix.isEmpty()) {
      head.append(prefix).append('/').append(record.number("index")).append("| ");
    }
    byte[] start = head.toString().getBytes(StandardCharsets.UTF_8);
    int from = skip;
    while (from < data.length) {
      int end = from;
      while (end < data.length && data[end] != '\n') {
        end++;
      }
      boolean whole = end < data.length;
      int length = (whole ? end + 1 : end) - from;
      if (midLine[stream] != key) {
        if (midLine[stream] >= 0) {
          // Another task's line is not at its end; it goes on in a line of its own.
          write(error, new byte[] {'\n'}, 0, 1);
        }
        write(error, start, 0, start.length);
      }
      write(error, data, from, length);
      midLine[stream] = whole ? -1 : key;
      from += length;
    }
  }

  private void write(boolean error, byte[] bytes, int offset, int count) {
    if (error) {
      console.writeError(bytes, offset, count);
    } else {
      console.write(bytes, offset, count);
    }
  }

  /**
   * Base64 as proto3 JSON may have it: with the characters of URLs too, with padding or without.
   */
  private static String standardBase64(String data) {
    return data.indexOf('-') >= 0 || data.indexOf('_') >= 0
        ? data.replace('-', '+').replace('_', '/')
        : data;
  }
}

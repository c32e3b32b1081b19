package orch.api.client;

import com.google.protobuf.Timestamp;
import com.google.protobuf.util.Timestamps;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.TreeMap;
import orch.v1.LogRecord;
import orch.v1.LogStream;
import orch.v1.StreamLogsRequest;
import orch.v1.StreamLogsResponse;
import org.jspecify.annotations.Nullable;

/**
 * How far the output of each task was read. Output that is asked for from its beginning is the same
 * again when it is asked for again, so of each stream as many bytes are passed over as were
 * delivered. Where only the last lines were asked for, that beginning moves: then it is resumed by
 * the records' times.
 */
final class LogPosition implements ResumingStream.Position<StreamLogsRequest, StreamLogsResponse> {
  /** One stream of one attempt. */
  private record Source(long job, int index, int attempt, LogStream stream)
      implements Comparable<Source> {
    private static final Comparator<Source> ORDER =
        Comparator.comparingLong(Source::job)
            .thenComparingInt(Source::index)
            .thenComparingInt(Source::attempt)
            .thenComparing(Source::stream);

    @Override
    public int compareTo(Source other) {
      return ORDER.compare(this, other);
    }
  }

  private static final class Progress {
    /** Bytes seen since the stream was opened, and delivered in all; lost ones included. */
    long seen;

    long delivered;

    /** Time of the newest record delivered, and how many had it. */
    Timestamp time = Timestamp.getDefaultInstance();

    int atTime;

    /** The same when the stream was opened last. */
    Timestamp resumeTime = Timestamp.getDefaultInstance();

    int skipAtTime;
  }

  private final StreamLogsRequest asked;
  private final TreeMap<Source, Progress> progress = new TreeMap<>();
  private final Set<String> notices = new LinkedHashSet<>();
  private boolean resumedByTime;

  LogPosition(StreamLogsRequest asked) {
    this.asked = asked;
  }

  @Override
  public StreamLogsRequest request() {
    Timestamp earliest = null;
    for (Progress source : progress.values()) {
      source.seen = 0;
      source.resumeTime = source.time;
      source.skipAtTime = source.atTime;
      if (earliest == null || Timestamps.compare(source.time, earliest) < 0) {
        earliest = source.time;
      }
    }
    resumedByTime = asked.hasTail() && earliest != null;
    return resumedByTime ? asked.toBuilder().clearTail().setSince(earliest).build() : asked;
  }

  @Override
  public @Nullable StreamLogsResponse received(StreamLogsResponse message) {
    StreamLogsResponse.Builder fresh = StreamLogsResponse.newBuilder();
    for (LogRecord record : message.getRecordsList()) {
      LogRecord rest = rest(record);
      if (rest != null) {
        fresh.addRecords(rest);
      }
    }
    for (String notice : message.getNoticesList()) {
      if (notices.add(notice)) {
        fresh.addNotices(notice);
      }
    }
    return fresh.getRecordsCount() + fresh.getNoticesCount() == 0 ? null : fresh.build();
  }

  private @Nullable LogRecord rest(LogRecord record) {
    Progress source =
        progress.computeIfAbsent(
            new Source(
                record.getJobNumber(), record.getIndex(), record.getAttempt(), record.getStream()),
            _ -> new Progress());
    return resumedByTime ? restByTime(source, record) : restByBytes(source, record);
  }

  private static @Nullable LogRecord restByTime(Progress source, LogRecord record) {
    int order = Timestamps.compare(record.getTime(), source.resumeTime);
    if (order < 0 || order == 0 && source.skipAtTime-- > 0) {
      return null;
    }
    delivered(source, record);
    return record;
  }

  private static @Nullable LogRecord restByBytes(Progress source, LogRecord record) {
    long begin = source.seen + record.getLostBytes();
    long end = begin + record.getData().size();
    source.seen = end;
    if (end <= source.delivered) {
      return null;
    }
    int skip = (int) Math.max(0, source.delivered - begin);
    long lost = Math.clamp(begin - source.delivered, 0, record.getLostBytes());
    source.delivered = end;
    delivered(source, record);
    return skip == 0 && lost == record.getLostBytes()
        ? record
        : record.toBuilder().setData(record.getData().substring(skip)).setLostBytes(lost).build();
  }

  private static void delivered(Progress source, LogRecord record) {
    if (record.getTime().equals(source.time)) {
      source.atTime++;
    } else {
      source.time = record.getTime();
      source.atTime = 1;
    }
  }
}

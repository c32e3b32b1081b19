package orch.agent.logs;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import orch.api.model.ControllerMessage;
import orch.api.model.Uid;
import orch.api.seam.Clock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Serves task output from the segments, each stream by a virtual thread of its own. */
public final class LogService implements LogServer, AutoCloseable {
  /** Streams served at a time; one more is answered with a notice. */
  static final int MAX_STREAMS = 256;

  private static final Logger log = LoggerFactory.getLogger(LogService.class);

  private final SegmentFiles files;
  private final OutputIndex index;
  private final Clock clock;
  private final @Nullable JournalForwarder journal;
  private final Map<Long, LogStream> streams = new ConcurrentHashMap<>();

  /**
   * @param segments directory of the shims' segments
   * @param indexFile where the names of ended attempts are kept
   * @param journal copies lines to journald; null: none
   */
  public LogService(Path segments, Path indexFile, Clock clock, @Nullable JournalForwarder journal)
      throws IOException {
    this.files = new SegmentFiles(segments);
    this.index = new OutputIndex(files, indexFile);
    this.clock = clock;
    this.journal = journal;
    if (journal != null) {
      for (Output output : index.all()) {
        journal.started(output.identity);
        journal.ended(output.identity.uid());
      }
    }
  }

  @Override
  public void attemptStarted(TaskIdentity identity) {
    index.started(identity);
    if (journal != null && identity.journal()) {
      journal.started(identity);
    }
  }

  @Override
  public void attemptEnded(Uid uid) {
    Output output = index.ended(uid, clock.now().toEpochMilli());
    if (output != null && journal != null) {
      journal.ended(uid);
    }
  }

  @Override
  public void open(ControllerMessage.OpenLogs query, LogSink sink) {
    if (streams.size() >= MAX_STREAMS) {
      sink.notice(
          "this node serves " + MAX_STREAMS + " log streams already; close some and ask again");
      sink.complete();
      return;
    }
    LogStream stream = new LogStream(files, index, query, sink);
    streams.put(query.stream(), stream);
    Thread.ofVirtual()
        .name("logs-" + query.stream())
        .start(() -> {
          try {
            stream.run();
          } finally {
            streams.remove(query.stream(), stream);
          }
        });
  }

  @Override
  public void close(long number, boolean drain) {
    LogStream stream = streams.get(number);
    if (stream != null) {
      stream.close(drain);
    }
  }

  /** Removes the output of attempts whose retention is over; returns the bytes that it freed. */
  public long sweep() {
    Instant now = clock.now();
    long freed = 0;
    List<Output> gone = new ArrayList<>();
    for (Output output : index.all()) {
      Instant until = Instant.ofEpochMilli(output.endedMillis()).plus(output.identity.retention());
      if (output.ended() && until.isBefore(now)) {
        try {
          freed += files.delete(output.identity.uid());
          gone.add(output);
        } catch (IOException e) {
          log.warn("cannot remove the output of {}: {}", output.identity.task(), e.toString());
        }
      }
    }
    if (!gone.isEmpty()) {
      try {
        index.forget(gone);
      } catch (IOException e) {
        log.warn("cannot rewrite the index of outputs: {}", e.toString());
      }
    }
    return freed;
  }

  /** Ends every stream at once. */
  @Override
  public void close() {
    for (LogStream stream : streams.values()) {
      stream.close(false);
    }
  }
}

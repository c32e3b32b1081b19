package orch.agent.logs;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import orch.api.model.Blob;
import orch.api.model.ControllerMessage.OpenLogs;
import orch.api.model.LogRecord;

/**
 * One query for the output of a job's attempts on this node. Without {@code follow} attempt after
 * attempt in order of index; with it every attempt as it writes, until the stream is closed.
 */
final class LogStream {
  private static final int BATCH_RECORDS = 512;
  private static final int BATCH_BYTES = 128 * 1024;

  /** How long output may lie in a segment before a follower sees it. */
  private static final long POLL_MILLIS = 20;

  private static final long IDLE_MILLIS = 1_000;
  private static final int NEWEST = -1;

  private enum Closing {
    NO,
    DRAIN,
    NOW
  }

  private final SegmentFiles files;
  private final OutputIndex index;
  private final OpenLogs query;
  private final LogSink sink;
  private final List<LogRecord> batch = new ArrayList<>();
  private int batchBytes;
  private long lost;
  private volatile Closing closing = Closing.NO;

  /** An attempt that is being read. */
  private static final class Reading {
    final Output output;
    final SegmentCursor cursor;
    long skipLines;

    Reading(Output output, SegmentCursor cursor, long skipLines) {
      this.output = output;
      this.cursor = cursor;
      this.skipLines = skipLines;
    }
  }

  LogStream(SegmentFiles files, OutputIndex index, OpenLogs query, LogSink sink) {
    this.files = files;
    this.index = index;
    this.query = query;
    this.sink = sink;
  }

  void close(boolean drain) {
    if (closing != Closing.NOW) {
      closing = drain ? Closing.DRAIN : Closing.NOW;
    }
    index.changed();
  }

  void run() {
    try {
      if (query.follow()) {
        follow();
      } else {
        readOnce();
      }
      flush();
      sink.complete();
    } catch (IOException e) {
      sink.notice("cannot read the output on this node: " + e);
      sink.complete();
    } catch (Gone e) {
      // The receiver closed its end; nobody is left to tell.
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void readOnce() throws IOException, InterruptedException, Gone {
    List<Output> outputs = wanted(index.ofJob(query.jobUid(), 0));
    outputs.sort(
        Comparator.comparingInt((Output output) -> output.identity.index())
            .thenComparingInt(output -> output.identity.attempt()));
    for (Output output : outputs) {
      Reading reading = open(output);
      try {
        int frames = 1;
        while (closing != Closing.NOW && frames > 0) {
          frames = read(reading);
        }
      } finally {
        reading.cursor.close();
      }
    }
  }

  private void follow() throws IOException, InterruptedException, Gone {
    List<Reading> live = new ArrayList<>();
    long sequence = 0;
    try {
      while (closing != Closing.NOW) {
        // Asked before reading: what is written by the time of these answers is read below.
        boolean last = closing == Closing.DRAIN;
        long generation = index.generation();
        List<Output> fresh = index.ofJob(query.jobUid(), sequence);
        if (!fresh.isEmpty()) {
          sequence = fresh.getLast().sequence;
          for (Output output : wanted(fresh)) {
            live.add(open(output));
          }
        }
        boolean progress = false;
        for (int i = 0; i < live.size(); i++) {
          Reading reading = live.get(i);
          boolean ended = reading.output.ended();
          int frames = read(reading);
          progress |= frames > 0;
          if (ended && frames == 0) {
            reading.cursor.close();
            live.remove(i--);
          }
        }
        flush();
        if (last && !progress) {
          return;
        }
        if (!progress) {
          index.awaitChange(generation, live.isEmpty() ? IDLE_MILLIS : POLL_MILLIS);
        }
      }
    } finally {
      for (Reading reading : live) {
        reading.cursor.close();
      }
    }
  }

  private List<Output> wanted(List<Output> outputs) {
    Map<Integer, Integer> newest = new HashMap<>();
    if (query.attempt() == NEWEST) {
      for (Output output : index.ofJob(query.jobUid(), 0)) {
        newest.merge(output.identity.index(), output.identity.attempt(), Math::max);
      }
    }
    List<Output> wanted = new ArrayList<>();
    for (Output output : outputs) {
      TaskIdentity of = output.identity;
      boolean attemptFits =
          query.attempt() == 0
              || (query.attempt() == NEWEST
                  ? of.attempt() == newest.getOrDefault(of.index(), 0)
                  : of.attempt() == query.attempt());
      if (attemptFits && (query.index() < 0 || query.index() == of.index())) {
        wanted.add(output);
      }
    }
    return wanted;
  }

  private Reading open(Output output) throws IOException {
    long skip = 0;
    if (query.tail() >= 0) {
      long lines = 0;
      try (SegmentCursor counting = cursor(output)) {
        for (Frame frame = counting.next(); frame != null; frame = counting.next()) {
          lines += fits(frame) && frame.endsLine() ? 1 : 0;
        }
      }
      skip = Math.max(0, lines - query.tail());
    }
    return new Reading(output, cursor(output), skip);
  }

  private SegmentCursor cursor(Output output) {
    return new SegmentCursor(files, output.identity.uid(), SegmentCursor.Position.START)
        .countingLosses();
  }

  /** Hands on what there is now, at most a batch; returns how many frames were read. */
  private int read(Reading reading) throws IOException, InterruptedException, Gone {
    int frames = 0;
    while (frames < BATCH_RECORDS && closing != Closing.NOW) {
      Frame frame = reading.cursor.next();
      if (frame == null) {
        return frames;
      }
      frames++;
      if (frame.isLoss()) {
        lost += frame.lostBytes();
        add(reading.output.identity, frame, Blob.EMPTY);
      } else if (fits(frame)) {
        if (reading.skipLines > 0) {
          reading.skipLines -= frame.endsLine() ? 1 : 0;
        } else {
          add(reading.output.identity, frame, Blob.of(frame.bytes()));
        }
      }
    }
    return frames;
  }

  private boolean fits(Frame frame) {
    return (query.logStream() == 0 || query.logStream() == frame.stream())
        && frame.realtimeNanos() >= query.sinceNanos();
  }

  private void add(TaskIdentity of, Frame frame, Blob data) throws InterruptedException, Gone {
    batch.add(
        new LogRecord(
            of.jobNumber(),
            of.index(),
            of.attempt(),
            frame.stream(),
            frame.realtimeNanos(),
            data,
            frame.partial(),
            lost));
    lost = 0;
    batchBytes += data.size();
    if (batch.size() >= BATCH_RECORDS || batchBytes >= BATCH_BYTES) {
      flush();
    }
  }

  private void flush() throws InterruptedException, Gone {
    if (batch.isEmpty()) {
      return;
    }
    boolean taken = sink.send(List.copyOf(batch));
    batch.clear();
    batchBytes = 0;
    if (!taken) {
      throw new Gone();
    }
  }

  /** The receiver is gone. */
  private static final class Gone extends Exception {
    private static final long serialVersionUID = 1;

    @Override
    public Throwable fillInStackTrace() {
      return this;
    }
  }
}

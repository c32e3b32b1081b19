package orch.agent.logs;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import orch.agent.journal.JournalSocket;
import orch.agent.journal.LineEntry;
import orch.agent.logs.SegmentCursor.Position;
import orch.api.model.Uid;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Copies each line of each attempt from its segments to journald, from an offset that is kept in a
 * file: at least once, in order a stream. While journald is away nothing is lost, since the
 * segments are the spool; a task never waits for it.
 */
public final class JournalForwarder implements AutoCloseable {
  /** Longest message; longer lines come in pieces marked ORCH_PARTIAL=1. Fits one datagram. */
  static final int MAX_MESSAGE = 48 * 1024;

  private static final Logger log = LoggerFactory.getLogger(JournalForwarder.class);
  private static final int FRAMES_A_TURN = 512;
  private static final long POLL_MILLIS = 250;
  private static final long AWAY_MILLIS = 500;
  private static final long SAVE_MILLIS = 1_000;
  private static final String DONE = "done";

  private final SegmentFiles files;
  private final Path offsetsFile;
  private final JournalSocket socket;

  /** Guarded by this. */
  private final Map<Uid, Forward> announced = new LinkedHashMap<>();

  /** Guarded by this. */
  private boolean closed;

  private @Nullable Thread thread;

  /** Offsets of an earlier life; empty position: done. Guarded by this. */
  private final Map<Uid, String> saved = new HashMap<>();

  /** An attempt on its way to the journal. */
  private static final class Forward {
    final TaskIdentity identity;
    final SegmentCursor cursor;
    final Pending[] pending = {new Pending(), new Pending()};
    volatile boolean ended;
    @Nullable Position lastSaved;

    Forward(TaskIdentity identity, SegmentCursor cursor) {
      this.identity = identity;
      this.cursor = cursor;
    }

    /** All before it is in the journal. */
    Position delivered() {
      Position position = cursor.position();
      for (Pending part : pending) {
        Position begin = part.begin;
        if (begin != null
            && (begin.segment() < position.segment()
                || (begin.segment() == position.segment() && begin.offset() < position.offset()))) {
          position = begin;
        }
      }
      return position;
    }
  }

  /** The pieces of a line that has not ended. */
  private static final class Pending {
    final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    @Nullable Position begin;
    long timeNanos;
  }

  /**
   * @param segments directory of the shims' segments
   * @param offsetsFile where the offsets are kept
   */
  public JournalForwarder(Path segments, Path offsetsFile, JournalSocket socket)
      throws IOException {
    this.files = new SegmentFiles(segments);
    this.offsetsFile = offsetsFile;
    this.socket = socket;
    if (Files.exists(offsetsFile)) {
      for (String line : Files.readAllLines(offsetsFile, StandardCharsets.UTF_8)) {
        int space = line.indexOf(' ');
        if (space > 0) {
          saved.put(Uid.parse(line.substring(0, space)), line.substring(space + 1));
        }
      }
      compact();
    }
  }

  /** Starts the thread that forwards. */
  public void start() {
    thread = Thread.ofPlatform().name("journal").daemon().start(this::run);
  }

  synchronized void started(TaskIdentity identity) {
    Uid uid = identity.uid();
    String offset = saved.get(uid);
    if (announced.containsKey(uid) || DONE.equals(offset)) {
      return;
    }
    announced.put(uid, new Forward(identity, new SegmentCursor(files, uid, positionOf(offset))));
  }

  synchronized void ended(Uid uid) {
    Forward forward = announced.get(uid);
    if (forward != null) {
      forward.ended = true;
      notifyAll();
    }
  }

  private void run() {
    long nextSave = 0;
    try {
      while (true) {
        List<Forward> turn;
        synchronized (this) {
          if (closed) {
            return;
          }
          turn = new ArrayList<>(announced.values());
        }
        boolean away = false;
        boolean progress = false;
        for (Forward forward : turn) {
          boolean ended = forward.ended;
          Turn result = forward(forward);
          away |= result == Turn.AWAY;
          progress |= result == Turn.PROGRESS;
          if (ended && result == Turn.NOTHING) {
            finish(forward);
          }
        }
        if (System.nanoTime() / 1_000_000 >= nextSave) {
          save(turn);
          nextSave = System.nanoTime() / 1_000_000 + SAVE_MILLIS;
        }
        if (away || !progress) {
          synchronized (this) {
            if (!closed) {
              wait(away ? AWAY_MILLIS : POLL_MILLIS);
            }
          }
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private enum Turn {
    NOTHING,
    PROGRESS,
    AWAY
  }

  private Turn forward(Forward forward) {
    try {
      Turn turn = Turn.NOTHING;
      for (int frames = 0; frames < FRAMES_A_TURN; frames++) {
        if (!flushFull(forward)) {
          return Turn.AWAY;
        }
        Position before = forward.cursor.position();
        Frame frame = forward.cursor.next();
        if (frame == null) {
          return turn;
        }
        turn = Turn.PROGRESS;
        if (frame.isLoss()) {
          if (!socket.send(LineEntry.loss(of(forward), frame.lostLines(), frame.lostBytes()))) {
            forward.cursor.rewind(before);
            return Turn.AWAY;
          }
          continue;
        }
        Pending pending = forward.pending[frame.stream() == Frame.STDERR ? 1 : 0];
        if (pending.begin == null) {
          pending.begin = before;
          pending.timeNanos = frame.realtimeNanos();
        }
        pending.bytes.writeBytes(frame.payload());
        if (frame.endsLine() && !deliver(forward, pending, frame.stream())) {
          // The line begins again when journald is back.
          pending.bytes.reset();
          Position begin = forward.delivered();
          for (Pending part : forward.pending) {
            part.bytes.reset();
            part.begin = null;
          }
          forward.cursor.rewind(begin);
          return Turn.AWAY;
        }
      }
      return turn;
    } catch (IOException e) {
      log.warn("cannot read the output of {}: {}", forward.identity.task(), e.toString());
      return Turn.NOTHING;
    }
  }

  /** Sends what is longer than a message may be; false when journald is away. */
  private boolean flushFull(Forward forward) {
    for (int i = 0; i < forward.pending.length; i++) {
      Pending pending = forward.pending[i];
      while (pending.bytes.size() > MAX_MESSAGE) {
        byte[] all = pending.bytes.toByteArray();
        byte[] piece = Arrays.copyOf(all, MAX_MESSAGE);
        if (!socket.send(LineEntry.line(of(forward), i + 1, pending.timeNanos, piece, true))) {
          return false;
        }
        pending.bytes.reset();
        pending.bytes.write(all, MAX_MESSAGE, all.length - MAX_MESSAGE);
      }
    }
    return true;
  }

  private boolean deliver(Forward forward, Pending pending, int stream) {
    if (!flushFull(forward)
        || !socket.send(
            LineEntry.line(
                of(forward), stream, pending.timeNanos, pending.bytes.toByteArray(), false))) {
      return false;
    }
    pending.bytes.reset();
    pending.begin = null;
    return true;
  }

  private static LineEntry.Origin of(Forward forward) {
    TaskIdentity of = forward.identity;
    return new LineEntry.Origin(
        of.namespace(),
        of.jobName(),
        of.jobNumber(),
        of.task(),
        of.attempt(),
        of.node(),
        of.traceId(),
        of.spanId());
  }

  private void finish(Forward forward) {
    for (int i = 0; i < forward.pending.length; i++) {
      Pending pending = forward.pending[i];
      if (pending.begin != null && !deliver(forward, pending, i + 1)) {
        return;
      }
    }
    try {
      forward.cursor.close();
      append(forward.identity.uid() + " " + DONE + "\n");
    } catch (IOException e) {
      log.warn("cannot keep the journal's offset in {}: {}", offsetsFile, e.toString());
    }
    synchronized (this) {
      announced.remove(forward.identity.uid());
    }
  }

  private void save(List<Forward> forwards) {
    StringBuilder lines = new StringBuilder();
    for (Forward forward : forwards) {
      Position position = forward.delivered();
      if (!position.equals(forward.lastSaved) && !position.equals(Position.START)) {
        lines
            .append(forward.identity.uid())
            .append(' ')
            .append(position.segment())
            .append(' ')
            .append(position.offset())
            .append('\n');
        forward.lastSaved = position;
      }
    }
    try {
      append(lines.toString());
    } catch (IOException e) {
      log.warn("cannot keep the journal's offsets in {}: {}", offsetsFile, e.toString());
    }
  }

  private void append(String lines) throws IOException {
    if (!lines.isEmpty()) {
      Files.writeString(
          offsetsFile,
          lines,
          StandardCharsets.UTF_8,
          StandardOpenOption.CREATE,
          StandardOpenOption.APPEND);
    }
  }

  /** Keeps the newest offset of each attempt that still has segments. */
  private void compact() throws IOException {
    Path fresh = offsetsFile.resolveSibling(offsetsFile.getFileName() + ".new");
    StringBuilder lines = new StringBuilder();
    for (var iterator = saved.entrySet().iterator(); iterator.hasNext(); ) {
      Map.Entry<Uid, String> entry = iterator.next();
      if (files.firstAtLeast(entry.getKey(), 0) < 0) {
        iterator.remove();
      } else {
        lines.append(entry.getKey()).append(' ').append(entry.getValue()).append('\n');
      }
    }
    Files.writeString(fresh, lines.toString(), StandardCharsets.UTF_8);
    Files.move(
        fresh, offsetsFile, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  private static Position positionOf(@Nullable String offset) {
    if (offset == null) {
      return Position.START;
    }
    String[] parts = offset.split(" ", -1);
    return new Position(Integer.parseInt(parts[0]), Long.parseLong(parts[1]));
  }

  /** Ends the thread and keeps the offsets. */
  @Override
  public void close() {
    List<Forward> last;
    synchronized (this) {
      closed = true;
      last = new ArrayList<>(announced.values());
      notifyAll();
    }
    Thread forwarding = thread;
    if (forwarding != null) {
      try {
        forwarding.join();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
    save(last);
    socket.close();
  }
}

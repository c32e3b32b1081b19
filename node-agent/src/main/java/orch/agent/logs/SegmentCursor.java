package orch.agent.logs;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.NoSuchFileException;
import java.nio.file.StandardOpenOption;
import java.util.zip.CRC32C;
import orch.api.model.Uid;
import org.jspecify.annotations.Nullable;

/**
 * Reads an attempt's output frame by frame while it is still being written. What lies beyond the
 * last whole frame with a right checksum is not there yet: the writer may be at it, or a dead shim
 * left it for its replacement to overwrite.
 */
final class SegmentCursor implements AutoCloseable {
  static final int FILE_HEADER = 64;
  static final int FRAME_HEADER = 24;
  static final int MAX_PAYLOAD = 65_536;
  private static final int FILE_MAGIC = 0x5343524F; // "ORCS"
  private static final int FRAME_MAGIC = 0x464F; // "OF"
  private static final int FLAG_PARTIAL = 1;
  private static final int FLAG_NO_NEWLINE = 2;
  private static final int FLAG_LOSS = 4;

  /** A place in an attempt's output: byte offset in a segment; 0 is its beginning. */
  record Position(int segment, long offset) {
    static final Position START = new Position(0, 0);
  }

  private final SegmentFiles files;
  private final Uid uid;
  private final ByteBuffer buffer =
      ByteBuffer.allocate(2 * (FRAME_HEADER + MAX_PAYLOAD)).order(ByteOrder.LITTLE_ENDIAN);
  private @Nullable FileChannel channel;
  private int segment;

  /** Offset in the file of the buffer's next byte. */
  private long offset;

  /** Payload bytes and lines given so far, to tell what a removed segment held; -1: not counted. */
  private long lastBytesKnown = -1;

  private long lastLinesKnown = -1;
  private long skippedLines;
  private long skippedBytes;

  SegmentCursor(SegmentFiles files, Uid uid, Position from) {
    this.files = files;
    this.uid = uid;
    this.segment = from.segment();
    this.offset = from.offset();
    buffer.limit(0);
  }

  /** After the last frame that {@link #next} gave. */
  Position position() {
    return new Position(segment, offset);
  }

  /**
   * The next whole frame, or null when there is none now; ask again later. Older segments that were
   * removed meanwhile appear as a loss frame.
   */
  @Nullable Frame next() throws IOException {
    while (true) {
      if (channel == null && !open()) {
        return null;
      }
      if (skippedBytes > 0 || skippedLines > 0) {
        Frame loss = new Frame(0, false, false, 0, new byte[0], skippedBytes, skippedLines);
        skippedBytes = 0;
        skippedLines = 0;
        return loss;
      }
      // Asked first: frames that appear after this question are in this segment or a later one.
      int following = files.following(uid, segment);
      Frame frame = read();
      if (frame != null || following < 0) {
        return frame;
      }
      close();
      segment = following;
      offset = 0;
    }
  }

  /** Goes back to a place that {@link #position} gave. */
  void rewind(Position to) throws IOException {
    close();
    segment = to.segment();
    offset = to.offset();
  }

  private boolean open() throws IOException {
    int number = files.firstAtLeast(uid, segment);
    if (number < 0) {
      return false;
    }
    boolean skipped = number > segment || (offset == 0 && number > 0);
    FileChannel opened;
    try {
      opened = FileChannel.open(files.path(uid, number), StandardOpenOption.READ);
    } catch (NoSuchFileException removedMeanwhile) {
      return false;
    }
    ByteBuffer header = ByteBuffer.allocate(FILE_HEADER).order(ByteOrder.LITTLE_ENDIAN);
    if (opened.read(header, 0) < FILE_HEADER || header.getInt(0) != FILE_MAGIC) {
      opened.close();
      return false;
    }
    if (number > segment) {
      offset = 0;
    }
    segment = number;
    if (offset < FILE_HEADER) {
      offset = FILE_HEADER;
    }
    channel = opened;
    buffer.limit(0).position(0);
    if (skipped && lastBytesKnown >= 0) {
      long bytesBefore = header.getLong(48);
      long linesBefore = header.getLong(40);
      skippedBytes = Math.max(0, bytesBefore - lastBytesKnown);
      skippedLines = skippedBytes > 0 ? Math.max(0, linesBefore - lastLinesKnown) : 0;
      lastBytesKnown = bytesBefore;
      lastLinesKnown = linesBefore;
    }
    return true;
  }

  /** Counts losses from here on: the caller reads from the very beginning. */
  SegmentCursor countingLosses() {
    lastBytesKnown = 0;
    lastLinesKnown = 0;
    return this;
  }

  private @Nullable Frame read() throws IOException {
    if (!fill(FRAME_HEADER)) {
      return notYet();
    }
    int start = buffer.position();
    int length = buffer.getInt(start + 4);
    if ((buffer.getShort(start) & 0xFFFF) != FRAME_MAGIC || length < 0 || length > MAX_PAYLOAD) {
      return notYet();
    }
    if (!fill(FRAME_HEADER + length)) {
      return notYet();
    }
    start = buffer.position();
    CRC32C crc = new CRC32C();
    crc.update(buffer.array(), start, 16);
    crc.update(buffer.array(), start + FRAME_HEADER, length);
    if ((int) crc.getValue() != buffer.getInt(start + 16)) {
      return notYet();
    }
    Frame frame = frameAt(start, length);
    buffer.position(start + FRAME_HEADER + length);
    offset += FRAME_HEADER + length;
    if (lastBytesKnown >= 0) {
      lastBytesKnown += frame.isLoss() ? 0 : length;
      lastLinesKnown += frame.endsLine() ? 1 : 0;
    }
    return frame;
  }

  private Frame frameAt(int start, int length) {
    int flags = buffer.get(start + 3);
    if ((flags & FLAG_LOSS) != 0 && length >= 16) {
      int payload = start + FRAME_HEADER;
      return new Frame(
          buffer.get(start + 2),
          false,
          false,
          buffer.getLong(start + 8),
          new byte[0],
          buffer.getLong(payload + 8),
          buffer.getLong(payload));
    }
    byte[] payload = new byte[length];
    buffer.get(start + FRAME_HEADER, payload);
    return new Frame(
        buffer.get(start + 2),
        (flags & FLAG_PARTIAL) != 0,
        (flags & FLAG_NO_NEWLINE) != 0,
        buffer.getLong(start + 8),
        payload,
        0,
        0);
  }

  /**
   * Makes {@code wanted} bytes available at the buffer's position, or says that they are not there.
   */
  private boolean fill(int wanted) throws IOException {
    if (buffer.remaining() >= wanted) {
      return true;
    }
    FileChannel from = channel;
    if (from == null) {
      return false;
    }
    buffer.compact();
    int kept = buffer.position();
    int read = from.read(buffer, offset + kept);
    buffer.flip();
    return read > 0 && buffer.remaining() >= wanted;
  }

  /** Forgets the bytes of a frame that is not whole: a replacement shim may overwrite them. */
  private @Nullable Frame notYet() {
    buffer.limit(0).position(0);
    return null;
  }

  @Override
  public void close() throws IOException {
    FileChannel open = channel;
    channel = null;
    if (open != null) {
      open.close();
    }
  }
}

package orch.agent.logs;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.zip.CRC32C;
import orch.api.model.Uid;

/** Writes segments as a shim does (docs/launcher-protocol.md, "Task output"). */
final class SegmentWriter {
  static final int PARTIAL = 1;
  static final int NO_NEWLINE = 2;
  private static final int LOSS = 4;

  private final SegmentFiles files;
  private final Uid uid;
  private int number = -1;
  private long lines;
  private long bytes;
  private long time = 1_000;

  SegmentWriter(SegmentFiles files, Uid uid) {
    this.files = files;
    this.uid = uid;
  }

  /** Begins the next segment. */
  SegmentWriter rotate() throws IOException {
    number++;
    ByteBuffer header = ByteBuffer.allocate(64).order(ByteOrder.LITTLE_ENDIAN);
    header.put("ORCS".getBytes(StandardCharsets.US_ASCII)).putInt(1);
    header.putInt(uid.incarnation()).putInt((int) uid.epoch()).putLong(uid.sequence());
    header.putInt(number).putInt(0).putLong(time).putLong(lines).putLong(bytes).putLong(0);
    Path path = files.path(uid, number);
    Files.createDirectories(path.getParent());
    Files.write(path, header.array());
    return this;
  }

  SegmentWriter line(int stream, String text) throws IOException {
    return frame(stream, 0, text.getBytes(StandardCharsets.UTF_8));
  }

  SegmentWriter frame(int stream, int flags, byte[] payload) throws IOException {
    byte[] frame = encode(stream, flags, payload);
    append(frame, frame.length);
    bytes += payload.length;
    lines += (flags & PARTIAL) == 0 ? 1 : 0;
    return this;
  }

  SegmentWriter loss(long lostLines, long lostBytes) throws IOException {
    ByteBuffer payload = ByteBuffer.allocate(24).order(ByteOrder.LITTLE_ENDIAN);
    payload.putLong(lostLines).putLong(lostBytes).putInt(2).putInt(28);
    byte[] frame = encode(0, LOSS, payload.array());
    append(frame, frame.length);
    return this;
  }

  /** The beginning of a frame, as a writer that was killed leaves it. */
  SegmentWriter torn(int stream, String text, int length) throws IOException {
    append(encode(stream, 0, text.getBytes(StandardCharsets.UTF_8)), length);
    return this;
  }

  /** Cuts what {@link #torn} wrote, as a replacement shim does. */
  SegmentWriter cut(int length) throws IOException {
    Path path = files.path(uid, number);
    byte[] all = Files.readAllBytes(path);
    Files.write(path, Arrays.copyOf(all, all.length - length));
    return this;
  }

  SegmentWriter at(long nanos) {
    time = nanos;
    return this;
  }

  void remove(int segment) throws IOException {
    Files.delete(files.path(uid, segment));
  }

  private byte[] encode(int stream, int flags, byte[] payload) {
    ByteBuffer frame = ByteBuffer.allocate(24 + payload.length).order(ByteOrder.LITTLE_ENDIAN);
    frame.put((byte) 'O').put((byte) 'F').put((byte) stream).put((byte) flags);
    frame.putInt(payload.length).putLong(time++);
    CRC32C crc = new CRC32C();
    crc.update(frame.array(), 0, 16);
    crc.update(payload, 0, payload.length);
    frame.putInt((int) crc.getValue()).putInt(0).put(payload);
    return frame.array();
  }

  private void append(byte[] frame, int length) throws IOException {
    if (number < 0) {
      rotate();
    }
    Files.write(files.path(uid, number), Arrays.copyOf(frame, length), StandardOpenOption.APPEND);
  }
}

package orch.controller.store;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.zip.CRC32C;

/**
 * Data of {@code /checkpoint/manifest}, the switch from one checkpoint to the next. A checkpoint is
 * the state at one index as a list of sections; each lies in one node or, if it is longer than
 * {@link #NODE_BYTES}, in several with numbers in a row. Numbers rise and are never given again, so
 * a new checkpoint never writes over a node of the one in force, and what did not alter stays where
 * it is.
 *
 * <p>Layout, big-endian: format (1 byte, 1), 3 bytes 0, CRC-32C of all that follows (4), epoch (8),
 * index (8), first entry kept (8), next node (8), number of sections (4), then for each section its
 * first node (8), its length (4) and its CRC-32C (4).
 *
 * @param epoch of the leader that wrote it
 * @param index of the last entry that it covers
 * @param firstEntry oldest entry of the log that may still be there; at most {@code index}
 * @param nextNode above the number of every node of this checkpoint and all before
 */
public record Manifest(
    long epoch, long index, long firstEntry, long nextNode, List<Stored> sections) {
  /** Data of a node of a checkpoint: 256 KB. */
  public static final int NODE_BYTES = 256 * 1024;

  private static final byte FORMAT = 1;
  private static final int HEADER_BYTES = 44;
  private static final int SECTION_BYTES = 16;
  private static final int CHECKED_FROM = 8;

  /**
   * Where a section lies.
   *
   * @param crc CRC-32C of its bytes
   */
  public record Stored(long firstNode, int bytes, int crc) {
    /** Number of its nodes. */
    public int nodes() {
      return Math.max(1, (bytes + NODE_BYTES - 1) / NODE_BYTES);
    }

    public boolean fits(byte[] data) {
      return data.length == bytes && checksum(data, 0) == crc;
    }
  }

  public Manifest {
    sections = Collections.unmodifiableList(new ArrayList<>(sections));
  }

  /** Length of the state. */
  public long stateBytes() {
    return sections.stream().mapToLong(Stored::bytes).sum();
  }

  public byte[] encode() {
    ByteBuffer buffer = ByteBuffer.allocate(HEADER_BYTES + SECTION_BYTES * sections.size());
    buffer.put(FORMAT).put(new byte[7]).putLong(epoch).putLong(index).putLong(firstEntry);
    buffer.putLong(nextNode).putInt(sections.size());
    for (Stored section : sections) {
      buffer.putLong(section.firstNode()).putInt(section.bytes()).putInt(section.crc());
    }
    byte[] bytes = buffer.array();
    buffer.putInt(4, checksum(bytes, CHECKED_FROM));
    return bytes;
  }

  /** Throws {@link CorruptLogException} on anything that {@link #encode} does not make. */
  public static Manifest decode(byte[] data) {
    if (data.length < HEADER_BYTES) {
      throw damaged("it has only " + data.length + " bytes");
    }
    ByteBuffer buffer = ByteBuffer.wrap(data);
    byte format = buffer.get();
    if (format != FORMAT) {
      throw new CorruptLogException(
          "the checkpoint's manifest has format "
              + format
              + ", this version reads 1: upgrade this controller");
    }
    if (buffer.getInt(4) != checksum(data, CHECKED_FROM)) {
      throw damaged("its checksum does not fit");
    }
    buffer.position(CHECKED_FROM);
    long epoch = buffer.getLong();
    long index = buffer.getLong();
    long firstEntry = buffer.getLong();
    long nextNode = buffer.getLong();
    int count = buffer.getInt();
    if (count < 0 || (long) count * SECTION_BYTES != buffer.remaining()) {
      throw damaged("its length is wrong");
    }
    List<Stored> sections = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      sections.add(new Stored(buffer.getLong(), buffer.getInt(), buffer.getInt()));
    }
    return new Manifest(epoch, index, firstEntry, nextNode, sections);
  }

  static int checksum(byte[] bytes, int from) {
    CRC32C crc = new CRC32C();
    crc.update(bytes, from, bytes.length - from);
    return (int) crc.getValue();
  }

  private static CorruptLogException damaged(String how) {
    return new CorruptLogException(
        "the checkpoint's manifest is damaged: " + how + "; restore the cluster from a backup");
  }
}

package orch.controller.store;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.zip.CRC32C;

/**
 * One entry of the log: the records that were gathered into it, under the identity of its batch,
 * (epoch, nonce, index). Within an epoch a batch is never put together anew, so equal identity
 * means equal bytes.
 *
 * <p>Layout, big-endian: format (1 byte, 1), 3 bytes 0, CRC-32C of all that follows (4), epoch (8),
 * nonce (8), index (8), then for each record its length (4) and its bytes.
 *
 * @param nonce of the epoch's compare-and-set
 * @param records opaque; not copied
 */
public record Entry(long epoch, long nonce, long index, List<byte[]> records) {
  static final int HEADER_BYTES = 32;
  static final int RECORD_HEADER_BYTES = 4;

  private static final byte FORMAT = 1;

  public Entry {
    records = Collections.unmodifiableList(new ArrayList<>(records));
  }

  /** Bytes that {@link #decode} reads. */
  public byte[] encode() {
    int size = HEADER_BYTES;
    for (byte[] record : records) {
      size += RECORD_HEADER_BYTES + record.length;
    }
    ByteBuffer buffer = ByteBuffer.allocate(size);
    buffer.put(FORMAT).put(new byte[7]).putLong(epoch).putLong(nonce).putLong(index);
    for (byte[] record : records) {
      buffer.putInt(record.length).put(record);
    }
    byte[] bytes = buffer.array();
    buffer.putInt(4, checksum(bytes));
    return bytes;
  }

  /**
   * Reads what {@link #encode} wrote; throws {@link CorruptLogException} on anything else.
   *
   * @param expectedIndex that the entry's name says
   */
  public static Entry decode(long expectedIndex, byte[] bytes) {
    if (bytes.length < HEADER_BYTES) {
      throw corrupt(expectedIndex, "it has only " + bytes.length + " bytes");
    }
    ByteBuffer buffer = ByteBuffer.wrap(bytes);
    byte format = buffer.get();
    if (format != FORMAT) {
      throw new CorruptLogException(
          "log entry "
              + expectedIndex
              + " has format "
              + format
              + ", this version reads 1: upgrade this controller");
    }
    if (buffer.getInt(4) != checksum(bytes)) {
      throw corrupt(expectedIndex, "its checksum does not fit");
    }
    buffer.position(8);
    long epoch = buffer.getLong();
    long nonce = buffer.getLong();
    long index = buffer.getLong();
    if (index != expectedIndex) {
      throw corrupt(expectedIndex, "it was written as entry " + index);
    }
    List<byte[]> records = new ArrayList<>();
    while (buffer.hasRemaining()) {
      int length = buffer.remaining() < RECORD_HEADER_BYTES ? -1 : buffer.getInt();
      if (length < 0 || length > buffer.remaining()) {
        throw corrupt(expectedIndex, "a record reaches over its end");
      }
      records.add(Arrays.copyOfRange(bytes, buffer.position(), buffer.position() + length));
      buffer.position(buffer.position() + length);
    }
    return new Entry(epoch, nonce, index, records);
  }

  private static int checksum(byte[] bytes) {
    CRC32C crc = new CRC32C();
    crc.update(bytes, 8, bytes.length - 8);
    return (int) crc.getValue();
  }

  private static CorruptLogException corrupt(long index, String how) {
    return new CorruptLogException(
        "log entry " + index + " is damaged: " + how + "; restore the cluster from a backup");
  }
}

package orch.controller.store;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * Data of {@code /checkpoint/manifest}, the switch from one checkpoint to the next. A checkpoint is
 * the state at one index, cut into chunks of a fixed size; a chunk that did not change since the
 * last checkpoint keeps its node. Chunk {@code i} is the node {@code
 * /checkpoint/DIRECTORY/i-GENERATION} where the generation is the index of the checkpoint that
 * wrote it, so a new checkpoint never writes over a chunk of the one that is in force.
 *
 * <p>Layout, big-endian: format (1 byte, 1), 3 bytes 0, epoch (8), index (8), first entry kept (8),
 * size of a chunk (4), length of the state in bytes (8), number of chunks (4), then the generation
 * of each (8).
 *
 * @param epoch of the leader that wrote it
 * @param index of the last entry that it covers
 * @param firstEntry oldest entry of the log that is still there; at most {@code index}
 * @param chunkBytes size of each chunk but the last
 * @param stateBytes length of the state
 */
public record Manifest(
    long epoch,
    long index,
    long firstEntry,
    int chunkBytes,
    long stateBytes,
    List<Long> generations) {
  private static final byte FORMAT = 1;
  private static final int HEADER_BYTES = 44;

  public Manifest {
    generations = List.copyOf(generations);
  }

  byte[] encode() {
    ByteBuffer buffer = ByteBuffer.allocate(HEADER_BYTES + 8 * generations.size());
    buffer.put(FORMAT).put(new byte[3]).putLong(epoch).putLong(index).putLong(firstEntry);
    buffer.putInt(chunkBytes).putLong(stateBytes).putInt(generations.size());
    for (long generation : generations) {
      buffer.putLong(generation);
    }
    return buffer.array();
  }

  /** Throws {@link CorruptLogException} on anything that {@link #encode} does not make. */
  static Manifest decode(byte[] data) {
    ByteBuffer buffer = ByteBuffer.wrap(data);
    if (data.length < HEADER_BYTES || buffer.get() != FORMAT) {
      throw new CorruptLogException(
          "the checkpoint's manifest has a format that this version cannot read:"
              + " upgrade this controller");
    }
    buffer.position(4);
    long epoch = buffer.getLong();
    long index = buffer.getLong();
    long firstEntry = buffer.getLong();
    int chunkBytes = buffer.getInt();
    long stateBytes = buffer.getLong();
    int chunks = buffer.getInt();
    if (chunks < 0 || chunks * 8L != buffer.remaining()) {
      throw new CorruptLogException("the checkpoint's manifest is damaged: its length is wrong");
    }
    List<Long> generations = new ArrayList<>(chunks);
    for (int i = 0; i < chunks; i++) {
      generations.add(buffer.getLong());
    }
    return new Manifest(epoch, index, firstEntry, chunkBytes, stateBytes, generations);
  }
}

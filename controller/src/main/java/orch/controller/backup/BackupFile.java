package orch.controller.backup;

import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.function.Consumer;
import java.util.zip.CRC32C;
import orch.controller.store.CorruptLogException;
import orch.controller.store.Entry;
import orch.controller.store.EpochRecord;
import orch.controller.store.LogContents;
import orch.controller.store.Manifest;
import org.jspecify.annotations.Nullable;

/**
 * The format of a backup: {@code ORCHBAK1}, then frames, each of a kind (1 byte), a length (4), the
 * CRC-32C of its data (4) and its data, big-endian. First a header, one line for people; then the
 * epoch's node, the manifest if there is a checkpoint, its sections, the entries, and an end with
 * the number of the frames before it: a file that was cut off has none.
 */
public final class BackupFile {
  /** Data of a frame; the largest are entries and sections, of which one part may be large. */
  static final int MAX_FRAME_BYTES = 64 * 1024 * 1024;

  private static final byte[] MAGIC = "ORCHBAK1".getBytes(StandardCharsets.US_ASCII);
  private static final int FRAME_HEADER = 9;
  private static final byte HEADER = 1;
  private static final byte EPOCH = 2;
  private static final byte MANIFEST = 3;
  private static final byte SECTION = 4;
  private static final byte ENTRY = 5;
  private static final byte END = 6;

  private BackupFile() {}

  /** Makes a backup of what a log holds; the bytes come in pieces, in order. */
  public static LogContents writer(String header, Consumer<byte[]> to) {
    return new Writer(header, to);
  }

  private static final class Writer implements LogContents {
    private final String header;
    private final Consumer<byte[]> to;
    private long frames;

    Writer(String header, Consumer<byte[]> to) {
      this.header = header;
      this.to = to;
    }

    @Override
    public void begin(EpochRecord epoch, @Nullable Manifest manifest) {
      to.accept(MAGIC.clone());
      frame(HEADER, header.getBytes(StandardCharsets.UTF_8));
      frame(EPOCH, epoch.encode());
      if (manifest != null) {
        frame(MANIFEST, manifest.encode());
      }
    }

    @Override
    public void section(byte[] bytes) {
      frame(SECTION, bytes);
    }

    @Override
    public void entry(Entry entry) {
      frame(ENTRY, entry.encode());
    }

    @Override
    public void end() {
      frame(END, ByteBuffer.allocate(Long.BYTES).putLong(frames).array());
    }

    private void frame(byte kind, byte[] data) {
      ByteBuffer frame = ByteBuffer.allocate(FRAME_HEADER + data.length);
      frame.put(kind).putInt(data.length).putInt(checksum(data)).put(data);
      frames++;
      to.accept(frame.array());
    }
  }

  /**
   * Reads a backup to its end.
   *
   * @return its header
   * @throws IOException with a sentence: it is none, it is damaged, or it was cut off
   */
  public static String read(InputStream from, LogContents to) throws IOException {
    DataInputStream in = new DataInputStream(from);
    byte[] magic = in.readNBytes(MAGIC.length);
    if (!Arrays.equals(magic, MAGIC)) {
      throw new IOException("this is no backup of Orch");
    }
    Reader reader = new Reader(to);
    try {
      while (!reader.ended) {
        byte kind = in.readByte();
        int length = in.readInt();
        int checksum = in.readInt();
        if (length < 0 || length > MAX_FRAME_BYTES) {
          throw damaged("a frame of " + length + " bytes");
        }
        byte[] data = in.readNBytes(length);
        if (data.length < length) {
          throw new EOFException();
        }
        if (checksum(data) != checksum) {
          throw damaged("a checksum does not fit");
        }
        reader.frame(kind, data);
      }
    } catch (EOFException e) {
      throw new IOException("the backup was cut off: take another", e);
    } catch (CorruptLogException e) {
      throw damaged(String.valueOf(e.getMessage()));
    }
    return reader.header;
  }

  private static final class Reader {
    private final LogContents to;
    private String header = "";
    private @Nullable EpochRecord epoch;
    private @Nullable Manifest manifest;
    private boolean begun;
    private boolean ended;
    private int sections;
    private long index;
    private long frames;

    Reader(LogContents to) {
      this.to = to;
    }

    void frame(byte kind, byte[] data) throws IOException {
      switch (kind) {
        case HEADER -> header = new String(data, StandardCharsets.UTF_8);
        case EPOCH -> epoch = EpochRecord.decode(data);
        case MANIFEST -> manifest = Manifest.decode(data);
        case SECTION -> {
          begin();
          section(data);
        }
        case ENTRY -> {
          begin();
          to.entry(Entry.decode(index == 0 ? firstIndex() : index + 1, data));
          index = index == 0 ? firstIndex() : index + 1;
        }
        case END -> {
          begin();
          if (ByteBuffer.wrap(data).getLong() != frames) {
            throw damaged("frames are missing");
          }
          if (manifest != null && sections != manifest.sections().size()) {
            throw damaged("sections of the checkpoint are missing");
          }
          to.end();
          ended = true;
        }
        default ->
            throw new IOException(
                "the backup has a frame of kind " + kind + ": a newer version made it");
      }
      frames++;
    }

    private void begin() throws IOException {
      EpochRecord of = epoch;
      if (!begun) {
        if (of == null) {
          throw damaged("it has no epoch");
        }
        begun = true;
        to.begin(of, manifest);
      }
    }

    private void section(byte[] data) throws IOException {
      Manifest of = manifest;
      if (of == null
          || sections == of.sections().size()
          || !of.sections().get(sections++).fits(data)) {
        throw damaged("a section does not fit the manifest");
      }
      to.section(data);
    }

    private long firstIndex() {
      return manifest == null ? 1 : manifest.index();
    }
  }

  private static int checksum(byte[] data) {
    CRC32C crc = new CRC32C();
    crc.update(data, 0, data.length);
    return (int) crc.getValue();
  }

  private static IOException damaged(String how) {
    return new IOException("the backup is damaged: " + how + "; take another");
  }
}

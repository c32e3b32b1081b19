package orch.controller.convert;

import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageLite;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import orch.controller.core.Change;
import orch.log.v1.Record;

/** One decision's changes as a record of the log (orch/log/v1/log.proto), and back. */
public final class RecordConvert {
  private static final long NANOS = 1_000_000_000L;

  private RecordConvert() {}

  /** A record that was read. */
  public record Decided(Instant now, List<Change> changes) {
    public Decided {
      changes = List.copyOf(changes);
    }
  }

  /** The same bytes for the same changes, in every JVM. */
  public static byte[] encode(Instant now, List<Change> changes) {
    Record.Builder record =
        Record.newBuilder().setNowNanos(now.getEpochSecond() * NANOS + now.getNano());
    for (Change change : changes) {
      record.addChanges(ChangeWriter.write(change));
    }
    return bytes(record.build());
  }

  /** The same bytes for an equal message, in every JVM. */
  static byte[] bytes(MessageLite message) {
    byte[] bytes = new byte[message.getSerializedSize()];
    CodedOutputStream out = CodedOutputStream.newInstance(bytes);
    out.useDeterministicSerialization();
    try {
      message.writeTo(out);
      out.flush();
    } catch (IOException impossible) {
      throw new UncheckedIOException(impossible);
    }
    return bytes;
  }

  /**
   * Reads what {@link #encode} wrote, in this version or an older one.
   *
   * @throws UnknownChangeException when a newer version wrote it
   * @throws IllegalArgumentException when it is no record
   */
  public static Decided decode(byte[] bytes) {
    Record record;
    try {
      record = Record.parseFrom(bytes);
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalArgumentException("not a record of the log: " + e.getMessage(), e);
    }
    List<Change> changes = new ArrayList<>(record.getChangesCount());
    for (orch.log.v1.Change change : record.getChangesList()) {
      changes.add(ChangeReader.read(change));
    }
    long nanos = record.getNowNanos();
    return new Decided(
        Instant.ofEpochSecond(Math.floorDiv(nanos, NANOS), Math.floorMod(nanos, NANOS)), changes);
  }
}

package orch.agent.runtime;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32C;
import orch.agent.core.Buried;
import orch.agent.core.KnownAttempt;
import orch.agent.core.Obeyed;
import orch.api.model.AttemptState;
import orch.api.model.JobSpec;
import orch.api.model.ResultKind;
import orch.api.model.Uid;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The agent's files in its data directory: {@code leader}, replaced at once, and {@code
 * attempts.N}, to which records are appended: length, CRC32C, type, content. A torn end is cut off.
 * After {@link #BURIALS_IN_A_FILE} burials a new file is begun, and only the newest three are kept,
 * so that there are always as many tombstones as the core keeps.
 *
 * <p>Room for the records is taken in advance, as zeros behind the last one, so that a disk which
 * tasks have filled does not end the agent, which could not keep its promises. A file {@code
 * reserve} is given up for a new leader's file, and made again once there is room.
 */
public final class DiskFiles implements AgentFiles, AutoCloseable {
  static final int BURIALS_IN_A_FILE = 50_000;
  private static final int FILES = 3;
  private static final int HEADER = 8;
  private static final int MAX_RECORD = 4_096;
  private static final String PREFIX = "attempts.";

  static final String RESERVE = "reserve";

  static final int RESERVE_BYTES = 1 << 16;

  /** Some 7,000 records: what is taken in advance; again when a quarter of it is left. */
  static final int ROOM_BYTES = 1 << 20;

  private static final Logger log = LoggerFactory.getLogger(DiskFiles.class);
  private static final byte KNOWN = 1;
  private static final byte BURIED = 2;

  private final Path directory;
  private final Obeyed obeyed;
  private final Map<Uid, KnownAttempt> known = new LinkedHashMap<>();
  private final List<Buried> buried = new ArrayList<>();
  private FileChannel current;
  private long end;
  private long room;
  private long number;
  private int burials;

  private DiskFiles(Path directory) throws IOException {
    this.directory = directory;
    this.obeyed = readLeader(directory.resolve("leader"));
    List<Long> numbers = numbers();
    for (long each : numbers) {
      end = read(path(each));
    }
    this.number = numbers.isEmpty() ? 1 : numbers.getLast();
    this.current = openForWriting(path(number));
    this.room = current.size();
    takeRoom();
    makeReserve();
  }

  /** Reads what is there; the directory must exist. */
  public static DiskFiles open(Path directory) throws IOException {
    return new DiskFiles(directory);
  }

  @Override
  public Obeyed obeyed() {
    return obeyed;
  }

  @Override
  public List<KnownAttempt> known() {
    return List.copyOf(known.values());
  }

  @Override
  public List<Buried> buried() {
    return List.copyOf(buried);
  }

  @Override
  public void obey(Obeyed leader) throws IOException {
    try {
      replaceLeader(leader);
    } catch (IOException e) {
      giveUpReserve(e);
      replaceLeader(leader);
    }
  }

  private void replaceLeader(Obeyed leader) throws IOException {
    Path fresh = directory.resolve("leader.new");
    String text = leader.clusterId() + "\n" + leader.incarnation() + "\n" + leader.epoch() + "\n";
    try (FileChannel file =
        FileChannel.open(
            fresh,
            StandardOpenOption.CREATE,
            StandardOpenOption.WRITE,
            StandardOpenOption.TRUNCATE_EXISTING)) {
      writeAll(file, ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)), 0);
      file.force(true);
    }
    Files.move(
        fresh,
        directory.resolve("leader"),
        StandardCopyOption.ATOMIC_MOVE,
        StandardCopyOption.REPLACE_EXISTING);
    try (FileChannel names = FileChannel.open(directory)) {
      names.force(true);
    }
  }

  @Override
  public void remember(KnownAttempt of) throws IOException {
    append(
        KNOWN,
        out -> {
          write(out, of.uid());
          write(out, of.jobUid());
          out.writeLong(of.jobNumber());
          out.writeUTF(of.namespace());
          out.writeUTF(of.jobName());
          out.writeInt(of.index());
          out.writeInt(of.attempt());
          out.writeUTF(of.traceId());
          out.writeUTF(of.spanId());
          out.writeBoolean(of.journal());
          out.writeLong(of.logRetention().toSeconds());
          out.writeLong(of.stopAfter().toMillis());
          out.writeByte(of.priority());
          out.writeBoolean(of.service());
          out.writeBoolean(of.nodeStops());
        });
  }

  @Override
  public void bury(Buried of) throws IOException {
    ResultKind kind = of.kind();
    append(
        BURIED,
        out -> {
          write(out, of.uid());
          out.writeUTF(of.state().name());
          out.writeUTF(kind == null ? "" : kind.name());
          out.writeInt(of.siCode());
          out.writeInt(of.siStatus());
          out.writeLong(of.endNanos());
          out.writeLong(of.buriedWallNanos());
        });
    burials++;
  }

  @Override
  public void compact(List<KnownAttempt> live) throws IOException {
    takeRoom();
    makeReserve();
    if (burials < BURIALS_IN_A_FILE) {
      return;
    }
    FileChannel old = current;
    number++;
    burials = 0;
    current = openForWriting(path(number));
    end = 0;
    room = 0;
    takeRoom();
    for (KnownAttempt each : live) {
      remember(each);
    }
    current.force(false);
    old.close();
    List<Long> numbers = numbers();
    for (long each : numbers.subList(0, Math.max(0, numbers.size() - FILES))) {
      Files.deleteIfExists(path(each));
    }
  }

  @Override
  public void sync() throws IOException {
    FileChannel file = current;
    if (file.isOpen()) {
      file.force(false);
    }
  }

  @Override
  public void close() throws IOException {
    current.force(false);
    current.close();
  }

  // ---- records ----

  @FunctionalInterface
  private interface Content {
    void write(DataOutputStream out) throws IOException;
  }

  private void append(byte type, Content content) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(256);
    DataOutputStream out = new DataOutputStream(bytes);
    out.writeLong(0);
    out.writeByte(type);
    content.write(out);
    byte[] record = bytes.toByteArray();
    CRC32C crc = new CRC32C();
    crc.update(record, HEADER, record.length - HEADER);
    ByteBuffer whole = ByteBuffer.wrap(record);
    whole.putInt(0, record.length - HEADER).putInt(4, (int) crc.getValue());
    writeAll(current, whole, end);
    end += record.length;
    if (room - end < ROOM_BYTES / 4) {
      takeRoom();
    }
  }

  /** Takes room behind the last record, or none when the disk is full. */
  private void takeRoom() {
    long from = Math.max(room, end);
    int more = (int) (end + ROOM_BYTES - from);
    if (more <= 0) {
      return;
    }
    try {
      writeAll(current, ByteBuffer.allocate(more), from);
      room = from + more;
    } catch (IOException full) {
      log.error(
          "{} is full ({}): output of tasks is lost and counted; the agent goes on while its own"
              + " room of {} bytes lasts; make room",
          directory,
          full.getMessage(),
          Math.max(0, room - end));
    }
  }

  /** Fills the reserve with bytes, since a hole would hold no room; later, if there is none now. */
  private void makeReserve() throws IOException {
    Path reserve = directory.resolve(RESERVE);
    if (Files.exists(reserve)) {
      return;
    }
    Path fresh = directory.resolve(RESERVE + ".new");
    try (FileChannel file =
        FileChannel.open(fresh, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      writeAll(file, ByteBuffer.allocate(RESERVE_BYTES), 0);
    } catch (IOException full) {
      Files.deleteIfExists(fresh);
      return;
    }
    Files.move(fresh, reserve, StandardCopyOption.ATOMIC_MOVE);
  }

  /** Makes room by the reserve; throws {@code cause} when it is gone already. */
  private void giveUpReserve(IOException cause) throws IOException {
    if (!Files.deleteIfExists(directory.resolve(RESERVE))) {
      throw cause;
    }
  }

  /** Returns where its records end. */
  private long read(Path file) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    ByteBuffer from = ByteBuffer.wrap(bytes);
    int at = 0;
    burials = 0;
    while (at + HEADER <= bytes.length) {
      int length = from.getInt(at);
      if (length < 1 || length > MAX_RECORD || at + HEADER + length > bytes.length) {
        break;
      }
      CRC32C crc = new CRC32C();
      crc.update(bytes, at + HEADER, length);
      if ((int) crc.getValue() != from.getInt(at + 4)) {
        break;
      }
      take(new DataInputStream(new ByteArrayInputStream(bytes, at + HEADER, length)));
      at += HEADER + length;
    }
    if (!zeros(bytes, at)) {
      // A writer died in the middle; what follows would be read as part of that record.
      try (FileChannel cut = FileChannel.open(file, StandardOpenOption.WRITE)) {
        cut.truncate(at);
      }
    }
    return at;
  }

  private static boolean zeros(byte[] bytes, int from) {
    for (int at = from; at < bytes.length; at++) {
      if (bytes[at] != 0) {
        return false;
      }
    }
    return true;
  }

  private void take(DataInputStream in) throws IOException {
    switch (in.readByte()) {
      case KNOWN -> {
        KnownAttempt of =
            new KnownAttempt(
                uid(in),
                uid(in),
                in.readLong(),
                in.readUTF(),
                in.readUTF(),
                in.readInt(),
                in.readInt(),
                in.readUTF(),
                in.readUTF(),
                in.readBoolean(),
                Duration.ofSeconds(in.readLong()),
                // Records of earlier versions end here, or after it.
                Duration.ofMillis(in.available() >= Long.BYTES ? in.readLong() : 0),
                in.available() > 0 ? in.readByte() : JobSpec.DEFAULT_PRIORITY,
                in.available() > 0 && in.readBoolean(),
                in.available() > 0 && in.readBoolean());
        known.put(of.uid(), of);
      }
      case BURIED -> {
        Uid uid = uid(in);
        AttemptState state = AttemptState.valueOf(in.readUTF());
        String kind = in.readUTF();
        buried.add(
            new Buried(
                uid,
                state,
                kind.isEmpty() ? null : ResultKind.valueOf(kind),
                in.readInt(),
                in.readInt(),
                in.readLong(),
                in.readLong()));
        known.remove(uid);
        burials++;
      }
      default -> {
        // Of a later version.
      }
    }
  }

  private static void write(DataOutputStream out, Uid uid) throws IOException {
    out.writeInt(uid.incarnation());
    out.writeLong(uid.epoch());
    out.writeLong(uid.sequence());
  }

  private static Uid uid(DataInputStream in) throws IOException {
    return new Uid(in.readInt(), in.readLong(), in.readLong());
  }

  // ---- files ----

  private static Obeyed readLeader(Path file) throws IOException {
    if (!Files.exists(file)) {
      return Obeyed.NOBODY;
    }
    List<String> lines = Files.readAllLines(file, StandardCharsets.UTF_8);
    try {
      return new Obeyed(lines.get(0), Integer.parseInt(lines.get(1)), Long.parseLong(lines.get(2)));
    } catch (IndexOutOfBoundsException | NumberFormatException e) {
      throw new IOException(
          file + " is damaged; remove it only if no newer leader was ever followed", e);
    }
  }

  private List<Long> numbers() throws IOException {
    List<Long> numbers = new ArrayList<>();
    try (DirectoryStream<Path> files = Files.newDirectoryStream(directory, PREFIX + "*")) {
      for (Path file : files) {
        @Nullable Path name = file.getFileName();
        String digits = name == null ? "" : name.toString().substring(PREFIX.length());
        if (digits.matches("[0-9]{1,18}")) {
          numbers.add(Long.parseLong(digits));
        }
      }
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
    numbers.sort(null);
    return numbers;
  }

  private Path path(long of) {
    return directory.resolve(PREFIX + of);
  }

  private static FileChannel openForWriting(Path file) throws IOException {
    return FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
  }

  private static void writeAll(FileChannel to, ByteBuffer bytes, long at) throws IOException {
    long next = at;
    while (bytes.hasRemaining()) {
      next += to.write(bytes, next);
    }
  }
}

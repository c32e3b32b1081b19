package orch.agent.process;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import orch.api.model.Uid;
import org.jspecify.annotations.Nullable;

/** What the launcher and its shims say. */
sealed interface Incoming {
  /** Of the launcher that answered HELLO. Texts are empty where the launcher has none. */
  record Welcome(
      int launcherPid,
      String bootId,
      long capabilities,
      int generation,
      int shims,
      int maxShims,
      int previousShims,
      long synced,
      String runDirectory,
      String journalDirectory,
      String segmentsDirectory,
      String cgroup,
      List<String> notes)
      implements Incoming {}

  /** A shim, whose socket came with the message; {@code uid} null: it guards nothing. */
  record Shim(int slot, int pid, long lastSeq, @Nullable Uid uid, int state) implements Incoming {}

  /** Every shim was sent. */
  record Ready() implements Incoming {}

  record Grown(int added, int errno) implements Incoming {}

  /** The slot goes on with a replacement; {@code uid} null: it guarded nothing. */
  record ShimDead(int slot, int newPid, long lastSeq, @Nullable Uid uid) implements Incoming {}

  record Acked(int count, int errno) implements Incoming {}

  /** Records whose end is at most {@code synced} are durable. */
  record Synced(long synced, int errno) implements Incoming {}

  /** A request was refused; of a PONG {@code code} is 0. */
  record Refused(
      int slot, long seq, int code, int errno, long lastSeq, @Nullable Uid uid, String text)
      implements Incoming {}

  record Started(int slot, Uid uid, long position, StartFacts facts) implements Incoming {}

  record StartFailed(int slot, Uid uid, long position, FailureFacts facts) implements Incoming {}

  record LeaderExited(int slot, Uid uid, long position, ExitFacts facts) implements Incoming {}

  record Exited(int slot, Uid uid, long position, ExitFacts facts) implements Incoming {}

  /** Answer to SIGNAL, KILL, FREEZE, THAW, SET_DEADLINE, STOP. */
  record Done(int slot, long seq, Uid uid, int errno, int count) implements Incoming {}

  record Stopping(int slot, Uid uid, int signal, int cause) implements Incoming {}

  record Stuck(int slot, Uid uid, int processes, int firstPid) implements Incoming {}

  /** A command inside an attempt executes; {@code seq} is that of its EXEC. */
  record ExecStarted(int slot, long seq, Uid uid, int pid) implements Incoming {}

  record ExecFailed(int slot, long seq, Uid uid, FailureFacts facts) implements Incoming {}

  record ExecExited(
      int slot, long seq, Uid uid, int siCode, int siStatus, long userMicros, long systemMicros)
      implements Incoming {}

  /** The writing end of a task's input comes with it, unless the input has ended. */
  record Input(int slot, long seq, Uid uid) implements Incoming {}

  /** The launcher keeps the descriptor that came with it. */
  record Kept(String name, int kind) implements Incoming {}

  /** There is no more that the launcher keeps. */
  record KeptAll() implements Incoming {}

  /** A message of a later protocol. */
  record Other(int type) implements Incoming {}

  /** A task was made. Times in nanoseconds. */
  record StartFacts(int pid, long pidStart, long bootNanos, long realNanos) {
    static StartFacts read(ByteBuffer from, int at) {
      return new StartFacts(
          from.getInt(at + 20),
          from.getLong(at + 24),
          from.getLong(at + 32),
          from.getLong(at + 40));
    }
  }

  /** No task was made. */
  record FailureFacts(int stage, int errno, int index, long realNanos) {
    static FailureFacts read(ByteBuffer from, int at) {
      return new FailureFacts(
          from.getInt(at + 20), from.getInt(at + 24), from.getInt(at + 28), from.getLong(at + 40));
    }
  }

  /** How a task ended; fields as in docs/launcher-protocol.md, "EXITED". */
  record ExitFacts(
      int pid,
      long startedRealNanos,
      long exitedRealNanos,
      int siCode,
      int siStatus,
      long flags,
      long userMicros,
      long systemMicros,
      long maxRssKib,
      long oomKill,
      long oomGroupKill,
      long oomKillLocal,
      long memoryPeak,
      long cpuUserMicros,
      long cpuSystemMicros,
      long outBytes,
      long errBytes,
      long lostBytes,
      int logSegments) {
    static ExitFacts read(ByteBuffer from, int at) {
      return new ExitFacts(
          from.getInt(at + 20),
          from.getLong(at + 40),
          exitedReal(from, at),
          from.getInt(at + 72),
          from.getInt(at + 76),
          from.getLong(at + 80),
          from.getLong(at + 88),
          from.getLong(at + 96),
          from.getLong(at + 104),
          from.getLong(at + 168),
          from.getLong(at + 176),
          from.getLong(at + 200),
          from.getLong(at + 208),
          from.getLong(at + 224),
          from.getLong(at + 232),
          from.getLong(at + 264),
          from.getLong(at + 272),
          from.getLong(at + 280),
          from.getInt(at + 296));
    }

    /**
     * The start and the time that it ran by the boot clock, so that a jump of the wall clock makes
     * no run longer or shorter: back-offs are reset by long runs.
     */
    private static long exitedReal(ByteBuffer from, int at) {
      long startedBoot = from.getLong(at + 32);
      long exitedBoot = from.getLong(at + 48);
      return startedBoot == 0 || exitedBoot < startedBoot
          ? from.getLong(at + 56)
          : from.getLong(at + 40) + exitedBoot - startedBoot;
    }

    boolean has(long flag) {
      return (flags & flag) != 0;
    }
  }

  /** Thrown for bytes that are no message of this protocol. */
  final class MalformedException extends RuntimeException {
    private static final long serialVersionUID = 1;

    MalformedException(String message) {
      super(message);
    }
  }

  /** Reads one datagram. */
  static Incoming read(byte[] bytes, int length) {
    if (length < Protocol.HEADER) {
      throw new MalformedException("a datagram of " + length + " bytes");
    }
    ByteBuffer from = ByteBuffer.wrap(bytes, 0, length).order(ByteOrder.LITTLE_ENDIAN);
    if (from.getInt(0) != Protocol.MAGIC || from.getInt(8) != length) {
      throw new MalformedException("not a message of the launcher's protocol");
    }
    int type = from.getShort(6) & 0xFFFF;
    long seq = from.getLong(16);
    int slot = from.getInt(24);
    int body = Protocol.HEADER;
    int event = body + 8;
    try {
      return switch (type) {
        case Protocol.WELCOME -> welcome(from, body);
        case Protocol.SHIM ->
            new Shim(
                from.getInt(body),
                from.getInt(body + 4),
                from.getLong(body + 16),
                uidOrNull(from, body + 24),
                from.getInt(body + 40));
        case Protocol.READY -> new Ready();
        case Protocol.GROWN -> new Grown(from.getInt(body), from.getInt(body + 4));
        case Protocol.SHIM_DEAD ->
            new ShimDead(
                from.getInt(body),
                from.getInt(body + 8),
                from.getLong(body + 16),
                uidOrNull(from, body + 24));
        case Protocol.ACKED -> new Acked(from.getInt(body), from.getInt(body + 4));
        case Protocol.SYNCED -> new Synced(from.getLong(body), from.getInt(body + 16));
        case Protocol.PONG, Protocol.REFUSED ->
            new Refused(
                slot,
                seq,
                from.getInt(body),
                from.getInt(body + 4),
                from.getLong(body + 8),
                uidOrNull(from, body + 16),
                text(from, body + 40, from.getInt(body + 36)));
        case Protocol.STARTED ->
            new Started(slot, uid(from, event), from.getLong(body), StartFacts.read(from, event));
        case Protocol.START_FAILED ->
            new StartFailed(
                slot, uid(from, event), from.getLong(body), FailureFacts.read(from, event));
        case Protocol.LEADER_EXITED ->
            new LeaderExited(
                slot, uid(from, event), from.getLong(body), ExitFacts.read(from, event));
        case Protocol.EXITED ->
            new Exited(slot, uid(from, event), from.getLong(body), ExitFacts.read(from, event));
        case Protocol.DONE ->
            new Done(slot, seq, uid(from, body), from.getInt(body + 16), from.getInt(body + 20));
        case Protocol.STOPPING ->
            new Stopping(slot, uid(from, body), from.getInt(body + 16), from.getInt(body + 20));
        case Protocol.STUCK ->
            new Stuck(slot, uid(from, body), from.getInt(body + 32), from.getInt(body + 36));
        case Protocol.EXEC_STARTED ->
            new ExecStarted(slot, seq, uid(from, body), from.getInt(body + 20));
        case Protocol.EXEC_FAILED ->
            new ExecFailed(slot, seq, uid(from, body), FailureFacts.read(from, body));
        case Protocol.EXEC_EXITED ->
            new ExecExited(
                slot,
                seq,
                uid(from, body),
                from.getInt(body + 24),
                from.getInt(body + 28),
                from.getLong(body + 32),
                from.getLong(body + 40));
        case Protocol.KEPT ->
            new Kept(text(from, body + 8, from.getInt(body + 4)), from.getInt(body));
        case Protocol.KEPT_ALL -> new KeptAll();
        case Protocol.INPUT -> new Input(slot, seq, uid(from, body));
        default -> new Other(type);
      };
    } catch (IndexOutOfBoundsException | IllegalArgumentException e) {
      throw new MalformedException("message " + type + " is cut short: " + e.getMessage());
    }
  }

  private static Welcome welcome(ByteBuffer from, int body) {
    String run = "";
    String journal = "";
    String segments = "";
    String cgroup = "";
    List<String> notes = new ArrayList<>();
    for (int at = body + 80; at + 8 <= from.limit(); ) {
      int tag = from.getShort(at) & 0xFFFF;
      int length = from.getInt(at + 4);
      String value = text(from, at + 8, length);
      switch (tag) {
        case Protocol.W_RUN_DIR -> run = value;
        case Protocol.W_JOURNAL_DIR -> journal = value;
        case Protocol.W_SEGMENTS_DIR -> segments = value;
        case Protocol.W_CGROUP -> cgroup = value;
        case Protocol.W_NOTE -> notes.add(value);
        default -> {}
      }
      at += 8 + (length + 7) / 8 * 8;
    }
    ByteBuffer boot = from.duplicate().order(ByteOrder.BIG_ENDIAN);
    return new Welcome(
        from.getInt(body + 4),
        new UUID(boot.getLong(body + 16), boot.getLong(body + 24)).toString(),
        from.getLong(body + 32),
        from.getInt(body + 40),
        from.getInt(body + 44),
        from.getInt(body + 48),
        from.getInt(body + 60),
        from.getLong(body + 72),
        run,
        journal,
        segments,
        cgroup,
        List.copyOf(notes));
  }

  /** The uid at {@code at}. */
  static Uid uid(ByteBuffer from, int at) {
    return new Uid(
        from.getInt(at), Integer.toUnsignedLong(from.getInt(at + 4)), from.getLong(at + 8));
  }

  private static @Nullable Uid uidOrNull(ByteBuffer from, int at) {
    return from.getInt(at) == 0 ? null : uid(from, at);
  }

  private static String text(ByteBuffer from, int at, int length) {
    if (length < 0 || at + length > from.limit()) {
      throw new IndexOutOfBoundsException("text of " + length + " bytes at " + at);
    }
    return new String(from.array(), at, length, StandardCharsets.UTF_8);
  }
}

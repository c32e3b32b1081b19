package orch.agent.process;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import orch.api.model.StopMode;
import orch.api.model.Uid;
import org.jspecify.annotations.Nullable;

/** The agent's messages as bytes. */
final class Outgoing {
  private static final int START_BODY = 160;

  private Outgoing() {}

  static byte[] hello() {
    return message(Protocol.HELLO, 0, Protocol.NO_SLOT, body(8).putInt(1).putInt(1));
  }

  static byte[] grow(int shims) {
    return message(Protocol.GROW, 0, Protocol.NO_SLOT, body(8).putInt(shims).putInt(0));
  }

  /** At most {@link Protocol#MAX_ACKS} uids. */
  static byte[] ack(List<Uid> uids) {
    ByteBuffer body = body(8 + 16 * uids.size()).putInt(uids.size()).putInt(0);
    uids.forEach(uid -> put(body, uid));
    return message(Protocol.ACK, 0, Protocol.NO_SLOT, body);
  }

  static byte[] keptGet() {
    return message(Protocol.KEPT_GET, 0, Protocol.NO_SLOT, body(0));
  }

  /** {@code kind}: of {@link Protocol}, such as KEEP_QUEUE. */
  static byte[] keep(String name, int kind) {
    return kept(Protocol.KEEP, name, kind);
  }

  static byte[] unkeep(String name) {
    return kept(Protocol.UNKEEP, name, Protocol.KEEP_PLAIN);
  }

  private static byte[] kept(int type, String name, int kind) {
    byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
    ByteBuffer body = body(8 + bytes.length).putInt(kind).putInt(bytes.length).put(bytes);
    return message(type, 0, Protocol.NO_SLOT, body);
  }

  static byte[] shutdown() {
    return message(Protocol.SHUTDOWN, 0, Protocol.NO_SLOT, body(0));
  }

  static byte[] ping(int slot) {
    return message(Protocol.PING, 0, slot, body(0));
  }

  /** {@code target}: of {@link Protocol}, such as SIGNAL_ALL. */
  static byte[] signal(long seq, int slot, Uid uid, int signal, int target) {
    return message(Protocol.SIGNAL, seq, slot, put(body(24), uid).putInt(signal).putInt(target));
  }

  /** {@code target}: 1 every process of the command, 2 the command alone. */
  static byte[] execSignal(long seq, int slot, Uid uid, int signal, int target) {
    return message(
        Protocol.EXEC_SIGNAL, seq, slot, put(body(24), uid).putInt(signal).putInt(target));
  }

  static byte[] inputGet(long seq, int slot, Uid uid) {
    return message(Protocol.INPUT_GET, seq, slot, put(body(16), uid));
  }

  static byte[] inputEnd(long seq, int slot, Uid uid) {
    return message(Protocol.INPUT_END, seq, slot, put(body(16), uid));
  }

  static byte[] kill(long seq, int slot, Uid uid) {
    return message(Protocol.KILL, seq, slot, put(body(16), uid));
  }

  static byte[] freeze(long seq, int slot, Uid uid, boolean frozen) {
    return message(frozen ? Protocol.FREEZE : Protocol.THAW, seq, slot, put(body(16), uid));
  }

  static byte[] setDeadline(long seq, int slot, LauncherPort.Deadline of) {
    int type = of.lease() ? Protocol.SET_LEASE : Protocol.SET_DEADLINE;
    return message(type, seq, slot, put(body(24), of.uid()).putLong(of.bootNanos()));
  }

  /** Stop with the signal and mode of the START; {@code grace} null: its grace too. */
  static byte[] stop(long seq, int slot, Uid uid, @Nullable Duration grace) {
    return message(
        Protocol.STOP,
        seq,
        slot,
        put(body(32), uid).putInt(0).putInt(0).putLong(grace == null ? -1 : grace.toNanos()));
  }

  /** Has a stop that runs kill later. */
  static byte[] extendStop(long seq, int slot, Uid uid, Duration by, Duration most) {
    return message(
        Protocol.EXTEND_STOP,
        seq,
        slot,
        put(body(32), uid).putLong(by.toNanos()).putLong(most.toNanos()));
  }

  /** One START, cut into as many datagrams as it needs; its deadline is {@code deadline}'s. */
  static List<byte[]> start(long seq, int slot, StartRequest of, LauncherPort.Deadline deadline) {
    return start(Protocol.START, seq, slot, of, deadline, 0, List.of());
  }

  /**
   * A START or EXEC whose first datagram is sent with descriptors.
   *
   * @param more flags beside those of the request
   * @param targets what the descriptors are to become
   */
  static List<byte[]> start(
      int type,
      long seq,
      int slot,
      StartRequest of,
      LauncherPort.Deadline deadline,
      long more,
      List<Integer> targets) {
    ByteArrayOutputStream tlvs = new ByteArrayOutputStream(1_024);
    int count = tlvs(tlvs, of);
    if (!targets.isEmpty()) {
      ByteBuffer numbers = body(4 * targets.size());
      targets.forEach(numbers::putInt);
      count += tlv(tlvs, Protocol.T_FDS, numbers.array());
    }
    ByteBuffer body = body(START_BODY);
    put(body, of.uid());
    UUID boot = UUID.fromString(of.bootId());
    body.put(bigEndian(boot.getMostSignificantBits()));
    body.put(bigEndian(boot.getLeastSignificantBits()));
    StartRequest.Identity identity = of.identity();
    Long kept = of.capabilities();
    long capabilities = kept == null ? 0 : kept;
    body.putLong(flags(of) | more | (deadline.lease() ? Protocol.S_LEASE : 0))
        .putLong(of.uid().sequence())
        .putInt(identity == null ? 0 : identity.uid())
        .putInt(identity == null ? 0 : identity.gid())
        .putInt(orZero(of.umask()))
        .putInt(orZero(of.nice()))
        .putInt(orZero(of.oomScoreAdj()))
        .putInt(of.stop().signal())
        .putLong(deadline.bootNanos())
        .putLong(of.stop().grace().toNanos())
        .putInt(mode(of.stop().mode()))
        .putInt(0700)
        .putLong(capabilities)
        .putLong(capabilities)
        .putLong(capabilities)
        .putLong(capabilities)
        .putLong(0)
        .putLong(of.logTotalBytes())
        .putInt(0)
        .putInt(count)
        .putLong(0);
    byte[] whole = new byte[START_BODY + tlvs.size()];
    System.arraycopy(body.array(), 0, whole, 0, START_BODY);
    System.arraycopy(tlvs.toByteArray(), 0, whole, START_BODY, tlvs.size());
    return cut(type, seq, slot, whole);
  }

  private static List<byte[]> cut(int type, long seq, int slot, byte[] whole) {
    List<byte[]> parts = new ArrayList<>();
    int room = Protocol.MAX_DATAGRAM - Protocol.HEADER;
    for (int at = 0; at < whole.length; at += room) {
      int length = Math.min(room, whole.length - at);
      ByteBuffer part = body(length).put(whole, at, length);
      boolean more = at + length < whole.length;
      parts.add(message(type, seq, slot, part, more ? Protocol.FLAG_MORE : 0));
    }
    return parts;
  }

  private static int tlvs(ByteArrayOutputStream to, StartRequest of) {
    int count = 0;
    count += tlv(to, Protocol.T_ARGV, strings(of.arguments()));
    List<String> environment = new ArrayList<>();
    for (Map.Entry<String, String> entry : of.environment().entrySet()) {
      environment.add(entry.getKey() + "=" + entry.getValue());
    }
    count += tlv(to, Protocol.T_ENV, strings(environment));
    count += path(to, Protocol.T_CWD, of.workingDirectory());
    count += path(to, Protocol.T_STDIN, of.stdin());
    count += path(to, Protocol.T_STDOUT, of.stdout());
    count += path(to, Protocol.T_STDERR, of.stderr());
    for (StartRequest.Limit limit : of.limits()) {
      count += tlv(to, Protocol.T_LIMIT, strings(List.of(limit.file(), limit.value())));
    }
    for (StartRequest.ResourceLimit limit : of.rlimits()) {
      ByteBuffer value =
          body(24).putInt(limit.resource()).putInt(0).putLong(limit.soft()).putLong(limit.hard());
      count += tlv(to, Protocol.T_RLIMIT, value.array());
    }
    StartRequest.Identity identity = of.identity();
    if (identity != null && !identity.groups().isEmpty()) {
      ByteBuffer groups = body(4 * identity.groups().size());
      identity.groups().forEach(groups::putInt);
      count += tlv(to, Protocol.T_GROUPS, groups.array());
    }
    if (!of.filter().isEmpty()) {
      count += tlv(to, Protocol.T_SECCOMP, of.filter().toByteArray());
    }
    if (!of.preStop().isEmpty()) {
      count += tlv(to, Protocol.T_PRE_STOP, strings(of.preStop()));
    }
    for (StartRequest.PathRule rule : of.pathRules()) {
      byte[] path = strings(List.of(rule.path()));
      ByteBuffer value = body(8 + path.length).putInt(rule.write() ? 2 : 1).putInt(0).put(path);
      count += tlv(to, Protocol.T_PATH_RULE, value.array());
    }
    count += path(to, Protocol.T_TASK_DIR, of.taskDirectory());
    count += path(to, Protocol.T_NAME, of.name().substring(0, Math.min(of.name().length(), 95)));
    return count;
  }

  private static long flags(StartRequest of) {
    long flags = Protocol.S_SETSID | Protocol.S_SEARCH_PATH;
    flags |= of.joinStreams() ? Protocol.S_STDERR_STDOUT : 0;
    flags |= of.waitForDescendants() ? Protocol.S_WAIT : 0;
    flags |= of.noNewPrivileges() ? Protocol.S_NO_NEW_PRIVS : 0;
    flags |= of.identity() != null ? Protocol.S_USER : 0;
    flags |= of.capabilities() != null ? Protocol.S_CAPS : 0;
    flags |= of.nice() != null ? Protocol.S_NICE : 0;
    flags |= of.oomScoreAdj() != null ? Protocol.S_OOM_SCORE : 0;
    flags |= of.umask() != null ? Protocol.S_UMASK : 0;
    flags |= of.pidNamespace() ? Protocol.S_PID_NAMESPACE : 0;
    flags |= of.preStop().isEmpty() ? 0 : Protocol.S_PRE_STOP;
    return flags;
  }

  private static int mode(StopMode mode) {
    return switch (mode) {
      case GROUP -> 1;
      case MIXED -> 2;
      case PROCESS -> 3;
    };
  }

  private static int orZero(@Nullable Integer value) {
    return value == null ? 0 : value;
  }

  private static int path(ByteArrayOutputStream to, int tag, @Nullable String path) {
    return path == null ? 0 : tlv(to, tag, strings(List.of(path)));
  }

  private static byte[] strings(List<String> strings) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    for (String string : strings) {
      bytes.writeBytes(string.getBytes(StandardCharsets.UTF_8));
      bytes.write(0);
    }
    return bytes.toByteArray();
  }

  private static int tlv(ByteArrayOutputStream to, int tag, byte[] value) {
    ByteBuffer head = body(8).putShort((short) tag).putShort((short) 0).putInt(value.length);
    to.writeBytes(head.array());
    to.writeBytes(value);
    to.writeBytes(new byte[-value.length & 7]);
    return 1;
  }

  private static byte[] bigEndian(long value) {
    return ByteBuffer.allocate(8).putLong(value).array();
  }

  private static ByteBuffer put(ByteBuffer to, Uid uid) {
    return to.putInt(uid.incarnation()).putInt((int) uid.epoch()).putLong(uid.sequence());
  }

  private static ByteBuffer body(int length) {
    return ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static byte[] message(int type, long seq, int slot, ByteBuffer body) {
    return message(type, seq, slot, body, 0);
  }

  private static byte[] message(int type, long seq, int slot, ByteBuffer body, int flags) {
    byte[] content = body.array();
    return body(Protocol.HEADER + content.length)
        .putInt(Protocol.MAGIC)
        .putShort((short) Protocol.VERSION)
        .putShort((short) type)
        .putInt(Protocol.HEADER + content.length)
        .putInt(flags)
        .putLong(seq)
        .putInt(slot)
        .putInt(0)
        .put(content)
        .array();
  }
}

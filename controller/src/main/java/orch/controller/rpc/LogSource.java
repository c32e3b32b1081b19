package orch.controller.rpc;

import io.grpc.stub.ServerCallStreamObserver;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.Map;
import orch.agent.v1.LogCredit;
import orch.api.convert.AttemptConvert;
import orch.v1.LogRecord;
import org.jspecify.annotations.Nullable;

/** The part of a merged output that comes from one node. Guarded by the merge's lock. */
final class LogSource {
  /** Outputs of which it is remembered how far they were told; beyond, lines may come twice. */
  private static final int MAX_REMEMBERED = 100_000;

  /** Where the node's part stands. */
  enum State {
    /** Not asked yet, or again after {@link #retryNanos}. */
    IDLE,
    /** Asked; the node has not opened its stream. */
    ASKED,
    OPEN,
    /** Everything has come, or nothing more will. */
    ENDED
  }

  /** One output: a stream of an attempt. */
  private record Output(int index, int attempt, int stream) {}

  /** How far an output was told: {@code told} records of the newest time. */
  private record Told(long nanos, int told) {}

  final String nodeUid;
  final String nodeName;
  State state = State.IDLE;

  /** Number of the node's stream; another one after each break. */
  long stream;

  /** When it was asked; when it may be asked again. */
  long askedNanos;

  long retryNanos = System.nanoTime();

  /** Breaks and refusals in a row. */
  int failures;

  /** Since when it failed without anything coming, 0: it does not. */
  long failingSinceNanos;

  boolean drainAsked;
  boolean complained;

  /** Whether the node answered when the job was looked at. */
  boolean reachable = true;

  final Deque<LogRecord> queue = new ArrayDeque<>();
  @Nullable ServerCallStreamObserver<LogCredit> credits;

  /** Bytes that the node may send still; below 0 when it overdrew. */
  long granted;

  /** Of {@link #queue}. */
  private long queuedBytes;

  private final Map<Output, Told> told = new LinkedHashMap<>();
  private final Map<Output, Integer> repeated = new LinkedHashMap<>();
  private boolean forgetful;

  LogSource(String nodeUid, String nodeName) {
    this.nodeUid = nodeUid;
    this.nodeName = nodeName;
  }

  /** Whether anything of this node was told. */
  boolean toldAnything() {
    return !told.isEmpty() || forgetful;
  }

  /** Whether the repetition after a break may show lines twice. */
  boolean forgetful() {
    return forgetful;
  }

  void add(LogRecord record) {
    queue.add(record);
    queuedBytes += record.getData().size();
  }

  LogRecord next() {
    LogRecord record = queue.removeFirst();
    queuedBytes -= record.getData().size();
    return record;
  }

  /** Time of the record that is next; there is one. */
  long nextNanos() {
    return AttemptConvert.epochNanos(queue.getFirst().getTime());
  }

  /** What came and was not told is not wanted. */
  void clear() {
    queue.clear();
    queuedBytes = 0;
    granted = 0;
  }

  /** The node begins anew: what it sends again is left out by {@link #isNew}. */
  void repeats() {
    clear();
    repeated.clear();
    told.forEach((output, until) -> repeated.put(output, until.told));
  }

  /** Whether a record that came was not told before a break. */
  boolean isNew(LogRecord record) {
    Output output = output(record);
    Integer left = repeated.get(output);
    if (left == null) {
      return true;
    }
    Told until = told.get(output);
    if (until == null) {
      return true;
    }
    int order = compare(record, until);
    if (order > 0) {
      repeated.remove(output);
      return true;
    }
    if (order < 0) {
      return false;
    }
    if (left == 0) {
      repeated.remove(output);
      return true;
    }
    repeated.put(output, left - 1);
    return false;
  }

  /** A record of this node goes to the client. */
  void tell(LogRecord record) {
    if (forgetful) {
      return;
    }
    Output output = output(record);
    Told until = told.get(output);
    boolean same = until != null && compare(record, until) == 0;
    told.put(
        output,
        new Told(
            AttemptConvert.epochNanos(record.getTime()),
            same && until != null ? until.told + 1 : 1));
    if (told.size() > MAX_REMEMBERED) {
      told.clear();
      repeated.clear();
      forgetful = true;
    }
  }

  /** Bytes to grant so that the node's window is {@code window} again; 0: not worth a message. */
  long grant(long window) {
    long bytes = window - queuedBytes - granted;
    return bytes >= window / 2 ? bytes : 0;
  }

  private static int compare(LogRecord record, Told until) {
    return Long.compare(AttemptConvert.epochNanos(record.getTime()), until.nanos);
  }

  private static Output output(LogRecord record) {
    return new Output(record.getIndex(), record.getAttempt(), record.getStreamValue());
  }
}

package orch.controller.core;

import java.util.Arrays;
import orch.api.model.AttemptState;
import orch.api.model.Result;
import orch.api.model.StageTimes;
import orch.api.model.StartFailure;
import orch.api.model.TaskState;
import org.jspecify.annotations.Nullable;

/**
 * Up to {@link #SIZE} tasks as columns of primitives: a task and its newest attempt take about 45
 * bytes while they live and 215 once there is a result with all its times. Columns that nothing
 * needs yet do not exist.
 */
final class Chunk {
  /** Tasks in a full chunk. */
  static final int SIZE = 256;

  private static final int STAGES = 11;

  final byte[] state;
  final byte[] attemptState;
  final int[] attempts;
  final int[] term;
  final long[] sequence;
  final int[] node;
  final long[] placeNanos;
  final long[] startNanos;
  final long[] endNanos;
  private @Nullable Results results;
  private long @Nullable [] stages;
  private @Nullable Extra @Nullable [] extras;

  /** Tasks that wait. */
  int waiting;

  /** Tasks with a live attempt. */
  int live;

  /** In which it was altered last; see {@link Freeze}. */
  int generation;

  private static final class Results {
    final byte[] kind;
    final byte[] siCode;
    final int[] siStatus;
    final boolean[] oomKilled;
    final long[] cpuUserMicros;
    final long[] cpuSystemMicros;
    final long[] memoryPeakBytes;
    final long[] logBytes;
    long @Nullable [] oomKills;
    long @Nullable [] logLostBytes;

    Results copy() {
      Results to = new Results(kind.length);
      System.arraycopy(kind, 0, to.kind, 0, kind.length);
      System.arraycopy(siCode, 0, to.siCode, 0, kind.length);
      System.arraycopy(siStatus, 0, to.siStatus, 0, kind.length);
      System.arraycopy(oomKilled, 0, to.oomKilled, 0, kind.length);
      System.arraycopy(cpuUserMicros, 0, to.cpuUserMicros, 0, kind.length);
      System.arraycopy(cpuSystemMicros, 0, to.cpuSystemMicros, 0, kind.length);
      System.arraycopy(memoryPeakBytes, 0, to.memoryPeakBytes, 0, kind.length);
      System.arraycopy(logBytes, 0, to.logBytes, 0, kind.length);
      to.oomKills = oomKills == null ? null : oomKills.clone();
      to.logLostBytes = logLostBytes == null ? null : logLostBytes.clone();
      return to;
    }

    void encode(PartWriter to) {
      to.column(1, kind);
      to.column(2, siCode);
      to.column(3, siStatus);
      byte[] killed = new byte[kind.length];
      for (int at = 0; at < killed.length; at++) {
        killed[at] = (byte) (oomKilled[at] ? 1 : 0);
      }
      to.column(4, killed);
      to.column(5, cpuUserMicros);
      to.column(6, cpuSystemMicros);
      to.column(7, memoryPeakBytes);
      to.column(8, logBytes);
      if (oomKills != null) {
        to.column(9, oomKills);
      }
      if (logLostBytes != null) {
        to.column(10, logLostBytes);
      }
    }

    static Results decode(int length, PartReader from) {
      Results to = new Results(length);
      while (from.next()) {
        switch (from.field()) {
          case 1 -> from.bytes(to.kind);
          case 2 -> from.bytes(to.siCode);
          case 3 -> from.ints(to.siStatus);
          case 4 -> {
            long[] killed = from.column(length);
            for (int at = 0; at < length; at++) {
              to.oomKilled[at] = killed[at] != 0;
            }
          }
          case 5 -> from.longs(to.cpuUserMicros);
          case 6 -> from.longs(to.cpuSystemMicros);
          case 7 -> from.longs(to.memoryPeakBytes);
          case 8 -> from.longs(to.logBytes);
          case 9 -> to.oomKills = from.column(length);
          case 10 -> to.logLostBytes = from.column(length);
          default -> throw from.unknown();
        }
      }
      return to;
    }

    Results(int length) {
      kind = new byte[length];
      siCode = new byte[length];
      siStatus = new int[length];
      oomKilled = new boolean[length];
      cpuUserMicros = new long[length];
      cpuSystemMicros = new long[length];
      memoryPeakBytes = new long[length];
      logBytes = new long[length];
    }
  }

  /** Tasks that are all in the state {@code rest}. */
  Chunk(int length, TaskState rest) {
    state = new byte[length];
    Arrays.fill(state, Codes.of(rest));
    attemptState = new byte[length];
    attempts = new int[length];
    term = new int[length];
    sequence = new long[length];
    node = new int[length];
    placeNanos = new long[length];
    startNanos = new long[length];
    endNanos = new long[length];
    waiting = rest == TaskState.WAITING ? length : 0;
  }

  int length() {
    return state.length;
  }

  TaskState state(int at) {
    return Codes.task(state[at]);
  }

  /** State of the newest attempt; null: there was none. */
  @Nullable AttemptState attemptState(int at) {
    return attempts[at] == 0 ? null : Codes.attempt(attemptState[at]);
  }

  @Nullable Extra extraOrNull(int at) {
    return extras == null ? null : extras[at];
  }

  boolean hasExtras() {
    return extras != null;
  }

  Extra extra(int at) {
    if (extras == null) {
      extras = new Extra[length()];
    }
    Extra extra = extras[at];
    if (extra == null) {
      extra = new Extra();
      extras[at] = extra;
    }
    return extra;
  }

  @Nullable Result result(int at) {
    if (results == null || results.kind[at] == 0) {
      return null;
    }
    Extra extra = extraOrNull(at);
    StartFailure failure = extra == null ? null : extra.startFailure;
    return new Result(
        Codes.result(results.kind[at]),
        results.siCode[at],
        results.siStatus[at],
        failure,
        results.oomKilled[at],
        results.oomKills == null ? 0 : results.oomKills[at],
        results.cpuUserMicros[at],
        results.cpuSystemMicros[at],
        results.memoryPeakBytes[at],
        results.logBytes[at],
        results.logLostBytes == null ? 0 : results.logLostBytes[at]);
  }

  void setResult(int at, @Nullable Result result) {
    if (result == null) {
      clearResult(at);
      return;
    }
    Results to = results == null ? new Results(length()) : results;
    results = to;
    to.kind[at] = Codes.of(result.kind());
    to.siCode[at] = (byte) result.siCode();
    to.siStatus[at] = result.siStatus();
    to.oomKilled[at] = result.oomKilled();
    to.cpuUserMicros[at] = result.cpuUserMicros();
    to.cpuSystemMicros[at] = result.cpuSystemMicros();
    to.memoryPeakBytes[at] = result.memoryPeakBytes();
    to.logBytes[at] = result.logBytes();
    to.oomKills = rare(to.oomKills, at, result.oomKills());
    to.logLostBytes = rare(to.logLostBytes, at, result.logLostBytes());
    if (result.startFailure() != null) {
      extra(at).startFailure = result.startFailure();
    }
  }

  private void clearResult(int at) {
    Results to = results;
    if (to != null) {
      to.kind[at] = 0;
      to.siCode[at] = 0;
      to.siStatus[at] = 0;
      to.oomKilled[at] = false;
      to.cpuUserMicros[at] = 0;
      to.cpuSystemMicros[at] = 0;
      to.memoryPeakBytes[at] = 0;
      to.logBytes[at] = 0;
      to.oomKills = rare(to.oomKills, at, 0);
      to.logLostBytes = rare(to.logLostBytes, at, 0);
    }
  }

  private long @Nullable [] rare(long @Nullable [] column, int at, long value) {
    if (column == null && value == 0) {
      return null;
    }
    long[] to = column == null ? new long[length()] : column;
    to[at] = value;
    return to;
  }

  StageTimes stages(int at) {
    if (stages == null) {
      return StageTimes.NONE;
    }
    int i = at * STAGES;
    return new StageTimes(
        stages[i],
        stages[i + 1],
        stages[i + 2],
        stages[i + 3],
        stages[i + 4],
        stages[i + 5],
        stages[i + 6],
        stages[i + 7],
        stages[i + 8],
        stages[i + 9],
        stages[i + 10]);
  }

  void setStages(int at, StageTimes times) {
    if (stages == null) {
      if (times.equals(StageTimes.NONE)) {
        return;
      }
      stages = new long[length() * STAGES];
    }
    int i = at * STAGES;
    stages[i] = times.acceptNanos();
    stages[i + 1] = times.commitNanos();
    stages[i + 2] = times.placeNanos();
    stages[i + 3] = times.sendNanos();
    stages[i + 4] = times.receiveNanos();
    stages[i + 5] = times.launchNanos();
    stages[i + 6] = times.execNanos();
    stages[i + 7] = times.exitNanos();
    stages[i + 8] = times.recordNanos();
    stages[i + 9] = times.reportNanos();
    stages[i + 10] = times.ackNanos();
  }

  /** An equal chunk that shares nothing with this one that is ever altered. */
  Chunk copy() {
    Chunk to = new Chunk(length(), TaskState.WAITING);
    copyColumns(to);
    to.results = results == null ? null : results.copy();
    to.stages = stages == null ? null : stages.clone();
    if (extras != null) {
      @Nullable Extra[] copies = new Extra[length()];
      for (int at = 0; at < copies.length; at++) {
        Extra extra = extras[at];
        copies[at] = extra == null ? null : extra.copy();
      }
      to.extras = copies;
    }
    to.waiting = waiting;
    to.live = live;
    to.generation = generation;
    return to;
  }

  private void copyColumns(Chunk to) {
    int same = length();
    System.arraycopy(state, 0, to.state, 0, same);
    System.arraycopy(attemptState, 0, to.attemptState, 0, same);
    System.arraycopy(attempts, 0, to.attempts, 0, same);
    System.arraycopy(term, 0, to.term, 0, same);
    System.arraycopy(sequence, 0, to.sequence, 0, same);
    System.arraycopy(node, 0, to.node, 0, same);
    System.arraycopy(placeNanos, 0, to.placeNanos, 0, same);
    System.arraycopy(startNanos, 0, to.startNanos, 0, same);
    System.arraycopy(endNanos, 0, to.endNanos, 0, same);
  }

  /** A longer chunk with the same tasks first, the others in the state {@code rest}. */
  Chunk grown(int length, TaskState rest) {
    Chunk to = new Chunk(length, rest);
    int same = length();
    copyColumns(to);
    for (int at = 0; at < same; at++) {
      to.setResult(at, result(at));
      to.setStages(at, stages(at));
    }
    if (extras != null) {
      to.extras = Arrays.copyOf(extras, length);
    }
    int more = rest == TaskState.WAITING ? length - same : 0;
    to.waiting = waiting + more;
    to.live = live;
    to.generation = generation;
    return to;
  }

  void encode(PartWriter to) {
    to.number(1, length());
    to.column(2, state);
    to.column(3, attemptState);
    to.column(4, attempts);
    to.column(5, term);
    to.column(6, sequence);
    to.column(7, node);
    to.column(8, placeNanos);
    to.column(9, startNanos);
    to.column(10, endNanos);
    if (results != null) {
      PartWriter columns = new PartWriter();
      results.encode(columns);
      to.part(11, columns);
    }
    if (stages != null) {
      // The hash tells columns that are all 0 from none.
      to.wholeColumn(12, stages);
    }
    for (int at = 0; extras != null && at < extras.length; at++) {
      Extra extra = extras[at];
      if (extra != null) {
        PartWriter one = new PartWriter();
        one.number(1, at);
        extra.encode(one);
        to.part(13, one);
      }
    }
  }

  static Chunk decode(PartReader from) {
    if (!from.next() || from.field() != 1) {
      throw from.damaged("the number of tasks is missing");
    }
    int length = from.integer();
    if (length < 1 || length > SIZE) {
      throw from.damaged(length + " tasks in a chunk");
    }
    Chunk to = new Chunk(length, TaskState.WAITING);
    while (from.next()) {
      switch (from.field()) {
        case 2 -> from.bytes(to.state);
        case 3 -> from.bytes(to.attemptState);
        case 4 -> from.ints(to.attempts);
        case 5 -> from.ints(to.term);
        case 6 -> from.longs(to.sequence);
        case 7 -> from.ints(to.node);
        case 8 -> from.longs(to.placeNanos);
        case 9 -> from.longs(to.startNanos);
        case 10 -> from.longs(to.endNanos);
        case 11 -> to.results = Results.decode(length, from.part("results"));
        case 12 -> to.stages = from.column(length * STAGES);
        case 13 -> to.decodeExtra(from.part("a task"));
        default -> throw from.unknown();
      }
    }
    to.count(from);
    return to;
  }

  private void decodeExtra(PartReader from) {
    int at = 0;
    Extra extra = new Extra();
    while (from.next()) {
      if (from.field() == 1) {
        at = from.integer();
      } else {
        extra.decode(from);
      }
    }
    if (at < 0 || at >= length()) {
      throw from.damaged("task " + at + " of " + length());
    }
    if (extras == null) {
      extras = new Extra[length()];
    }
    extras[at] = extra;
  }

  private void count(PartReader from) {
    waiting = 0;
    live = 0;
    for (int at = 0; at < length(); at++) {
      if (state[at] < 0 || state[at] >= Codes.TASK_STATES) {
        throw from.damaged("state " + state[at] + " of a task");
      }
      waiting += state[at] == Codes.WAITING ? 1 : 0;
      AttemptState attempt = attemptState(at);
      live += attempt != null && !attempt.ended() ? 1 : 0;
    }
  }

  void write(CanonicalWriter to) {
    for (int at = 0; at < length(); at++) {
      to.number(state[at]);
      if (attempts[at] > 0) {
        to.number(attemptState[at]);
        to.number(attempts[at]);
        to.number(term[at]);
        to.number(sequence[at]);
        to.number(node[at]);
        to.number(placeNanos[at]);
        to.number(startNanos[at]);
        to.number(endNanos[at]);
        writeResult(at, to);
      }
      Extra extra = extraOrNull(at);
      to.flag(extra != null);
      if (extra != null) {
        extra.write(to);
      }
    }
  }

  private void writeResult(int at, CanonicalWriter to) {
    Results of = results;
    to.number(of == null ? 0 : of.kind[at]);
    if (of != null && of.kind[at] != 0) {
      to.number(of.siCode[at]);
      to.number(of.siStatus[at]);
      to.flag(of.oomKilled[at]);
      to.number(of.oomKills == null ? 0 : of.oomKills[at]);
      to.number(of.cpuUserMicros[at]);
      to.number(of.cpuSystemMicros[at]);
      to.number(of.memoryPeakBytes[at]);
      to.number(of.logBytes[at]);
      to.number(of.logLostBytes == null ? 0 : of.logLostBytes[at]);
    }
    for (int i = 0; stages != null && i < STAGES; i++) {
      to.number(stages[at * STAGES + i]);
    }
  }
}

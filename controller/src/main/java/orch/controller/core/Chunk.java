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

  /** A longer chunk with the same tasks first, the others in the state {@code rest}. */
  Chunk grown(int length, TaskState rest) {
    Chunk to = new Chunk(length, rest);
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
    for (int at = 0; at < same; at++) {
      to.setResult(at, result(at));
      to.setStages(at, stages(at));
    }
    if (extras != null) {
      to.extras = Arrays.copyOf(extras, length);
    }
    to.waiting = to.waiting - same + waiting;
    to.live = live;
    return to;
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

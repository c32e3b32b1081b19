package orch.api.model;

import org.jspecify.annotations.Nullable;

/**
 * How an attempt ended, as the kernel told it.
 *
 * @param siCode si_code of waitid(2): CLD_EXITED 1, CLD_KILLED 2, CLD_DUMPED 3; 0 when unknown
 * @param siStatus si_status of waitid(2): exit code or signal number
 * @param startFailure set for START_FAILED only
 * @param oomKills processes of the tree that the OOM killer ended
 * @param oomKilled whether it ended the leader
 * @param cpuUserMicros over the tree
 * @param memoryPeakBytes 0 when the host does not count it
 * @param logLostBytes output that a limit dropped
 */
public record Result(
    ResultKind kind,
    int siCode,
    int siStatus,
    @Nullable StartFailure startFailure,
    boolean oomKilled,
    long oomKills,
    long cpuUserMicros,
    long cpuSystemMicros,
    long memoryPeakBytes,
    long logBytes,
    long logLostBytes) {
  private static final int EXITED = 1;
  private static final int ENOENT = 2;

  /** A plain exit by code, counters zero. */
  public static Result exited(int code) {
    return new Result(ResultKind.EXITED, EXITED, code, null, false, 0, 0, 0, 0, 0, 0);
  }

  /** A plain end by signal, counters zero. */
  public static Result signaled(int signal) {
    return new Result(ResultKind.SIGNALED, 2, signal, null, false, 0, 0, 0, 0, 0, 0);
  }

  /** An end without a status from the kernel: START_FAILED, LOST, UNKNOWN. */
  public static Result without(ResultKind kind, @Nullable StartFailure startFailure) {
    return new Result(kind, 0, 0, startFailure, false, 0, 0, 0, 0, 0, 0);
  }

  public boolean success() {
    return kind == ResultKind.EXITED && siStatus == 0;
  }

  /**
   * The code that {@code orchctl wait} gives: the exit code or 128+signal; 124 timed out, 125 lost
   * or unknown or failed by Orch, 126 cannot be executed, 127 not found (env(1), timeout(1)).
   */
  public int exitCode() {
    return switch (kind) {
      case TIMED_OUT -> 124;
      case LOST, UNKNOWN -> 125;
      case START_FAILED -> startFailureCode();
      case EXITED, SIGNALED, OUT_OF_MEMORY, STOPPED, NO_LEASE, UNHEALTHY, EVICTED ->
          siCode == 0 ? 125 : siCode == EXITED ? siStatus : 128 + siStatus;
    };
  }

  private int startFailureCode() {
    if (startFailure == null || !startFailure.stage().equals("exec")) {
      return 125;
    }
    return startFailure.errno() == ENOENT ? 127 : 126;
  }
}

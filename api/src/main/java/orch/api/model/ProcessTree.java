package orch.api.model;

import java.util.List;

/**
 * The live processes of an attempt.
 *
 * @param processes in order of the pid, at most {@link #MAX_PROCESSES}
 * @param total how many there are, those left out included
 * @param cgroup they were found by the attempt's cgroup, so that none can hide
 * @param frozen all of it stands still, as the kernel has it
 * @param zombies how many of all have ended and were not waited for
 */
public record ProcessTree(
    List<Entry> processes, int total, boolean cgroup, Leader leader, boolean frozen, int zombies) {
  /** Processes in one answer. */
  public static final int MAX_PROCESSES = 4_096;

  /** The leader as /proc and a null signal through its pidfd agree on it. */
  public enum Leader {
    ALIVE,
    /** It has ended and was not waited for yet. */
    ZOMBIE,
    /** It is gone; its descendants are not. */
    GONE
  }

  /**
   * A process.
   *
   * @param state one letter as in /proc/PID/stat (proc(5))
   * @param cpuMicros its own and of the children that it waited for
   * @param startNanos since the epoch
   * @param orphan it does not descend from the leader any more
   * @param exec it was started inside the task from outside, or descends from such a process
   */
  public record Entry(
      int pid,
      int parentPid,
      String state,
      long cpuMicros,
      long memoryBytes,
      List<String> commandLine,
      long startNanos,
      String program,
      boolean leader,
      boolean orphan,
      boolean exec,
      int threads) {
    public Entry {
      commandLine = List.copyOf(commandLine);
    }

    /** Ended, and not waited for by its parent. */
    public boolean zombie() {
      return state.equals("Z") || state.equals("X");
    }
  }

  public ProcessTree {
    processes = List.copyOf(processes);
  }
}

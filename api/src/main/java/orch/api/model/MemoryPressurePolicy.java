package orch.api.model;

/**
 * What a node does with a task when memory grows short.
 *
 * @param action the most that may be done
 * @param signal that tells the leader; 0: by a line in the FIFO of MEMORY_PRESSURE_WATCH
 * @param thresholdPercent share of its memory limit from which on the task itself is short
 */
public record MemoryPressurePolicy(MemoryPressureAction action, int signal, int thresholdPercent) {
  public static final int DEFAULT_THRESHOLD_PERCENT = 90;

  public static final MemoryPressurePolicy NONE =
      new MemoryPressurePolicy(MemoryPressureAction.NONE, 0, DEFAULT_THRESHOLD_PERCENT);
}

package orch.controller.store;

/**
 * When the leader writes a checkpoint, and how much of the log it keeps beside it. What ZooKeeper
 * holds is bounded by it: twice the state while a checkpoint is written, and a tail of half the
 * state or {@code bytes}, whichever is more, or of {@code entries}.
 *
 * @param entries since the last checkpoint that make the next one due
 * @param bytes since the last checkpoint that make the next one due, unless half of the state is
 *     more: what a checkpoint costs must stay in proportion
 * @param keptEntries entries that are kept of those that a checkpoint covers, for standbys that are
 *     a little behind; at least 1
 */
public record CheckpointPolicy(long entries, long bytes, int keptEntries) {
  public static final CheckpointPolicy DEFAULT =
      new CheckpointPolicy(50_000, 16L * 1024 * 1024, 128);

  public CheckpointPolicy {
    if (entries < 1 || bytes < 1 || keptEntries < 1) {
      throw new IllegalArgumentException("limits must be positive");
    }
  }

  boolean due(long tailEntries, long tailBytes, long stateBytes) {
    return tailEntries >= entries || tailBytes >= Math.max(bytes, stateBytes / 2);
  }
}

package orch.controller.core;

import org.jspecify.annotations.Nullable;

/**
 * The state's generations. Each checkpoint begins a new one; whatever is altered carries the
 * generation in which that happened last, so that the next checkpoint finds it. While a {@link
 * Snapshot} is being written, what it has not come to yet is kept for it before it is altered.
 */
final class Freeze {
  private int generation;
  private @Nullable Snapshot snapshot;

  int generation() {
    return generation;
  }

  /** Whether what is altered must be copied first. */
  boolean active() {
    return snapshot != null;
  }

  /** Begins the next generation, in which what is altered is kept for the snapshot first. */
  void begin(Snapshot next) {
    if (snapshot != null) {
      throw new IllegalStateException("a snapshot is being written already");
    }
    generation++;
    snapshot = next;
  }

  void end() {
    snapshot = null;
  }

  /** To be called before anything of the job is altered, its tasks included. */
  void open(Job job) {
    if (job.tasks.generation != generation) {
      if (snapshot != null) {
        snapshot.keep(job);
      }
      job.tasks.generation = generation;
    }
  }

  /** To be called before anything of the node is altered but its attempts. */
  void open(Node node) {
    if (node.generation != generation) {
      if (snapshot != null) {
        snapshot.keep(node);
      }
      node.generation = generation;
    }
  }
}

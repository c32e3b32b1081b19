package orch.controller.core;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The live attempts of a node in order of their sequence. New ones are always the highest, so they
 * go to the end; what ended leaves a gap until half of the places are gaps.
 */
final class LiveAttempts {
  /** Visits an attempt. */
  interface Visitor {
    /** Returns whether to go on. */
    boolean visit(Job job, int ordinal, long sequence);
  }

  private static final int SMALLEST = 8;

  private long[] sequences = new long[0];
  private int[] ordinals = new int[0];
  private @Nullable Job[] jobs = new Job[0];
  private int used;
  private int live;

  int size() {
    return live;
  }

  void add(Job job, int ordinal, long sequence) {
    if (used > 0 && sequences[used - 1] >= sequence) {
      throw new InvariantError("sequence " + sequence + " is not the highest of its node");
    }
    if (used == sequences.length) {
      resize(Math.max(SMALLEST, used + used / 2));
    }
    sequences[used] = sequence;
    ordinals[used] = ordinal;
    jobs[used] = job;
    used++;
    live++;
  }

  /** Adds one that is not the newest. */
  void insert(Job job, int ordinal, long sequence) {
    compact();
    int at = -1 - Arrays.binarySearch(sequences, 0, used, sequence);
    if (at < 0) {
      throw new InvariantError("sequence " + sequence + " lives on its node already");
    }
    if (used == sequences.length) {
      resize(Math.max(SMALLEST, used + used / 2));
    }
    System.arraycopy(sequences, at, sequences, at + 1, used - at);
    System.arraycopy(ordinals, at, ordinals, at + 1, used - at);
    System.arraycopy(jobs, at, jobs, at + 1, used - at);
    sequences[at] = sequence;
    ordinals[at] = ordinal;
    jobs[at] = job;
    used++;
    live++;
  }

  void remove(long sequence) {
    int at = Arrays.binarySearch(sequences, 0, used, sequence);
    if (at < 0 || jobs[at] == null) {
      throw new InvariantError("sequence " + sequence + " does not live on its node");
    }
    jobs[at] = null;
    live--;
    if (live < used / 2) {
      compact();
    }
  }

  /** Visits in order of the sequence. */
  void each(Visitor visitor) {
    for (int at = 0; at < used; at++) {
      Job job = jobs[at];
      if (job != null && !visitor.visit(job, ordinals[at], sequences[at])) {
        return;
      }
    }
  }

  private void compact() {
    int to = 0;
    for (int at = 0; at < used; at++) {
      if (jobs[at] != null) {
        sequences[to] = sequences[at];
        ordinals[to] = ordinals[at];
        jobs[to] = jobs[at];
        to++;
      }
    }
    used = to;
    if (sequences.length > Math.max(SMALLEST, 4 * used)) {
      resize(Math.max(SMALLEST, 2 * used));
    } else {
      Arrays.fill(jobs, used, jobs.length, null);
    }
  }

  private void resize(int length) {
    sequences = Arrays.copyOf(sequences, length);
    ordinals = Arrays.copyOf(ordinals, length);
    jobs = Arrays.copyOf(jobs, length);
  }
}

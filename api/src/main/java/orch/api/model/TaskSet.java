package orch.api.model;

import java.util.List;

/**
 * How many tasks a job has and how many may run, fail or must succeed. A task's <em>ordinal</em> is
 * its place from 0; its <em>index</em> is what people see.
 *
 * @param ranges the indexes, ascending, without overlap; at least one
 * @param items values of {@code ${task.item}} by ordinal; empty or as many as there are tasks
 * @param parallelism most tasks running at a time; 0: no limit
 * @param maxFailures the job fails once more tasks than this failed; 0: all are tried; -1: at the
 *     first failure
 * @param succeedWhen the job succeeds once so many succeeded; 0: all
 * @param gang all are placed together or none
 */
public record TaskSet(
    List<IndexRange> ranges,
    List<String> items,
    int parallelism,
    int maxFailures,
    int succeedWhen,
    boolean gang) {
  /** Most tasks of a job. */
  public static final int MAX_TASKS = 10_000_000;

  public TaskSet {
    ranges = List.copyOf(ranges);
    items = List.copyOf(items);
    if (ranges.isEmpty()) {
      throw new IllegalArgumentException("a job has at least one task");
    }
    long size = 0;
    int previous = -1;
    for (IndexRange range : ranges) {
      if (range.first() <= previous) {
        throw new IllegalArgumentException("index ranges overlap or descend: " + ranges);
      }
      previous = range.last();
      size += range.size();
    }
    if (size > MAX_TASKS) {
      throw new IllegalArgumentException("a job has at most " + MAX_TASKS + " tasks: " + size);
    }
    if (!items.isEmpty() && items.size() != size) {
      throw new IllegalArgumentException(items.size() + " items for " + size + " tasks");
    }
  }

  /** Tasks 0 to count-1. */
  public static TaskSet count(int count) {
    return new TaskSet(List.of(new IndexRange(0, count - 1, 1)), List.of(), 0, 0, 0, false);
  }

  public int size() {
    int size = 0;
    for (IndexRange range : ranges) {
      size += range.size();
    }
    return size;
  }

  /** The index of the task at {@code ordinal}, 0 to size-1. */
  public int indexOf(int ordinal) {
    int left = ordinal;
    for (IndexRange range : ranges) {
      if (left < range.size()) {
        return range.first() + left * range.step();
      }
      left -= range.size();
    }
    throw new IndexOutOfBoundsException("ordinal " + ordinal + " of " + size() + " tasks");
  }

  /** The ordinal of {@code index}, or -1 when no task has it. */
  public int ordinalOf(int index) {
    int before = 0;
    for (IndexRange range : ranges) {
      if (range.contains(index)) {
        return before + (index - range.first()) / range.step();
      }
      before += range.size();
    }
    return -1;
  }
}

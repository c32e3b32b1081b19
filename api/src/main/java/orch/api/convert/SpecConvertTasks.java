package orch.api.convert;

import static orch.api.convert.SpecConvertProblems.grouped;

import java.util.ArrayList;
import java.util.List;
import orch.api.model.IndexRange;
import orch.api.model.JobType;
import orch.api.model.TaskSet;

/** The part of the gate that reads how many tasks there are and how they count. */
final class SpecConvertTasks {
  private static final int MAX_RANGES = 1_000;

  private SpecConvertTasks() {}

  static TaskSet tasks(orch.v1.JobSpec proto, JobType type, SpecConvertProblems problems) {
    boolean array = proto.getArrayCount() > 0;
    boolean items = proto.getItemsCount() > 0;
    boolean count = proto.getCount() != 0;
    exclusive(count, array, items, proto, problems);
    List<IndexRange> ranges;
    if (array) {
      ranges = ranges(proto.getArrayList(), problems);
    } else if (items) {
      ranges = List.of(new IndexRange(0, proto.getItemsCount() - 1, 1));
    } else {
      int size = count ? problems.range("count", proto.getCount(), 1, TaskSet.MAX_TASKS) : 1;
      ranges = List.of(new IndexRange(0, size - 1, 1));
    }
    for (int i = 0; i < proto.getItemsCount(); i++) {
      problems.text("items[" + i + "]", proto.getItems(i));
    }
    long size = 0;
    for (IndexRange range : ranges) {
      // Not IndexRange.size, which is an int.
      size += ((long) range.last() - range.first()) / range.step() + 1;
    }
    if (size > TaskSet.MAX_TASKS) {
      problems.add(
          "array", "has " + grouped(size) + " tasks; at most " + grouped(TaskSet.MAX_TASKS));
      return TaskSet.count(1);
    }
    int parallelism = problems.range("parallelism", proto.getParallelism(), 0, Integer.MAX_VALUE);
    int maxFailures = problems.range("maxFailures", proto.getMaxFailures(), -1, Integer.MAX_VALUE);
    int succeedWhen = proto.getSucceedWhen();
    if (succeedWhen < 0 || succeedWhen > size) {
      problems.add(
          "succeedWhen",
          "must be 0 to the number of tasks (" + grouped(size) + "), not " + grouped(succeedWhen));
    }
    if (type == JobType.SERVICE && array) {
      problems.add("array", "is for batch jobs; a service has a count");
    }
    if (type == JobType.SERVICE && succeedWhen > 0) {
      problems.add("succeedWhen", "is for batch jobs: the tasks of a service never succeed");
    }
    if (proto.getGang() && parallelism > 0 && parallelism < size) {
      problems.add(
          "gang",
          "all "
              + grouped(size)
              + " tasks start together or none, but parallelism allows "
              + grouped(parallelism)
              + " at a time; drop one of the two");
    }
    if (problems.any()) {
      return new TaskSet(
          ranges, items && !array ? proto.getItemsList() : List.of(), 0, 0, 0, false);
    }
    return new TaskSet(
        ranges, proto.getItemsList(), parallelism, maxFailures, succeedWhen, proto.getGang());
  }

  private static void exclusive(
      boolean count,
      boolean array,
      boolean items,
      orch.v1.JobSpec proto,
      SpecConvertProblems problems) {
    if (count && array) {
      problems.add("count", "excludes array, which names the tasks by itself; drop one of the two");
    }
    if (count && items) {
      problems.add("count", "excludes items, each of which is one task; drop one of the two");
    }
    if (array && items) {
      problems.add("array", "excludes items, each of which is one task; drop one of the two");
    }
    if (proto.getPlacement().getEveryNode()) {
      String path = array ? "array" : items ? "items" : "count";
      if (array || items || proto.getCount() > 1) {
        problems.add(
            path, "excludes placement.everyNode, which makes one task on each matching node");
      }
    }
  }

  private static List<IndexRange> ranges(
      List<orch.v1.IndexRange> array, SpecConvertProblems problems) {
    problems.atMost("array", array.size(), MAX_RANGES);
    List<IndexRange> ranges = new ArrayList<>();
    int previous = -1;
    for (int i = 0; i < array.size(); i++) {
      String path = "array[" + i + "]";
      int first = array.get(i).getFirst();
      int last = array.get(i).getLast();
      int step = array.get(i).getStep() == 0 ? 1 : array.get(i).getStep();
      if (first < 0) {
        problems.add(path, "indexes are 0 or more, not " + first);
      } else if (last < first) {
        problems.add(path, "ends at " + last + ", before it begins at " + first);
      } else if (step < 1) {
        problems.add(path, "the step must be 1 or more, not " + step);
      } else if (first <= previous) {
        problems.add(
            path,
            "begins at "
                + first
                + ", but the range before it ends at "
                + previous
                + "; list ranges in rising order, without overlap");
      } else {
        ranges.add(new IndexRange(first, last, step));
        previous = last;
      }
    }
    return ranges.isEmpty() ? List.of(new IndexRange(0, 0, 1)) : ranges;
  }
}

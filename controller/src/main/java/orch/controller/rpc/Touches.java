package orch.controller.rpc;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import orch.controller.core.Change;
import orch.controller.core.Touched;

/** What the changes of one revision touched, packed: many are kept for watches that come late. */
final class Touches {
  private final long[] jobs;
  private final long[] taskJobs;
  private final int[] taskIndexes;
  private final long[] wholeJobs;
  private final int[] nodes;

  private Touches(Gathering from) {
    jobs = from.jobs.stream().mapToLong(Long::longValue).toArray();
    taskJobs = Arrays.copyOf(from.taskJobs, from.tasks);
    taskIndexes = Arrays.copyOf(from.taskIndexes, from.tasks);
    wholeJobs = from.wholeJobs.stream().mapToLong(Long::longValue).toArray();
    nodes = from.nodes.stream().mapToInt(Integer::intValue).toArray();
  }

  static Touches of(List<Change> changes) {
    Gathering gathering = new Gathering();
    for (Change change : changes) {
      Touched.by(change, gathering);
    }
    return new Touches(gathering);
  }

  /** Numbers of the jobs. */
  long[] jobs() {
    return jobs.clone();
  }

  /** How much memory it takes, in things touched. */
  int weight() {
    return 1 + jobs.length + taskJobs.length + wholeJobs.length + nodes.length;
  }

  /**
   * What several revisions touched, each thing once.
   *
   * @param tasks indexes by job
   * @param wholeJobs jobs of which any task may have changed
   * @param nodes by number
   */
  record Merged(
      Set<Long> jobs, Map<Long, Set<Integer>> tasks, Set<Long> wholeJobs, Set<Integer> nodes) {
    static Merged of(List<Touches> all) {
      Merged merged =
          new Merged(
              new LinkedHashSet<>(),
              new LinkedHashMap<>(),
              new LinkedHashSet<>(),
              new LinkedHashSet<>());
      for (Touches touches : all) {
        for (long job : touches.jobs) {
          merged.jobs.add(job);
        }
        for (int i = 0; i < touches.taskJobs.length; i++) {
          merged
              .tasks
              .computeIfAbsent(touches.taskJobs[i], _ -> new TreeSet<>())
              .add(touches.taskIndexes[i]);
        }
        for (long job : touches.wholeJobs) {
          merged.wholeJobs.add(job);
        }
        for (int node : touches.nodes) {
          merged.nodes.add(node);
        }
      }
      return merged;
    }
  }

  private static final class Gathering implements Touched.Sink {
    private final Set<Long> jobs = new LinkedHashSet<>();
    private final Set<Long> wholeJobs = new LinkedHashSet<>();
    private final Set<Integer> nodes = new LinkedHashSet<>();
    private long[] taskJobs = new long[16];
    private int[] taskIndexes = new int[16];
    private int tasks;

    @Override
    public void job(long number) {
      jobs.add(number);
    }

    @Override
    public void task(long jobNumber, int index) {
      if (tasks == taskJobs.length) {
        taskJobs = Arrays.copyOf(taskJobs, tasks * 2);
        taskIndexes = Arrays.copyOf(taskIndexes, tasks * 2);
      }
      taskJobs[tasks] = jobNumber;
      taskIndexes[tasks] = index;
      tasks++;
    }

    @Override
    public void tasksOf(long jobNumber) {
      wholeJobs.add(jobNumber);
    }

    @Override
    public void node(int number) {
      nodes.add(number);
    }
  }
}

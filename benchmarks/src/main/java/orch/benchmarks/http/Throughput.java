package orch.benchmarks.http;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToLongFunction;
import orch.v1.Job;
import orch.v1.JobSpec;
import orch.v1.JobState;
import orch.v1.Resources;
import orch.v1.StageTimes;
import orch.v1.Task;

/** An array of short tasks through the API, from the submit to the last durable result. */
public final class Throughput {
  private static final double NANOS = 1e9;

  /** Stages of an attempt in order, each by the time at its end. */
  private static final Map<String, ToLongFunction<StageTimes>> STAGES = new LinkedHashMap<>();

  static {
    STAGES.put("accept", StageTimes::getAcceptNanos);
    STAGES.put("place", StageTimes::getPlaceNanos);
    STAGES.put("commit", StageTimes::getCommitNanos);
    STAGES.put("send", StageTimes::getSendNanos);
    STAGES.put("receive", StageTimes::getReceiveNanos);
    STAGES.put("launch", StageTimes::getLaunchNanos);
    STAGES.put("exec", StageTimes::getExecNanos);
    STAGES.put("exit", StageTimes::getExitNanos);
    STAGES.put("record", StageTimes::getRecordNanos);
    STAGES.put("report", StageTimes::getReportNanos);
    STAGES.put("ack", StageTimes::getAckNanos);
  }

  private Throughput() {}

  /**
   * What was measured.
   *
   * @param tasksPerSecond from the submit to the answer that says that the job has ended
   * @param stages lines of a table: how long attempts were in each stage
   */
  public record Figures(double tasksPerSecond, List<String> stages) {}

  /** Runs {@code count} tasks of {@code command}; throws unless every one of them succeeded. */
  public static Figures measure(ApiCalls api, int count, List<String> command)
      throws IOException, InterruptedException {
    JobSpec spec =
        JobSpec.newBuilder()
            .setName("throughput")
            .setCount(count)
            .addAllCommand(command)
            .setResources(Resources.newBuilder().setCpuMillis(100))
            .build();
    long begin = System.nanoTime();
    Job ended = api.awaitEnd(api.submit(spec), 10);
    double seconds = (System.nanoTime() - begin) / NANOS;
    if (ended.getState() != JobState.JOB_STATE_SUCCEEDED
        || ended.getTasks().getSucceeded() != count) {
      throw new IOException("the job did not succeed: " + ended);
    }
    List<Task> tasks = api.tasks(ended);
    for (Task task : tasks) {
      if (task.getAttempts() != 1 || task.getAttempt().getResult().getSiCode() != 1) {
        throw new IOException("not run once to a true exit: " + task);
      }
    }
    if (tasks.size() != count) {
      throw new IOException(tasks.size() + " tasks of " + count);
    }
    return new Figures(count / seconds, stages(tasks));
  }

  private static List<String> stages(List<Task> tasks) {
    List<String> lines = new ArrayList<>();
    lines.add(String.format("  %-22s %10s %10s %10s", "stage (ms)", "p50", "p90", "p99"));
    String before = "";
    ToLongFunction<StageTimes> from = null;
    for (Map.Entry<String, ToLongFunction<StageTimes>> stage : STAGES.entrySet()) {
      ToLongFunction<StageTimes> to = stage.getValue();
      if (from != null) {
        ToLongFunction<StageTimes> begin = from;
        long[] spans =
            tasks.stream()
                .map(task -> task.getAttempt().getStages())
                .filter(times -> begin.applyAsLong(times) > 0 && to.applyAsLong(times) > 0)
                .mapToLong(times -> to.applyAsLong(times) - begin.applyAsLong(times))
                .sorted()
                .toArray();
        if (spans.length == 0) {
          continue;
        }
        lines.add(
            String.format(
                "  %-22s %10.2f %10.2f %10.2f",
                before + " → " + stage.getKey(), at(spans, 50), at(spans, 90), at(spans, 99)));
      }
      boolean recorded =
          Arrays.stream(
                  tasks.stream()
                      .mapToLong(task -> to.applyAsLong(task.getAttempt().getStages()))
                      .toArray())
              .anyMatch(time -> time > 0);
      if (recorded) {
        before = stage.getKey();
        from = to;
      }
    }
    return lines;
  }

  private static double at(long[] sorted, int percent) {
    return sorted[Math.min(sorted.length - 1, sorted.length * percent / 100)] / 1e6;
  }
}

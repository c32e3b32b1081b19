package orch.controller.core;

import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import orch.api.model.AttemptState;
import orch.api.model.AttemptStatus;
import orch.api.model.NodeCapacity;
import orch.api.model.NodeDescription;
import orch.api.model.Result;
import orch.api.model.StageTimes;
import orch.controller.convert.StateCodec;
import org.jspecify.annotations.Nullable;

/**
 * Measures how long a checkpoint holds the loop up with 1,000,000 tasks that run and end meanwhile:
 * {@code benchmarks/run checkpoint}. Not a test: what it prints depends on the machine.
 */
final class CheckpointPause {
  private static final int JOBS = 10;
  private static final int TASKS_OF_A_JOB = 100_000;
  private static final int NODES = 1_000;

  private CheckpointPause() {}

  public static void main(String[] args) {
    Scene scene = Scene.given();
    scene.comparing = false;
    for (int i = 0; i < NODES; i++) {
      scene.hello(node("n" + i));
    }
    long began = System.nanoTime();
    for (int i = 0; i < JOBS; i++) {
      scene.job(
          Scene.with(Scene.array("j" + i, TASKS_OF_A_JOB), parts -> parts.cpu(1).memory(1 << 20)));
    }
    System.out.printf("%,d tasks placed in %d ms%n", JOBS * TASKS_OF_A_JOB, millis(began));
    running(scene);
    for (int round = 0; round < 6; round++) {
      checkpoint(scene, round);
      end(scene, round, 20_000);
    }
  }

  private static NodeDescription node(String name) {
    return new NodeDescription(
        "uid-" + name,
        name,
        "machine-" + name,
        "boot-1",
        "0.1",
        new TreeMap<>(),
        new TreeMap<>(),
        new NodeCapacity(64_000, 256L << 30, 2_000, new TreeMap<>()),
        List.of(),
        "root");
  }

  private static void running(Scene scene) {
    for (Node node : scene.state.nodes) {
      List<AttemptStatus> statuses = new ArrayList<>();
      node.live.each((job, ordinal, sequence) -> {
        statuses.add(status(scene, job, ordinal, AttemptState.RUNNING, null));
        return true;
      });
      report(scene, node, statuses);
    }
  }

  private static void report(Scene scene, Node node, List<AttemptStatus> statuses) {
    for (int from = 0; from < statuses.size(); from += Limits.MAX_REPORTS) {
      scene.step(
          new Input.AttemptReports(
              node.uid(),
              statuses.subList(from, Math.min(statuses.size(), from + Limits.MAX_REPORTS))));
    }
  }

  /** So many tasks all over the cluster end. */
  private static void end(Scene scene, int round, int count) {
    int each = count / NODES;
    for (Node node : scene.state.nodes) {
      List<AttemptStatus> statuses = new ArrayList<>();
      node.live.each((job, ordinal, sequence) -> {
        statuses.add(status(scene, job, ordinal, AttemptState.SUCCEEDED, Result.exited(0)));
        return statuses.size() < each;
      });
      report(scene, node, statuses);
    }
  }

  private static AttemptStatus status(
      Scene scene, Job job, int ordinal, AttemptState state, @Nullable Result result) {
    long now = State.nanos(scene.now);
    return new AttemptStatus(
        scene.state.uidOf(job, ordinal),
        job.uid,
        job.number,
        job.indexOf(ordinal),
        1,
        state,
        "",
        now,
        state.ended() ? now + 5_000_000 : 0,
        result,
        new StageTimes(
            now,
            now + 900_000,
            now + 1_000_000,
            now + 2_000_000,
            now + 2_100_000,
            now + 2_300_000,
            now + 2_400_000,
            now + 5_000_000,
            now + 5_300_000,
            now + 5_400_000,
            0));
  }

  private static void checkpoint(Scene scene, int round) {
    long[] bytes = {0, 0, 0};
    Snapshot.Sink sink =
        new Snapshot.Sink() {
          @Override
          public void write(Section section, byte[] data) {
            bytes[0] += data.length;
            bytes[1]++;
          }

          @Override
          public void keep(Section section) {
            bytes[2]++;
          }
        };
    long[] slices = new long[200_000];
    int count = 0;
    long began = System.nanoTime();
    Snapshot snapshot = scene.state.freeze(new StateCodec(), false, Snapshot.Sizes.DEFAULT);
    long frozen = System.nanoTime() - began;
    long at = System.nanoTime();
    long cpu = cpuNanos();
    long longestCpu = 0;
    long sumCpu = 0;
    while (!snapshot.slice(sink)) {
      long used = cpuNanos() - cpu;
      longestCpu = Math.max(longestCpu, used);
      sumCpu += used;
      slices[count++] = System.nanoTime() - at;
      if (count % 20 == 0) {
        // The cluster goes on, and has to copy what it alters.
        scene.now = scene.now.plus(Duration.ofMillis(1));
        end(scene, round, NODES);
      }
      at = System.nanoTime();
      cpu = cpuNanos();
    }
    slices[count++] = System.nanoTime() - at;
    snapshot.written();
    Arrays.sort(slices, 0, count);
    System.out.printf(
        "checkpoint %d: freeze %,d us; %,d slices, median %,d us, 99%% %,d us, longest %,d us (CPU"
            + " of the loop alone %,d us), CPU in all %,d ms; wrote %,d sections, %,d KB, kept"
            + " %,d%n",
        round + 1,
        frozen / 1_000,
        count,
        slices[count / 2] / 1_000,
        slices[count * 99 / 100] / 1_000,
        slices[count - 1] / 1_000,
        longestCpu / 1_000,
        sumCpu / 1_000_000,
        bytes[1],
        bytes[0] / 1_000,
        bytes[2]);
  }

  /** Of this thread: without the collector's and without other processes'. */
  private static long cpuNanos() {
    return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
  }

  private static long millis(long began) {
    return (System.nanoTime() - began) / 1_000_000;
  }
}

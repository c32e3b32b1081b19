package orch.controller.core;

import static orch.controller.core.Scene.array;
import static orch.controller.core.Scene.given;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.management.ManagementFactory;
import java.lang.management.MemoryMXBean;
import java.util.ArrayList;
import java.util.List;
import orch.api.model.AttemptState;
import orch.api.model.AttemptStatus;
import orch.api.model.JobState;
import orch.api.model.Result;
import orch.api.model.StageTimes;
import org.junit.jupiter.api.Test;

/** The state stays small: a million tasks fit into a heap of some hundred megabytes. */
class HeapTest {
  private static final int TASKS = 1_000_000;
  private static final int NODES = 1_000;
  private static final long MOST_BYTES_A_TASK = 300;

  private final MemoryMXBean memory = ManagementFactory.getMemoryMXBean();

  @Test
  void aTaskTakesAtMost300BytesWaitingRunningAndEnded() {
    Scene scene = given();
    scene.comparing = false;
    scene.scheduling = false;
    for (int i = 0; i < NODES; i++) {
      scene.node("n" + i, TASKS / NODES, 4 * TASKS / NODES);
    }
    long before = used();
    long job = scene.job(array("million", TASKS));
    expectSmall("waiting", before);

    while (scene.step(new Input.Schedule()).more()) {}
    assertEquals(TASKS, scene.view(job).tasks().placed(), "placed");
    each(scene, job, AttemptState.RUNNING);
    expectSmall("running", before);

    each(scene, job, AttemptState.SUCCEEDED);
    while (scene.step(new Input.Schedule()).more()) {}
    assertEquals(JobState.SUCCEEDED, scene.view(job).state());
    expectSmall("ended", before);
    // Alive until here, or there would be nothing to measure.
    assertEquals(TASKS, scene.view(job).tasks().succeeded());
  }

  /** Every node tells the same of every attempt of its own. */
  private static void each(Scene scene, long job, AttemptState state) {
    List<AttemptStatus> statuses = new ArrayList<>();
    Result result = state == AttemptState.SUCCEEDED ? Result.exited(0) : null;
    for (int i = 0; i < NODES; i++) {
      String node = "uid-n" + i;
      statuses.clear();
      scene
          .state
          .desiredOf(node)
          .forEach(desired ->
              statuses.add(
                  new AttemptStatus(
                      desired.uid(),
                      desired.jobUid(),
                      job,
                      desired.index(),
                      desired.attempt(),
                      state,
                      "",
                      State.nanos(scene.now),
                      state.ended() ? State.nanos(scene.now) : 0,
                      result,
                      StageTimes.NONE)));
      for (int from = 0; from < statuses.size(); from += Limits.MAX_REPORTS) {
        int to = Math.min(statuses.size(), from + Limits.MAX_REPORTS);
        scene.step(new Input.AttemptReports(node, List.copyOf(statuses.subList(from, to))));
      }
    }
  }

  private void expectSmall(String when, long before) {
    long each = (used() - before) / TASKS;
    System.out.println("heap of a task that is " + when + ": " + each + " bytes");
    assertTrue(each <= MOST_BYTES_A_TASK, when + ": " + each + " bytes of heap a task");
  }

  private long used() {
    for (int i = 0; i < 3; i++) {
      System.gc();
    }
    return memory.getHeapMemoryUsage().getUsed();
  }
}

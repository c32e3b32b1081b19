package orch.controller.core;

import static orch.controller.core.Scene.array;
import static orch.controller.core.Scene.given;
import static orch.controller.core.Scene.meta;
import static orch.controller.core.Scene.service;
import static orch.controller.core.Scene.with;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import orch.api.model.AttemptState;
import orch.api.model.DependencyCondition;
import orch.api.model.PartitionMode;
import orch.api.model.PartitionPolicy;
import orch.api.model.TaskState;
import org.junit.jupiter.api.Test;

/** What the simulator found in the core, each as a scene of its own. */
final class SimulatorFindsTest {
  private static final Duration MINUTE = Duration.ofMinutes(1);

  @Test
  void aDrainsDeadlineIsTheSameOnEveryReplica() {
    // The scene compares the leader's state with that of a standby, which has it from the log.
    Scene scene = given().node("n1", 4, 8);
    scene.answer(new Input.DrainNode(meta(), "n1", Duration.ofNanos(1_500_000_001L)));
    assertEquals(NodeAvailability.DRAINING, scene.nodeView("n1").availability());
  }

  @Test
  void aTaskThatWasScaledAwayAndIsWantedAgainComesBackThoughItWasStopping() {
    Scene scene = given().node("n1", 4, 8);
    long job = scene.job(service("web", 3));
    scene.running(job, 0, 1, 2);
    scene.answer(new Input.ScaleJob(meta(), job, 1, 0));
    assertEquals(TaskState.STOPPING, scene.taskState(job, 2));
    scene.answer(new Input.ScaleJob(meta(), job, 3, 0));
    scene.stopped(job, 1, 2);
    assertEquals(TaskState.PLACED, scene.taskState(job, 1));
    assertEquals(TaskState.PLACED, scene.taskState(job, 2));
  }

  @Test
  void aTaskBehindTheSameIndexIsPlacedAgainUnderALeaderThatNeverSawItWait() {
    Scene scene = given().node("n1", 4, 8);
    long first = scene.job(array("first", 2));
    long second =
        scene.job(
            with(
                array("second", 2),
                spec -> spec.afterSameIndex(Long.toString(first), DependencyCondition.SUCCEEDED)));
    scene.exits(first, 0, 0, 1);
    scene.newLeader();
    scene.dropped(second, 1);
    assertEquals(TaskState.PLACED, scene.taskState(second, 1));
    assertEquals(2, scene.attempt(second, 1).number());
  }

  @Test
  void anAttemptIsGivenUpByThePolicyOfTheVersionThatItRuns() {
    Scene scene = given().node("n1", 4, 8).node("n2", 4, 8).node("n3", 4, 8);
    PartitionPolicy never = new PartitionPolicy(PartitionMode.NEVER, MINUTE, MINUTE);
    PartitionPolicy keep = new PartitionPolicy(PartitionMode.KEEP, MINUTE, MINUTE);
    long job = scene.job(with(service("web", 1), spec -> spec.partition(never)));
    scene.running(job, 0);
    AttemptView attempt = scene.attempt(job, 0);
    scene.submit(with(service("web", 1), spec -> spec.partition(keep)));
    scene.on(new Input.NodeSilent(attempt.nodeUid(), scene.bootNanos, null));
    scene.after(MINUTE.multipliedBy(5));
    assertEquals(attempt.uid(), scene.attempt(job, 0).uid());
    assertEquals(AttemptState.UNREACHABLE, scene.attempt(job, 0).state());
  }

  @Test
  void aJobThatShallRunOnceOnEveryNodeComesApartWhereItsTasksWereTogether() {
    Scene scene = given().node("n1", 4, 8);
    long job = scene.job(service("web", 2));
    scene.running(job, 0, 1);
    scene.answer(new Input.DrainNode(meta(), "n1", null));
    scene.answer(new Input.UncordonNode(meta(), "n1"));
    scene.node("n2", 4, 8);
    scene.submit(with(service("web", 1), SpecParts::everyNode));
    // By themselves while they are stopped, so that each wants to go on where it was.
    scene.exits(job, 1, 0);
    assertEquals("n2", scene.attempt(job, 0).node());
    scene.exits(job, 1, 1);
    assertEquals("n1", scene.attempt(job, 1).node());
  }
}

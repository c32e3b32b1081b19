package orch.controller.core;

import static orch.controller.core.Scene.GIB;
import static orch.controller.core.Scene.array;
import static orch.controller.core.Scene.batch;
import static orch.controller.core.Scene.given;
import static orch.controller.core.Scene.with;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import orch.api.model.Backoff;
import orch.api.model.ExitCodeRange;
import orch.api.model.JobState;
import orch.api.model.RestartAction;
import orch.api.model.RestartExhausted;
import orch.api.model.RestartPolicy;
import orch.api.model.RestartRule;
import orch.api.model.RestartWhen;
import orch.api.model.Result;
import orch.api.model.ResultKind;
import orch.api.model.TaskState;
import orch.api.model.Uid;
import org.junit.jupiter.api.Test;

/** What becomes of a task whose attempt ended. */
final class RestartTest {
  static RestartPolicy retries(int maxRetries) {
    return new RestartPolicy(
        RestartWhen.ON_FAILURE,
        List.of(),
        Backoff.DEFAULT,
        maxRetries,
        null,
        RestartExhausted.FAIL);
  }

  static RestartPolicy rule(RestartRule rule, int maxRetries) {
    return new RestartPolicy(
        RestartWhen.NEVER, List.of(rule), Backoff.DEFAULT, maxRetries, null, RestartExhausted.FAIL);
  }

  @Test
  void aFailedTaskIsRestartedOnItsNodeAfterABackOffThatItsAgentCounts() {
    Scene scene = given().node("n1", 1, 8).node("n2", 4, 8);
    long job = scene.job(with(batch("a"), spec -> spec.restart(retries(2))));
    String node = scene.attempt(job, 0).node();
    scene.exits(job, 1, 0);
    assertEquals(TaskState.PLACED, scene.taskState(job, 0));
    assertEquals(node, scene.attempt(job, 0).node());
    assertEquals(2, scene.attempt(job, 0).number());
    Duration delay = scene.desired(node).getFirst().startDelay();
    assertTrue(delay.toMillis() >= 800 && delay.toMillis() <= 1200, delay.toString());
    scene.exits(job, 1, 0);
    delay = scene.desired(node).getFirst().startDelay();
    assertTrue(delay.toMillis() >= 1600 && delay.toMillis() <= 2400, delay.toString());
    scene.exits(job, 0, 0);
    assertEquals(JobState.SUCCEEDED, scene.view(job).state());
    assertEquals(3, scene.state.attempts(job, 0).size());
  }

  @Test
  void usedUpRetriesFailTheTaskAndSaySo() {
    Scene scene = given().node("n1", 1, 8);
    long job = scene.job(with(batch("a"), spec -> spec.restart(retries(2))));
    scene.exits(job, 1, 0);
    scene.exits(job, 1, 0);
    scene.exits(job, 4, 0);
    assertEquals(TaskState.FAILED, scene.taskState(job, 0));
    assertEquals("exit code 4; its 2 restarts are used up", scene.task(job, 0).reason());
    assertEquals(4, scene.view(job).exitCode());
  }

  @Test
  void everyAttemptHasItsOwnUidAndAHigherFencingToken() {
    Scene scene = given().node("n1", 1, 8);
    long job = scene.job(with(batch("a"), spec -> spec.restart(retries(1))));
    Uid first = scene.attempt(job, 0).uid();
    scene.exits(job, 1, 0);
    Uid second = scene.attempt(job, 0).uid();
    assertTrue(second.fencingToken() > first.fencingToken());
    assertEquals(second.fencingToken(), scene.desired("n1").getFirst().fencingToken());
    scene.newLeader();
    scene.exits(job, 1, 0);
    long again = scene.job(batch("a"));
    assertTrue(scene.attempt(again, 0).fencingToken() > second.fencingToken());
    assertEquals(2, scene.attempt(again, 0).uid().epoch());
  }

  @Test
  void theSameWindowOfTimeLimitsRestarts() {
    RestartPolicy policy =
        new RestartPolicy(
            RestartWhen.ON_FAILURE,
            List.of(),
            Backoff.DEFAULT,
            1,
            Duration.ofMinutes(10),
            RestartExhausted.FAIL);
    Scene scene = given().node("n1", 1, 8);
    long job = scene.job(with(batch("a"), spec -> spec.restart(policy)));
    scene.exits(job, 1, 0);
    scene.after(Duration.ofMinutes(11));
    scene.exits(job, 1, 0);
    assertEquals(3, scene.attempt(job, 0).number());
    scene.exits(job, 1, 0);
    assertEquals(TaskState.FAILED, scene.taskState(job, 0));
    assertTrue(scene.task(job, 0).reason().contains("1 restart within 600 s"));
  }

  @Test
  void memoryGrowsByTheRulesFactorAndTheTaskIsPlacedAnew() {
    RestartRule oom =
        new RestartRule(
            List.of(),
            List.of(),
            true,
            false,
            false,
            false,
            false,
            RestartAction.RESCHEDULE,
            false,
            1.5);
    Scene scene = given().node("n1", 1, 2).node("n2", 1, 8);
    long job = scene.job(with(batch("a"), spec -> spec.memory(2 * GIB).restart(rule(oom, 3))));
    assertEquals("n1", scene.attempt(job, 0).node());
    scene.ends(job, Result.without(ResultKind.OUT_OF_MEMORY, null), 0);
    assertEquals("n2", scene.attempt(job, 0).node());
    assertEquals(3 * GIB, scene.desired("n2").getFirst().memoryBytes());
    assertEquals(3 * GIB, scene.nodeView("n2").allocated().memoryBytes());
    scene.ends(job, Result.without(ResultKind.OUT_OF_MEMORY, null), 0);
    assertEquals(4 * GIB + GIB / 2, scene.nodeView("n2").allocated().memoryBytes());
    scene.exits(job, 0, 0);
    assertEquals(0, scene.nodeView("n2").allocated().memoryBytes());
  }

  @Test
  void aTaskThatOutgrewEveryNodeKeepsNoOtherFromItsPlace() {
    RestartRule oom =
        new RestartRule(
            List.of(),
            List.of(),
            true,
            false,
            false,
            false,
            false,
            RestartAction.RESTART,
            true,
            100);
    Scene scene = given().node("n1", 1, 2);
    long job =
        scene.job(
            with(array("a", 4), spec -> spec.memory(GIB).parallelism(2).restart(rule(oom, 3))));
    scene.ends(job, Result.without(ResultKind.OUT_OF_MEMORY, null), 0);
    assertEquals(TaskState.WAITING, scene.taskState(job, 0));
    assertEquals(TaskState.PLACED, scene.taskState(job, 2));
    scene.exits(job, 0, 1, 2, 3);
    Explanation why = scene.state.explainTask(job, 0).orElseThrow();
    assertEquals("1 task waits: 1 node: memory too small altogether", why.summary());
  }

  @Test
  void aRuleMayCallAnExitCodeSuccess() {
    RestartRule rule =
        new RestartRule(
            List.of(new ExitCodeRange(3, 3)),
            List.of(),
            false,
            false,
            false,
            false,
            false,
            RestartAction.SUCCEED,
            false,
            1);
    Scene scene = given().node("n1", 1, 2);
    long job = scene.job(with(batch("a"), spec -> spec.restart(rule(rule, 0))));
    scene.exits(job, 3, 0);
    assertEquals(JobState.SUCCEEDED, scene.view(job).state());
    assertEquals(0, scene.view(job).exitCode());
  }

  @Test
  void usedUpRetriesMayMeanAnotherNode() {
    RestartPolicy policy =
        new RestartPolicy(
            RestartWhen.ON_FAILURE,
            List.of(),
            Backoff.DEFAULT,
            1,
            null,
            RestartExhausted.RESCHEDULE);
    Scene scene = given().node("n1", 1, 2).node("n2", 1, 2);
    long job = scene.job(with(batch("a"), spec -> spec.restart(policy)));
    String node = scene.attempt(job, 0).node();
    scene.exits(job, 1, 0);
    assertEquals(node, scene.attempt(job, 0).node());
    scene.exits(job, 1, 0);
    assertEquals(node.equals("n1") ? "n2" : "n1", scene.attempt(job, 0).node());
  }

  @Test
  void onlySoManyOldAttemptsAreKept() {
    Scene scene = given().node("n1", 1, 2);
    long job = scene.job(Scene.service("web", 1));
    for (int i = 0; i < 2 * Limits.MAX_HISTORY; i++) {
      scene.exits(job, 1, 0);
    }
    List<AttemptView> attempts = scene.state.attempts(job, 0);
    assertEquals(Limits.MAX_HISTORY + 1, attempts.size());
    assertEquals(2 * Limits.MAX_HISTORY + 1, attempts.getLast().number());
  }

  @Test
  void anAttemptThatItsAgentDroppedIsPlacedAnewUncountedAndSlowerEachTime() {
    Scene scene = given().node("n1", 1, 2).node("n2", 1, 2);
    long job = scene.job(batch("a"));
    String node = scene.attempt(job, 0).node();
    scene.dropped(job, 0);
    assertEquals(TaskState.PLACED, scene.taskState(job, 0));
    String other = scene.attempt(job, 0).node();
    assertEquals(node.equals("n1") ? "n2" : "n1", other);
    assertEquals(Duration.ZERO, scene.desired(other).getFirst().startDelay());
    scene.dropped(job, 0);
    assertTrue(scene.desired(node).getFirst().startDelay().toMillis() > 0);
    scene.exits(job, 0, 0);
    assertEquals(JobState.SUCCEEDED, scene.view(job).state());
  }
}

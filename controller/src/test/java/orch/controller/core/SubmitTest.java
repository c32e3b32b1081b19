package orch.controller.core;

import static orch.controller.core.Scene.array;
import static orch.controller.core.Scene.batch;
import static orch.controller.core.Scene.given;
import static orch.controller.core.Scene.service;
import static orch.controller.core.Scene.with;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import orch.api.model.HealthCheck;
import orch.api.model.HealthChecks;
import orch.api.model.JobSpec;
import orch.api.model.JobState;
import orch.api.model.Probe;
import orch.api.model.TaskState;
import org.junit.jupiter.api.Test;

/** What a submit means. */
final class SubmitTest {
  @Test
  void aSubmittedJobIsPlacedRunAndEnded() {
    Scene scene = given().node("n1", 4, 8);
    long job = scene.job(batch("build"));
    assertEquals(JobState.QUEUED, scene.view(job).state());
    assertEquals(TaskState.PLACED, scene.taskState(job, 0));
    assertEquals(1, scene.desired("n1").size());
    scene.running(job, 0);
    assertEquals(JobState.RUNNING, scene.view(job).state());
    scene.exits(job, 0, 0);
    assertEquals(JobState.SUCCEEDED, scene.view(job).state());
    assertEquals(0, scene.view(job).exitCode());
    assertTrue(scene.forgot(scene.attempt(job, 0).uid()));
    assertEquals(0, scene.nodeView("n1").allocated().cpuMillis());
  }

  @Test
  void jobNumbersRise() {
    Scene scene = given();
    assertEquals(1, scene.job(batch("a")));
    assertEquals(2, scene.job(batch("b")));
  }

  @Test
  void aLiveJobSubmittedUnchangedIsUnchanged() {
    Scene scene = given();
    long job = scene.job(batch("build"));
    assertEquals(new Answer.Submitted(job, SubmitOutcome.UNCHANGED), scene.submit(batch("build")));
  }

  @Test
  void aLiveBatchJobOfAnotherSpecIsAConflict() {
    Scene scene = given();
    scene.job(batch("build"));
    Rejection refused = scene.refused(scene.submit(array("build", 2)));
    assertEquals(RejectionCode.ALREADY_EXISTS, refused.code());
    assertEquals("JOB_NAME_IN_USE", refused.reason());
    assertEquals("spec.name", refused.field());
  }

  @Test
  void replaceEndsTheLiveBatchJobFirst() {
    Scene scene = given().node("n1", 4, 8);
    long first = scene.job(batch("build"));
    scene.running(first, 0);
    Answer.Submitted second =
        assertInstanceOf(Answer.Submitted.class, scene.submit(array("build", 2), true));
    assertEquals(SubmitOutcome.CREATED, second.outcome());
    assertEquals(TaskState.STOPPING, scene.taskState(first, 0));
    assertEquals(TaskState.WAITING, scene.taskState(second.number(), 0));
    assertTrue(scene.task(second.number(), 0).reason().contains("job 1 of the same name"));
    scene.stopped(first, 0);
    assertEquals(JobState.CANCELLED, scene.view(first).state());
    assertEquals(TaskState.PLACED, scene.taskState(second.number(), 0));
  }

  @Test
  void aFinishedBatchJobSubmittedAgainIsANewJob() {
    Scene scene = given().node("n1", 4, 8);
    long first = scene.job(batch("build"));
    scene.exits(first, 3, 0);
    long second = scene.job(batch("build"));
    assertNotEquals(first, second);
    assertEquals(3, scene.view(first).exitCode());
    assertEquals(second, scene.state.newestNamed("default", "build").orElseThrow());
  }

  @Test
  void aJobThatIsBeingCancelledDoesNotKeepItsNameFromANewOne() {
    Scene scene = given().node("n1", 4, 8);
    long first = scene.job(batch("build"));
    scene.running(first, 0);
    scene.cancel(first);
    long second = scene.job(batch("build"));
    assertEquals(TaskState.WAITING, scene.taskState(second, 0));
    scene.stopped(first, 0);
    assertEquals(TaskState.PLACED, scene.taskState(second, 0));
  }

  @Test
  void aServiceSubmittedChangedIsANewVersionInPlace() {
    Scene scene = given().node("n1", 4, 8);
    long job = scene.job(service("web", 2));
    scene.running(job, 0, 1);
    JobSpec next = with(service("web", 2), spec -> spec.command("/bin/web", "-v2"));
    assertEquals(new Answer.Submitted(job, SubmitOutcome.UPDATED), scene.submit(next));
    assertEquals(2, scene.view(job).version());
    assertEquals(TaskState.STOPPING, scene.taskState(job, 0));
    scene.stopped(job, 0, 1);
    assertEquals(2, scene.attempt(job, 0).specVersion());
    assertEquals(TaskState.PLACED, scene.taskState(job, 1));
    assertEquals(next, scene.state.spec(scene.view(job).uid(), 2).orElseThrow().spec());
    assertEquals(2, scene.state.versions(job).size());
  }

  @Test
  void anotherCountOfAServiceTouchesNoRunningTask() {
    Scene scene = given().node("n1", 4, 8);
    long job = scene.job(service("web", 2));
    scene.running(job, 0, 1);
    scene.submit(service("web", 4));
    assertEquals(TaskState.RUNNING, scene.taskState(job, 0));
    assertEquals(TaskState.PLACED, scene.taskState(job, 3));
    scene.submit(service("web", 1));
    assertEquals(TaskState.STOPPING, scene.taskState(job, 1));
    assertEquals(TaskState.STOPPING, scene.taskState(job, 3));
    scene.stopped(job, 1);
    assertEquals(TaskState.CANCELLED, scene.taskState(job, 1));
    assertEquals(TaskState.RUNNING, scene.taskState(job, 0));
  }

  @Test
  void aWrongExpectedVersionIsRefused() {
    Scene scene = given();
    long job = scene.job(service("web", 1));
    Rejection refused =
        scene.refused(
            scene.answer(
                new Input.SubmitJob(
                    Scene.meta(), "default", service("web", 2), false, false, 7, "", "")));
    assertEquals("VERSION_MISMATCH", refused.reason());
    assertEquals(1, scene.view(job).version());
  }

  @Test
  void validateOnlyStoresNothing() {
    Scene scene = given();
    long before = scene.state.hash();
    Answer answer =
        scene.answer(
            new Input.SubmitJob(Scene.meta(), "default", batch("build"), false, true, 0, "", ""));
    assertEquals(new Answer.Validated(SubmitOutcome.CREATED, 0, "build"), answer);
    assertEquals(before, scene.state.hash());
  }

  @Test
  void aJobWithoutANameIsCalledByItsCommand() {
    Scene scene = given();
    JobSpec spec = with(batch(""), of -> of.command("/usr/bin/Gzip", "x"));
    assertEquals("gzip", scene.view(scene.job(spec)).name());
    assertEquals("gzip-2", scene.view(scene.job(spec)).name());
    assertEquals("job", scene.view(scene.job(with(batch(""), of -> of.command("./-")))).name());
  }

  @Test
  void badNamesAreRefused() {
    Scene scene = given();
    assertEquals("RESERVED_NAME", scene.refused(scene.submit(batch("last"))).reason());
    for (String name : List.of("42", "Web", "web-", "a_b", "a".repeat(64))) {
      assertEquals("BAD_NAME", scene.refused(scene.submit(batch(name))).reason(), name);
    }
    assertEquals(
        "BAD_NAMESPACE",
        scene
            .refused(
                scene.answer(
                    new Input.SubmitJob(Scene.meta(), "No", batch("a"), false, false, 0, "", "")))
            .reason());
  }

  @Test
  void theTraceOfTheCallerGoesOn() {
    Scene scene = given();
    String traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    scene.on(
        new Input.SubmitJob(
            Scene.meta(), "default", batch("a"), false, false, 0, traceparent, "k=v"));
    assertEquals("0af7651916cd43dd8448eb211c80319c", scene.view(1).traceId());
    assertEquals("k=v", scene.view(1).traceState());
    scene.job(batch("b"));
    assertTrue(scene.view(2).traceId().matches("[0-9a-f]{32}"));
  }

  @Test
  void whatIsNotBuiltIsRefusedRatherThanLeftUndone() {
    Scene scene = given().node("n1", 4, 8);
    HealthCheck check =
        new HealthCheck(new Probe.Tcp("http"), Duration.ofSeconds(5), Duration.ofSeconds(1), 3);
    JobSpec probed = with(batch("a"), spec -> spec.health(new HealthChecks(null, check, null)));
    Rejection refused = scene.refused(scene.submit(probed));
    assertEquals("NOT_BUILT", refused.reason());
    assertEquals("spec.health", refused.field());
    HealthCheck told =
        new HealthCheck(new Probe.Notify(), Duration.ofSeconds(5), Duration.ofSeconds(1), 3);
    scene.job(with(batch("b"), spec -> spec.health(new HealthChecks(null, told, null))));
  }
}

package orch.controller.core;

import static orch.controller.core.Scene.array;
import static orch.controller.core.Scene.batch;
import static orch.controller.core.Scene.given;
import static orch.controller.core.Scene.meta;
import static orch.controller.core.Scene.service;
import static orch.controller.core.Scene.with;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import orch.api.model.AttemptState;
import orch.api.model.DesiredAttempt;
import orch.api.model.IndexRange;
import orch.api.model.JobSpec;
import orch.api.model.JobState;
import orch.api.model.Result;
import orch.api.model.ResultKind;
import orch.api.model.StartFailure;
import orch.api.model.StopOrder;
import orch.api.model.TaskSet;
import orch.api.model.TaskState;
import org.junit.jupiter.api.Test;

/** From placement to the end: results, limits, cancel, hold, retry, delete. */
final class JobLifeTest {
  // ---- ends

  @Test
  void theExitCodeOfAnArrayIsTheHighest() {
    Scene scene = given().node("n1", 4, 8);
    long job = scene.job(array("a", 3));
    scene.exits(job, 0, 0);
    scene.exits(job, 7, 1);
    scene.exits(job, 3, 2);
    assertEquals(JobState.FAILED, scene.view(job).state());
    assertEquals(7, scene.view(job).exitCode());
    assertEquals("2 of 3 tasks failed, first a/1: exit code 7", scene.view(job).reason());
  }

  @Test
  void aKilledTaskGives128AndTheSignal() {
    Scene scene = given().node("n1", 4, 8);
    long job = scene.job(batch("a"));
    scene.ends(job, Result.signaled(15), 0);
    assertEquals(143, scene.view(job).exitCode());
    assertEquals("killed by signal 15", scene.view(job).reason());
  }

  @Test
  void aCommandThatDoesNotExistGives127AndItsSentence() {
    Scene scene = given().node("n1", 4, 8);
    long job = scene.job(batch("a"));
    String sentence = "cannot start a/0: exec /no: No such file or directory; correct the command";
    Result result = Result.without(ResultKind.START_FAILED, new StartFailure("exec", 2, sentence));
    scene.ends(job, result, 0);
    assertEquals(127, scene.view(job).exitCode());
    assertEquals(sentence, scene.task(job, 0).reason());
    assertEquals(result, scene.attempt(job, 0).result());
  }

  @Test
  void theRawExitIsKeptAsTheKernelToldIt() {
    Scene scene = given().node("n1", 4, 8);
    long job = scene.job(batch("a"));
    Result result = new Result(ResultKind.OUT_OF_MEMORY, 2, 9, null, true, 3, 11, 12, 13, 14, 15);
    scene.ends(job, result, 0);
    assertEquals(result, scene.attempt(job, 0).result());
    assertEquals("out of memory", scene.view(job).reason());
    assertEquals(137, scene.view(job).exitCode());
  }

  @Test
  void anEndThatNobodyKnowsIsUnknownAndGives125() {
    Scene scene = given().node("n1", 4, 8);
    long job = scene.job(batch("a"));
    scene.report(job, AttemptState.FAILED, null, 0);
    Result result = scene.attempt(job, 0).result();
    assertNotNull(result);
    assertEquals(ResultKind.UNKNOWN, result.kind());
    assertEquals(125, scene.view(job).exitCode());
  }

  @Test
  void allTasksAreTriedWhereNoLimitIsSet() {
    Scene scene = given().node("n1", 4, 8);
    long job = scene.job(with(array("a", 3), spec -> spec.parallelism(1)));
    scene.exits(job, 1, 0);
    scene.exits(job, 1, 1);
    assertEquals(TaskState.PLACED, scene.taskState(job, 2));
  }

  @Test
  void moreThanMaxFailuresEndsTheJob() {
    Scene scene = given().node("n1", 4, 8);
    long job = scene.job(with(array("a", 6), spec -> spec.parallelism(3).maxFailures(1)));
    scene.running(job, 0, 1, 2);
    scene.exits(job, 1, 0);
    assertEquals(TaskState.PLACED, scene.taskState(job, 3));
    scene.exits(job, 1, 1);
    assertEquals(TaskState.CANCELLED, scene.taskState(job, 5));
    assertEquals(TaskState.STOPPING, scene.taskState(job, 2));
    scene.stopped(job, 2);
    scene.dropped(job, 3);
    assertEquals(JobState.FAILED, scene.view(job).state());
    assertEquals("2 tasks failed, at most 1 may", scene.view(job).reason());
  }

  @Test
  void maxFailuresOfMinusOneStopsAtTheFirst() {
    Scene scene = given().node("n1", 4, 8);
    long job = scene.job(with(array("a", 3), spec -> spec.parallelism(1).maxFailures(-1)));
    scene.exits(job, 9, 0);
    assertEquals(JobState.FAILED, scene.view(job).state());
    assertEquals(9, scene.view(job).exitCode());
  }

  @Test
  void enoughSuccessesEndTheJobWell() {
    Scene scene = given().node("n1", 4, 8);
    long job = scene.job(with(array("a", 5), spec -> spec.succeedWhen(2)));
    scene.exits(job, 1, 0);
    scene.exits(job, 0, 1, 2);
    assertEquals(TaskState.STOPPING, scene.taskState(job, 3));
    scene.dropped(job, 3, 4);
    assertEquals(JobState.SUCCEEDED, scene.view(job).state());
    assertEquals(0, scene.view(job).exitCode());
  }

  @Test
  void parallelismLimitsWhatIsPlaced() {
    Scene scene = given().node("n1", 4, 8);
    long job = scene.job(with(array("a", 10), spec -> spec.parallelism(4)));
    assertEquals(4, scene.view(job).tasks().placed());
    assertTrue(scene.task(job, 9).reason().contains("at most 4 tasks at a time"));
    scene.exits(job, 0, 2);
    assertEquals(4, scene.view(job).tasks().placed());
    assertEquals(TaskState.PLACED, scene.taskState(job, 4));
  }

  @Test
  void indexesOfAnArrayAreThoseThatWereAskedFor() {
    Scene scene = given().node("n1", 4, 8);
    TaskSet tasks =
        new TaskSet(
            List.of(new IndexRange(1, 9, 4), new IndexRange(20, 21, 1)), List.of(), 0, 0, 0, false);
    long job = scene.job(with(batch("a"), spec -> spec.tasks(tasks)));
    assertTrue(scene.state.task(job, 2).isEmpty());
    assertEquals(
        List.of(1, 5, 9, 20, 21),
        scene.desired("n1").stream().map(attempt -> attempt.index()).toList());
  }

  @Test
  void eachItemIsATask() {
    Scene scene = given().node("n1", 4, 8);
    TaskSet tasks =
        new TaskSet(List.of(new IndexRange(0, 1, 1)), List.of("x", "y"), 0, 0, 0, false);
    long job = scene.job(with(batch("a"), spec -> spec.tasks(tasks)));
    assertEquals("y", scene.task(job, 1).item());
    assertEquals("y", scene.desired("n1").get(1).item());
  }

  @Test
  void aDeadlineFailsTheWholeJob() {
    Scene scene = given().node("n1", 4, 8);
    JobSpec spec = with(array("a", 2), of -> of.parallelism(1).deadline(Duration.ofMinutes(1)));
    long job = scene.job(spec);
    scene.running(job, 0);
    scene.after(Duration.ofSeconds(59));
    assertEquals(TaskState.RUNNING, scene.taskState(job, 0));
    scene.after(Duration.ofSeconds(1));
    assertEquals(TaskState.STOPPING, scene.taskState(job, 0));
    scene.stopped(job, 0);
    assertEquals(JobState.FAILED, scene.view(job).state());
    assertEquals(124, scene.view(job).exitCode());
    assertEquals("its deadline of 60 s passed", scene.view(job).reason());
  }

  // ---- cancel

  @Test
  void cancelEndsWaitingTasksAtOnceAndStopsRunningOnes() {
    Scene scene = given().node("n1", 1, 8);
    long job = scene.job(with(array("a", 1000), spec -> spec.cpu(500)));
    scene.running(job, 0);
    scene.cancel(job);
    assertEquals(998, scene.view(job).tasks().cancelled());
    assertEquals(2, scene.view(job).tasks().stopping());
    assertTrue(scene.view(job).cancelRequested());
    StopOrder stop = scene.desired("n1").getFirst().stop();
    assertEquals(new StopOrder(null, "cancelled by alice"), stop);
    assertEquals(2, scene.effects(Effect.SendAttempts.class).getFirst().attempts().size());
    scene.stopped(job, 0);
    scene.dropped(job, 1);
    assertEquals(JobState.CANCELLED, scene.view(job).state());
    assertEquals(143, scene.view(job).exitCode());
  }

  @Test
  void cancelIsIdempotent() {
    Scene scene = given().node("n1", 1, 8);
    long job = scene.job(batch("a"));
    scene.running(job, 0);
    scene.cancel(job);
    long before = scene.state.hash();
    scene.cancel(job);
    assertEquals(before, scene.state.hash());
    scene.stopped(job, 0);
    scene.cancel(job);
    assertEquals(JobState.CANCELLED, scene.view(job).state());
  }

  @Test
  void cancelSaysWhichJobsAreUnknown() {
    Scene scene = given();
    long job = scene.job(batch("a"));
    assertEquals(
        new Answer.Jobs(List.of(job), List.of(77L)),
        scene.answer(new Input.CancelJobs(meta(), List.of(job, 77L), "")));
    assertEquals(JobState.CANCELLED, scene.view(job).state());
    assertEquals("cancelled by alice", scene.view(job).reason());
  }

  @Test
  void anOperatorsStopBeatsARestart() {
    Scene scene = given().node("n1", 1, 8);
    long job = scene.job(with(batch("a"), spec -> spec.restart(RestartTest.retries(5))));
    scene.running(job, 0);
    scene.cancel(job);
    scene.exits(job, 1, 0);
    assertEquals(JobState.CANCELLED, scene.view(job).state());
    assertEquals(1, scene.task(job, 0).attempts());
  }

  @Test
  void aJobThatSucceededAllTheSameWhileBeingCancelledHasSucceeded() {
    Scene scene = given().node("n1", 1, 8);
    long job = scene.job(batch("a"));
    scene.running(job, 0);
    scene.cancel(job);
    scene.exits(job, 0, 0);
    assertEquals(JobState.SUCCEEDED, scene.view(job).state());
  }

  @Test
  void cancelledTasksEndForGoodAndTheOthersGoOn() {
    Scene scene = given().node("n1", 1, 8);
    long job = scene.job(with(array("a", 4), spec -> spec.cpu(500)));
    scene.running(job, 0, 1);
    scene.answer(
        new Input.CancelTasks(
            meta(),
            List.of(new TaskRef(job, 0), new TaskRef(job, 3), new TaskRef(job, 9)),
            "not needed"));
    assertEquals(
        new Answer.Tasks(
            List.of(new TaskRef(job, 0), new TaskRef(job, 3)), List.of(new TaskRef(job, 9))),
        scene.last.answer());
    assertEquals(TaskState.CANCELLED, scene.taskState(job, 3));
    assertEquals("cancelled by alice: not needed", scene.task(job, 3).reason());
    assertEquals(TaskState.STOPPING, scene.taskState(job, 0));
    scene.stopped(job, 0);
    assertEquals(TaskState.CANCELLED, scene.taskState(job, 0));
    scene.exits(job, 0, 1, 2);
    assertEquals(JobState.CANCELLED, scene.view(job).state());
  }

  // ---- suspend and resume

  private static List<Boolean> frozen(Scene scene) {
    return scene.desired("n1").stream().map(DesiredAttempt::frozen).toList();
  }

  @Test
  void aSuspendedJobStartsNothingAndItsAttemptsAreToStandStill() {
    Scene scene = given().node("n1", 1, 8);
    long job = scene.job(with(array("a", 2), spec -> spec.restart(RestartTest.retries(5))));
    scene.running(job, 0, 1);
    assertEquals(List.of(false, false), frozen(scene));
    scene.answer(new Input.SuspendJob(meta(), job));
    assertEquals(1, scene.effects(Effect.SendAttempts.class).size());
    assertEquals(List.of(true, true), frozen(scene));
    assertTrue(scene.view(job).suspended());
    assertTrue(scene.view(job).reason().startsWith("suspended by "));
    assertEquals(
        "frozen: the job is " + scene.view(job).reason(),
        scene.state.task(job, 0).orElseThrow().reason());
    // What ends all the same (it was stopped, or killed from outside) is not started again.
    scene.exits(job, 1, 0);
    assertEquals(TaskState.WAITING, scene.taskState(job, 0));
    assertEquals(
        "suspended", scene.state.explainJob(job).orElseThrow().reasons().getFirst().kind());
    scene.answer(new Input.ResumeJob(meta(), job));
    assertFalse(scene.view(job).suspended());
    assertEquals("", scene.view(job).reason());
    assertEquals(TaskState.PLACED, scene.taskState(job, 0));
    assertEquals(List.of(false, false), frozen(scene));
  }

  @Test
  void aSuspendedJobCanBeCancelledAndIsSuspendedNoMoreOnceItHasEnded() {
    Scene scene = given().node("n1", 1, 8);
    long job = scene.job(batch("a"));
    scene.running(job, 0);
    scene.answer(new Input.SuspendJob(meta(), job));
    scene.answer(new Input.SuspendJob(meta(), job));
    scene.answer(new Input.CancelJobs(meta(), List.of(job), ""));
    assertNotNull(scene.desired("n1").getFirst().stop());
    scene.exits(job, 0, 0);
    assertTrue(scene.view(job).state().ended());
    assertFalse(scene.view(job).suspended());
    assertEquals(
        RejectionCode.FAILED_PRECONDITION,
        ((Answer.Rejected) scene.answer(new Input.SuspendJob(meta(), job))).rejection().code());
    assertEquals(
        RejectionCode.FAILED_PRECONDITION,
        ((Answer.Rejected) scene.answer(new Input.ResumeJob(meta(), job))).rejection().code());
  }

  // ---- hold and release

  @Test
  void aHeldJobStartsNothingUntilItIsReleased() {
    Scene scene = given();
    long job = scene.job(batch("a"));
    scene.answer(new Input.HoldJob(meta(), job));
    scene.node("n1", 1, 8);
    assertEquals(JobState.HELD, scene.view(job).state());
    assertEquals(TaskState.WAITING, scene.taskState(job, 0));
    assertEquals("held", scene.state.explainJob(job).orElseThrow().reasons().getFirst().kind());
    scene.answer(new Input.ReleaseJob(meta(), job));
    assertEquals(JobState.QUEUED, scene.view(job).state());
    assertEquals(TaskState.PLACED, scene.taskState(job, 0));
  }

  @Test
  void runningTasksOfAHeldJobGoOnAndAreNotRestarted() {
    Scene scene = given().node("n1", 1, 8);
    long job = scene.job(with(array("a", 2), spec -> spec.restart(RestartTest.retries(5))));
    scene.running(job, 0, 1);
    scene.answer(new Input.HoldJob(meta(), job));
    scene.exits(job, 1, 0);
    assertEquals(TaskState.WAITING, scene.taskState(job, 0));
    assertEquals(TaskState.RUNNING, scene.taskState(job, 1));
    scene.answer(new Input.ReleaseJob(meta(), job));
    assertEquals(JobState.RUNNING, scene.view(job).state());
    assertEquals(TaskState.PLACED, scene.taskState(job, 0));
  }

  // ---- retry and delete

  @Test
  void retryRunsWhatDidNotSucceedAgain() {
    Scene scene = given().node("n1", 4, 8);
    long job = scene.job(array("a", 3));
    scene.exits(job, 0, 0);
    scene.exits(job, 2, 1, 2);
    assertEquals(JobState.FAILED, scene.view(job).state());
    scene.answer(new Input.RetryJob(meta(), job, List.of()));
    assertEquals(JobState.RUNNING, scene.view(job).state());
    assertNull(scene.view(job).exitCode());
    assertEquals(TaskState.SUCCEEDED, scene.taskState(job, 0));
    assertEquals(2, scene.attempt(job, 1).number());
    scene.exits(job, 0, 1, 2);
    assertEquals(JobState.SUCCEEDED, scene.view(job).state());
    assertEquals(
        List.of(AttemptState.FAILED, AttemptState.SUCCEEDED),
        scene.state.attempts(job, 1).stream().map(AttemptView::state).toList());
  }

  @Test
  void retryOfNamedTasksRunsEvenSuccessfulOnes() {
    Scene scene = given().node("n1", 4, 8);
    long job = scene.job(array("a", 3));
    scene.exits(job, 0, 0, 1);
    scene.exits(job, 2, 2);
    scene.answer(new Input.RetryJob(meta(), job, List.of(new IndexRange(0, 0, 1))));
    assertEquals(TaskState.PLACED, scene.taskState(job, 0));
    assertEquals(TaskState.FAILED, scene.taskState(job, 2));
    scene.exits(job, 0, 0);
    assertEquals(JobState.FAILED, scene.view(job).state());
  }

  @Test
  void retryOfAJobCancelledBeforeItsStartRunsEveryTask() {
    Scene scene = given();
    long job = scene.job(array("a", 600));
    scene.cancel(job);
    scene.answer(new Input.RetryJob(meta(), job, List.of()));
    assertEquals(JobState.QUEUED, scene.view(job).state());
    assertEquals(600, scene.view(job).tasks().waiting());
    assertFalse(scene.view(job).cancelRequested());
    scene.node("n1", 100, 8);
    assertEquals(600, scene.view(job).tasks().placed());
  }

  @Test
  void retryGivesAllRetriesAnew() {
    Scene scene = given().node("n1", 4, 8);
    long job = scene.job(with(batch("a"), spec -> spec.restart(RestartTest.retries(1))));
    scene.exits(job, 1, 0);
    scene.exits(job, 1, 0);
    assertEquals(JobState.FAILED, scene.view(job).state());
    scene.answer(new Input.RetryJob(meta(), job, List.of()));
    scene.exits(job, 1, 0);
    assertEquals(4, scene.attempt(job, 0).number());
    scene.exits(job, 1, 0);
    assertEquals(JobState.FAILED, scene.view(job).state());
  }

  @Test
  void nothingIsRetriedWhereEveryTaskSucceeded() {
    Scene scene = given().node("n1", 4, 8);
    long job = scene.job(batch("a"));
    scene.exits(job, 0, 0);
    Answer answer = scene.answer(new Input.RetryJob(meta(), job, List.of()));
    assertEquals("NOTHING_TO_RETRY", scene.refused(answer).reason());
  }

  @Test
  void retryWhileAnotherJobHasTheNameIsAConflict() {
    Scene scene = given().node("n1", 4, 8);
    long job = scene.job(batch("a"));
    scene.exits(job, 1, 0);
    scene.job(batch("a"));
    Answer answer = scene.answer(new Input.RetryJob(meta(), job, List.of()));
    assertEquals("JOB_NAME_IN_USE", scene.refused(answer).reason());
  }

  @Test
  void onlyFinishedJobsAreDeleted() {
    Scene scene = given().node("n1", 4, 8);
    long job = scene.job(batch("a"));
    assertEquals(
        "JOB_LIVES", scene.refused(scene.answer(new Input.DeleteJob(meta(), job))).reason());
    scene.exits(job, 0, 0);
    scene.answer(new Input.DeleteJob(meta(), job));
    assertTrue(scene.state.job(job).isEmpty());
    assertTrue(scene.state.newestNamed("default", "a").isEmpty());
    assertEquals(2, scene.job(batch("a")), "numbers are not given again");
  }

  @Test
  void aFinishedJobIsForgottenAfterItsRetention() {
    Scene scene = given().node("n1", 4, 8);
    long job = scene.job(batch("a"));
    scene.exits(job, 0, 0);
    scene.after(Duration.ofDays(30).minusSeconds(120));
    assertTrue(scene.state.job(job).isPresent());
    scene.after(Duration.ofMinutes(3));
    assertTrue(scene.state.job(job).isEmpty());
  }

  // ---- services

  @Test
  void aServiceIsRestartedHoweverItEnds() {
    Scene scene = given().node("n1", 4, 8);
    long job = scene.job(service("web", 1));
    scene.exits(job, 0, 0);
    assertEquals(2, scene.attempt(job, 0).number());
    scene.exits(job, 1, 0);
    assertEquals(3, scene.attempt(job, 0).number());
    assertEquals(JobState.RUNNING, scene.view(job).state());
  }

  @Test
  void restartOfAServiceStopsAndStartsEveryTask() {
    Scene scene = given().node("n1", 4, 8);
    long job = scene.job(service("web", 2));
    scene.running(job, 0, 1);
    scene.answer(new Input.RestartJob(meta(), job));
    assertEquals(2, scene.view(job).tasks().stopping());
    scene.stopped(job, 0, 1);
    assertEquals(2, scene.view(job).tasks().placed());
    assertEquals(2, scene.attempt(job, 1).number());
  }

  @Test
  void scaleIsForServices() {
    Scene scene = given().node("n1", 4, 8);
    long batch = scene.job(batch("a"));
    assertEquals(
        "NOT_A_SERVICE",
        scene.refused(scene.answer(new Input.ScaleJob(meta(), batch, 2, 0))).reason());
    long job = scene.job(service("web", 1));
    scene.answer(new Input.ScaleJob(meta(), job, 3, 1));
    assertEquals(3, scene.view(job).tasks().placed());
    assertEquals(
        "VERSION_MISMATCH",
        scene.refused(scene.answer(new Input.ScaleJob(meta(), job, 2, 1))).reason());
  }
}

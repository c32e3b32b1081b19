package orch.controller.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import orch.api.model.AgentMessage;
import orch.api.model.AttemptState;
import orch.api.model.AttemptStatus;
import orch.api.model.DesiredAttempt;
import orch.api.model.JobState;
import orch.api.model.Result;
import orch.api.model.StageTimes;
import orch.api.model.TaskState;
import orch.api.model.Uid;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What becomes of a fleet whose controller was restored from a backup. */
class RestoreTest {
  private static final Uid UNKNOWN = new Uid(1, 3, 5_000);
  private static final Uid UNKNOWN_JOB = new Uid(1, 3, 4_999);

  /** Restored, and led by a new leader, before any node has come. */
  private static void restore(Scene scene) {
    scene.state.apply(
        new Change.IncarnationRaised(
            7, scene.state.nextSequence + 1_000_000, scene.state.nextNumber, true),
        scene.now);
    scene.standby.apply(
        new Change.IncarnationRaised(
            7, scene.standby.nextSequence + 1_000_000, scene.standby.nextNumber, true),
        scene.now);
    scene.newLeader();
  }

  private static AttemptStatus status(
      Uid uid,
      Uid jobUid,
      long job,
      int index,
      int attempt,
      AttemptState state,
      @Nullable Result result) {
    return new AttemptStatus(
        uid, jobUid, job, index, attempt, state, "", 5, 0, result, StageTimes.NONE);
  }

  private static AttemptStatus stranger(AttemptState state) {
    return status(UNKNOWN, UNKNOWN_JOB, 99, 0, 1, state, state.ended() ? Result.exited(0) : null);
  }

  private static void comes(Scene scene, String name, AttemptStatus... known) {
    scene.hello(Scene.describe(name, 4, 8), known);
    scene.inventory(name, known);
  }

  @Test
  void anAttemptThatTheBackupDoesNotKnowIsHeldAndNeverStopped() {
    Scene scene = Scene.given().node("n1", 4, 8);
    restore(scene);
    comes(scene, "n1", stranger(AttemptState.RUNNING));
    assertEquals(List.of(), scene.desired("n1"));
    NodeView node = scene.nodeView("n1");
    assertEquals(1, node.held().size());
    assertEquals(UNKNOWN, node.held().getFirst().uid());
    assertTrue(scene.state.cluster().warnings().toString().contains("1 attempt that this cluster"));
    assertEquals(100, scene.job(Scene.batch("next")), "numbers go on above what agents report");
  }

  @Test
  void anOperatorStopsAHeldAttempt() {
    Scene scene = Scene.given().node("n1", 4, 8);
    restore(scene);
    comes(scene, "n1", stranger(AttemptState.RUNNING));
    scene.answer(new Input.ResolveHeld(Scene.meta(), "n1", UNKNOWN, true));
    DesiredAttempt order = scene.desired("n1").getFirst();
    assertEquals(UNKNOWN, order.uid());
    assertTrue(order.stop() != null);
    scene.on(new Input.AttemptReports("uid-n1", List.of(stranger(AttemptState.KILLED))));
    assertTrue(scene.forgot(UNKNOWN));
    assertEquals(List.of(), scene.nodeView("n1").held());
    Answer again = scene.answer(new Input.ResolveHeld(Scene.meta(), "n1", UNKNOWN, true));
    assertEquals("ATTEMPT_NOT_HELD", scene.refused(again).reason());
  }

  @Test
  void aHeldAttemptOfAnUnknownJobCannotBeAdopted() {
    Scene scene = Scene.given().node("n1", 4, 8);
    restore(scene);
    comes(scene, "n1", stranger(AttemptState.RUNNING));
    Answer answer = scene.answer(new Input.ResolveHeld(Scene.meta(), "n1", UNKNOWN, false));
    assertEquals("CANNOT_ADOPT", scene.refused(answer).reason());
  }

  @Test
  void aHeldAttemptThatEndsByItselfIsForgotten() {
    Scene scene = Scene.given().node("n1", 4, 8);
    restore(scene);
    comes(scene, "n1", stranger(AttemptState.RUNNING));
    scene.on(new Input.AttemptReports("uid-n1", List.of(stranger(AttemptState.SUCCEEDED))));
    assertTrue(scene.forgot(UNKNOWN));
    assertEquals(List.of(), scene.nodeView("n1").held());
  }

  @Test
  void anAttemptWhoseResultWasAckedIsNotTakenForLostButAskedFor() {
    Scene scene = Scene.given().node("n1", 4, 8);
    long job = scene.job(Scene.batch("a"));
    scene.running(job, 0);
    AttemptView attempt = scene.attempt(job, 0);
    restore(scene);
    // Its agent has a tombstone of it, which is in no inventory.
    comes(scene, "n1");
    assertEquals(TaskState.RUNNING, scene.taskState(job, 0));
    assertEquals(attempt.uid(), scene.desired("n1").getFirst().uid());
    scene.on(
        new Input.AttemptReports(
            "uid-n1",
            List.of(
                status(
                    attempt.uid(),
                    scene.view(job).uid(),
                    job,
                    0,
                    1,
                    AttemptState.SUCCEEDED,
                    Result.exited(0)))));
    assertEquals(JobState.SUCCEEDED, scene.view(job).state());
  }

  @Test
  void tasksOfTheBackupWaitUntilEveryNodeHasSpokenAndNewJobsDoNot() {
    Scene scene = Scene.given().node("n1", 4, 8).node("n2", 4, 8);
    scene.on(new Input.CordonNode(Scene.meta(), "n1", ""));
    scene.on(new Input.CordonNode(Scene.meta(), "n2", ""));
    long old = scene.job(Scene.batch("old"));
    restore(scene);
    comes(scene, "n1");
    scene.on(new Input.UncordonNode(Scene.meta(), "n1"));
    long fresh = scene.job(Scene.batch("fresh"));
    scene.after(Duration.ofSeconds(5));
    assertEquals(TaskState.WAITING, scene.taskState(old, 0));
    assertEquals(TaskState.PLACED, scene.taskState(fresh, 0));
    assertEquals(
        "1 task waits: the cluster was restored from a backup, and not all nodes have said what"
            + " they run",
        scene.state.explainJob(old).orElseThrow().summary());
    comes(scene, "n2");
    scene.after(Duration.ofSeconds(1));
    assertEquals(TaskState.PLACED, scene.taskState(old, 0));
  }

  @Test
  void theWaitEndsThoughANodeNeverComes() {
    Scene scene = Scene.given().node("n1", 4, 8).node("n2", 4, 8);
    scene.on(new Input.CordonNode(Scene.meta(), "n1", ""));
    scene.on(new Input.CordonNode(Scene.meta(), "n2", ""));
    long old = scene.job(Scene.batch("old"));
    restore(scene);
    comes(scene, "n1");
    scene.on(new Input.UncordonNode(Scene.meta(), "n1"));
    scene.after(Duration.ofMinutes(11));
    assertEquals(TaskState.PLACED, scene.taskState(old, 0));
  }

  @Test
  void aLaterAttemptOfAWaitingTaskBecomesItsNewestAgain() {
    Scene scene = Scene.given().node("n1", 4, 8).node("n2", 4, 8);
    scene.on(new Input.CordonNode(Scene.meta(), "n1", ""));
    scene.on(new Input.CordonNode(Scene.meta(), "n2", ""));
    long job = scene.job(Scene.batch("a"));
    Uid jobUid = scene.view(job).uid();
    restore(scene);
    // After the backup it was placed on n2, where it runs.
    Uid later = new Uid(1, 1, scene.state.jobOf(job).uid.sequence() + 7);
    comes(scene, "n1");
    comes(scene, "n2", status(later, jobUid, job, 0, 1, AttemptState.RUNNING, null));
    assertEquals(TaskState.RUNNING, scene.taskState(job, 0));
    assertEquals(later, scene.attempt(job, 0).uid());
    assertEquals(List.of(), scene.nodeView("n2").held());
    assertEquals(later, scene.desired("n2").getFirst().uid());
    scene.after(Duration.ofSeconds(2));
    scene.exits(job, 0, 0);
    assertEquals(JobState.SUCCEEDED, scene.view(job).state());
  }

  /** The node tells how the older attempt ended when nothing is awaited any more. */
  @Test
  void aLaterAttemptBecomesTheNewestThoughTheEndOfTheOlderIsLearnedLate() {
    Scene scene = Scene.given().node("n1", 4, 8);
    long job = scene.job(Scene.with(Scene.service("web", 1), parts -> parts.cpu(1)));
    scene.running(job, 0);
    AttemptView first = scene.attempt(job, 0);
    Uid jobUid = scene.view(job).uid();
    restore(scene);
    Uid later = new Uid(1, 1, first.uid().sequence() + 5);
    comes(scene, "n1", status(later, jobUid, job, 0, 2, AttemptState.RUNNING, null));
    scene.after(Duration.ofSeconds(2));
    assertEquals(0, scene.state.restoreNanos);
    scene.on(
        new Input.AttemptReports(
            "uid-n1",
            List.of(
                status(first.uid(), jobUid, job, 0, 1, AttemptState.FAILED, Result.exited(1)))));
    assertEquals(TaskState.RUNNING, scene.taskState(job, 0));
    assertEquals(later, scene.attempt(job, 0).uid());
    assertEquals(List.of(), scene.nodeView("n1").held());
    assertEquals(List.of(later), scene.desired("n1").stream().map(DesiredAttempt::uid).toList());
  }

  @Test
  void noUidIsGivenAgain() {
    Scene scene = Scene.given().node("n1", 4, 8);
    long job = scene.job(Scene.batch("a"));
    Uid before = scene.attempt(job, 0).uid();
    restore(scene);
    comes(scene, "n1");
    long next = scene.job(Scene.batch("b"));
    Uid after = scene.attempt(next, 0).uid();
    assertEquals(7, after.incarnation());
    assertTrue(after.sequence() > before.sequence() + 1_000_000);
    assertTrue(after.fencingToken() > before.fencingToken());
  }

  // ---- foreign nodes

  private static AgentMessage.Hello foreign(Scene scene) {
    return new AgentMessage.Hello(1, "other", 3, 9, 0, Scene.describe("n9", 4, 8), 1, 1, 0);
  }

  @Test
  void aNodeOfAnotherClusterIsRefusedUntilItIsAdopted() {
    Scene scene = Scene.given();
    scene.on(new Input.NodeHello(50, foreign(scene)));
    Effect.Refuse refusal = scene.effects(Effect.Refuse.class).getFirst();
    assertEquals("FOREIGN_CLUSTER", refusal.rejection().reason());
    assertTrue(refusal.rejection().message().contains("orchctl node adopt n9"));
    assertInstanceOf(Answer.Done.class, scene.answer(new Input.AdoptNode(Scene.meta(), "n9")));
    scene.on(new Input.NodeHello(51, foreign(scene)));
    Effect.Welcome welcome = scene.effects(Effect.Welcome.class).getFirst();
    assertTrue(welcome.wantInventory());
    assertEquals("other", welcome.adoptedFrom());
    assertEquals(4, scene.state.cluster().incarnation(), "above the other cluster's");
    scene.inventory("n9", stranger(AttemptState.RUNNING));
    assertEquals(1, scene.nodeView("n9").held().size());
    assertEquals(List.of(), scene.desired("n9"));
  }

  private static AgentMessage.Hello foreign(Scene scene, int incarnation) {
    return new AgentMessage.Hello(
        1, "other", incarnation, 9, 0, Scene.describe("n9", 4, 8), 1, 1, 0);
  }

  @Test
  void theIncarnationIsRaisedOnceMoreIfTheNodesOwnRoseSinceItWasAdmitted() {
    Scene scene = Scene.given();
    scene.on(new Input.NodeHello(50, foreign(scene, 3)));
    scene.answer(new Input.AdoptNode(Scene.meta(), "n9"));
    assertEquals(4, scene.state.cluster().incarnation());
    scene.on(new Input.NodeHello(51, foreign(scene, 6)));
    assertEquals(1, scene.effects(Effect.Welcome.class).size());
    assertEquals(7, scene.state.cluster().incarnation());
    assertEquals(7, scene.effects(Effect.Welcome.class).getFirst().heldBelow());
    scene.inventory("n9");
    long job = scene.job(Scene.batch("a"));
    assertEquals(7, scene.attempt(job, 0).uid().incarnation());
  }

  @Test
  void whatAForeignNodeRunsIsNeverGivenToAJobThoughItsUidIsTheSame() {
    Scene scene = Scene.given().node("n1", 4, 8);
    scene.on(new Input.CordonNode(Scene.meta(), "n1", ""));
    long job = scene.job(Scene.batch("a"));
    Uid jobUid = scene.view(job).uid();
    // It has no room, so that the task waits on.
    AgentMessage.Hello full =
        new AgentMessage.Hello(1, "other", 3, 9, 0, Scene.describe("n9", 0, 8), 1, 1, 0);
    scene.on(new Input.NodeHello(50, full));
    scene.answer(new Input.AdoptNode(Scene.meta(), "n9"));
    scene.on(new Input.NodeHello(51, full));
    Uid theirs = new Uid(1, 1, jobUid.sequence() + 1);
    scene.inventory("n9", status(theirs, jobUid, job, 0, 1, AttemptState.RUNNING, null));
    assertEquals(TaskState.WAITING, scene.taskState(job, 0));
    assertEquals(1, scene.nodeView("n9").held().size());
    Answer answer = scene.answer(new Input.ResolveHeld(Scene.meta(), "n9", theirs, false));
    assertEquals("CANNOT_ADOPT", scene.refused(answer).reason());
  }

  @Test
  void anAdoptionHoldsNothingThatTheClusterGaveUpItself() {
    Scene scene = Scene.given().node("n1", 4, 8);
    long job = scene.job(Scene.batch("a"));
    scene.running(job, 0);
    AttemptStatus first = scene.status(job, 0, scene.attempt(job, 0), AttemptState.RUNNING, null);
    scene.on(new Input.NodeHello(50, foreign(scene, 3)));
    scene.answer(new Input.AdoptNode(Scene.meta(), "n9"));
    scene.on(new Input.NodeHello(51, foreign(scene, 3)));
    assertEquals(4, scene.state.cluster().incarnation());
    scene.cancel(job);
    scene.stopped(job, 0);
    comes(scene, "n1", first);
    assertEquals(List.of(), scene.nodeView("n1").held());
    assertEquals(1, scene.effects(Effect.SendDesired.class).size());
  }

  @Test
  void whatFollowsFromARestoreAndAnAdoptionIsInCheckpoints() {
    Scene scene = Scene.given().node("n1", 4, 8).node("n2", 4, 8);
    scene.on(new Input.NodeHello(50, foreign(scene, 3)));
    scene.answer(new Input.AdoptNode(Scene.meta(), "n9"));
    scene.on(new Input.NodeHello(51, foreign(scene, 3)));
    scene.inventory("n9", stranger(AttemptState.RUNNING));
    scene.on(new Input.ResolveHeld(Scene.meta(), "n9", UNKNOWN, true));
    restore(scene);
    comes(scene, "n1", stranger(AttemptState.RUNNING));
    assertEquals(1, scene.nodeView("n1").held().size());
    assertFalse(scene.nodeView("n2").reconciled());
    State loaded = SnapshotTest.loaded(scene.state);
    assertEquals(scene.state.hash(), loaded.hash());
    assertEquals(scene.nodeView("n1"), loaded.nodeNamed("n1").orElseThrow());
    assertEquals(scene.nodeView("n2"), loaded.nodeNamed("n2").orElseThrow());
    assertEquals(scene.nodeView("n9"), loaded.nodeNamed("n9").orElseThrow());
    assertEquals(scene.state.restoredIncarnation, loaded.restoredIncarnation);
    assertEquals(4, loaded.nodesByName.get("n9").foreignBelow);
  }
}

package orch.controller.core;

import static orch.controller.core.Scene.array;
import static orch.controller.core.Scene.describe;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import java.util.TreeMap;
import orch.api.model.AttemptState;
import orch.api.model.AttemptStatus;
import orch.api.model.Backoff;
import orch.api.model.JobSpec;
import orch.api.model.NodeState;
import orch.api.model.PartitionMode;
import orch.api.model.PartitionPolicy;
import orch.api.model.RestartExhausted;
import orch.api.model.RestartPolicy;
import orch.api.model.RestartWhen;
import orch.api.model.Result;
import orch.api.model.ResultKind;
import orch.api.model.TaskState;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** When the attempts of a node that does not answer are given up: by their partition mode. */
final class PartitionTest {
  private static final Duration D = Duration.ofSeconds(30);
  private static final Duration LOST_AFTER = Duration.ofSeconds(60);

  private final Scene scene = Scene.given();

  /** Three nodes and a job of one task, which runs on the first. */
  private long runs(PartitionMode mode) {
    return runs(new PartitionPolicy(mode, LOST_AFTER, D));
  }

  private long runs(PartitionPolicy policy) {
    scene.node("a", 8, 8);
    long job = scene.job(spec(policy));
    scene.running(job, 0);
    scene.node("b", 8, 8).node("c", 8, 8);
    scene.after(Duration.ofSeconds(1));
    assertEquals("a", scene.attempt(job, 0).node());
    return job;
  }

  private static JobSpec spec(PartitionPolicy policy) {
    return spec("web", policy);
  }

  private static JobSpec spec(String name, PartitionPolicy policy) {
    return Scene.with(
        array(name, 1),
        parts ->
            parts
                .partition(policy)
                .restart(
                    new RestartPolicy(
                        RestartWhen.ON_FAILURE,
                        List.of(),
                        Backoff.DEFAULT,
                        -1,
                        null,
                        RestartExhausted.FAIL)));
  }

  /** The node was heard just now, had a lease {@code leaseAgo}, and is found silent after 10 s. */
  private void silent(String node, @Nullable Duration leaseAgo) {
    long heard = scene.bootNanos;
    Long lease = leaseAgo == null ? null : heard - leaseAgo.toNanos();
    scene.after(Duration.ofSeconds(10));
    scene.on(new Input.NodeSilent("uid-" + node, heard, lease));
    scene.after(Duration.ZERO);
  }

  /** Time goes by tick by tick. */
  private void pass(Duration time) {
    for (long second = 0; second < time.toSeconds(); second++) {
      scene.after(Duration.ofSeconds(1));
    }
  }

  private long gracePlusMargin(long job) {
    return scene.view(job).spec().stop().grace().plus(LeaseTimes.KILL_MARGIN).toSeconds();
  }

  private boolean onA(long job) {
    return scene.attempt(job, 0).node().equals("a");
  }

  // ---- keep

  @Test
  void keepIsReplacedAfterLostAfterAndTheReasonSaysThatTwoMayRun() {
    long job = runs(PartitionMode.KEEP);
    silent("a", Duration.ZERO);
    pass(Duration.ofSeconds(49));
    assertTrue(onA(job));
    assertEquals(AttemptState.UNREACHABLE, scene.attempt(job, 0).state());
    pass(Duration.ofSeconds(1));
    assertFalse(onA(job));
    AttemptView first = scene.state.attempts(job, 0).getFirst();
    assertEquals(AttemptState.LOST, first.state());
    assertEquals(
        "node a has been unreachable for 60 s; this attempt may run there still (partition: keep)",
        first.reason());
  }

  @Test
  void aShortLostAfterIsNoShorterThanTheGraceInWhichTheBrakeMayCome() {
    long job =
        runs(new PartitionPolicy(PartitionMode.KEEP, Duration.ofSeconds(1), Duration.ofSeconds(1)));
    silent("a", Duration.ZERO);
    assertTrue(onA(job));
    pass(LeaseTimes.GRACE.minusSeconds(11));
    assertTrue(onA(job));
    pass(Duration.ofSeconds(1));
    assertFalse(onA(job));
  }

  // ---- stop

  @Test
  void stopIsReplacedOnceTheLastLeaseTheGraceAndTheMarginAreOver() {
    long job = runs(PartitionMode.STOP);
    pass(Duration.ofMinutes(5));
    // The last lease was granted at the last heartbeat.
    silent("a", Duration.ZERO);
    long rest = D.toSeconds() + gracePlusMargin(job) - 10;
    pass(Duration.ofSeconds(rest - 1));
    assertTrue(onA(job));
    pass(Duration.ofSeconds(1));
    assertFalse(onA(job));
    assertTrue(
        scene
            .state
            .attempts(job, 0)
            .getFirst()
            .reason()
            .endsWith("without a lease this attempt has ended itself (partition: stop)"));
  }

  @Test
  void aLeaderThatCouldProveNothingLatelyCountsFromTheLastLeaseThatItGranted() {
    long job = runs(PartitionMode.STOP);
    pass(Duration.ofMinutes(5));
    // ZooKeeper was away: the node answered, but got no lease for a minute.
    silent("a", Duration.ofSeconds(60));
    pass(LeaseTimes.GRACE.minusSeconds(10));
    assertFalse(onA(job));
  }

  @Test
  void aNewLeaderAssumesThatTheOldOneGrantedLeasesUntilItsProofWasTooOld() {
    long job = runs(PartitionMode.STOP);
    pass(Duration.ofMinutes(5));
    silent("a", Duration.ZERO);
    pass(Duration.ofSeconds(20));
    scene.newLeader();
    scene.after(Duration.ofSeconds(1));
    long rest = LeaseTimes.PROOF_AGE.toSeconds() + D.toSeconds() + gracePlusMargin(job);
    pass(Duration.ofSeconds(rest - 1));
    assertTrue(onA(job), "whatever the old leader knew is forgotten");
    pass(Duration.ofSeconds(1));
    assertFalse(onA(job));
  }

  @Test
  void aNodeThatIsBackInTimeKeepsItsTask() {
    long job = runs(PartitionMode.STOP);
    silent("a", Duration.ZERO);
    pass(Duration.ofSeconds(30));
    scene.on(new Input.NodeBack("uid-a"));
    pass(Duration.ofMinutes(10));
    assertTrue(onA(job));
    assertEquals(AttemptState.RUNNING, scene.attempt(job, 0).state());
  }

  @Test
  void theVersionThatAnAttemptWasStartedWithDecides() {
    JobSpec service = Scene.service("web", 1);
    PartitionPolicy stop = new PartitionPolicy(PartitionMode.STOP, LOST_AFTER, D);
    scene.node("a", 8, 8);
    long job = scene.job(Scene.with(service, parts -> parts.partition(stop)));
    scene.running(job, 0);
    scene.node("b", 8, 8).node("c", 8, 8);
    PartitionPolicy short_ =
        new PartitionPolicy(PartitionMode.KEEP, Duration.ofSeconds(1), Duration.ofSeconds(1));
    silent("a", Duration.ZERO);
    scene.submit(Scene.with(service, parts -> parts.partition(short_)));
    pass(Duration.ofSeconds(25));
    assertTrue(onA(job), "its own lease of 30 s may not be over");
  }

  @Test
  void aTaskThatEndedItselfForWantOfALeaseIsPlacedAnewAtOnce() {
    long job = runs(PartitionMode.STOP);
    Result result = new Result(ResultKind.NO_LEASE, 2, 15, null, false, 0, 0, 0, 0, 0, 0);
    scene.report(job, AttemptState.KILLED, result, 0);
    assertEquals(2, scene.attempt(job, 0).number());
    AttemptView first = scene.state.attempts(job, 0).getFirst();
    assertEquals(AttemptState.KILLED, first.state());
    assertEquals(ResultKind.NO_LEASE, first.result() == null ? null : first.result().kind());
  }

  // ---- never

  @Test
  void neverIsReplacedOnProofAlone() {
    long job = runs(PartitionMode.NEVER);
    silent("a", Duration.ZERO);
    pass(Duration.ofHours(2));
    assertTrue(onA(job));
    assertTrue(scene.task(job, 0).reason().contains("orchctl node gone a --i-verified"));
    scene.answer(new Input.DeclareNodeGone(Scene.meta(), "a", true));
    assertFalse(onA(job));
  }

  @Test
  void aNewerBootOfTheSameNodeIsProof() {
    long job = runs(PartitionMode.NEVER);
    silent("a", Duration.ZERO);
    pass(Duration.ofHours(1));
    scene.hello(describe("a", 8, 8, "boot-2", new TreeMap<>()));
    assertEquals(AttemptState.RUNNING, scene.attempt(job, 0).state(), "its journal may tell more");
    scene.inventory("a");
    assertEquals(AttemptState.LOST, scene.state.attempts(job, 0).getFirst().state());
    assertEquals("node a was rebooted", scene.state.attempts(job, 0).getFirst().reason());
  }

  @Test
  void nobodyDeclaresANodeGoneThatAnswersOrThatHeHasNotVerified() {
    long job = runs(PartitionMode.NEVER);
    assertEquals(
        "NODE_ANSWERS",
        scene.refused(scene.answer(new Input.DeclareNodeGone(Scene.meta(), "a", true))).reason());
    silent("a", null);
    assertEquals(
        "NOT_VERIFIED",
        scene.refused(scene.answer(new Input.DeclareNodeGone(Scene.meta(), "a", false))).reason());
    assertTrue(onA(job));
  }

  // ---- clocks

  @Test
  void jumpsOfTheWallClockGiveNothingUp() {
    long job = runs(PartitionMode.KEEP);
    silent("a", Duration.ZERO);
    scene.now = scene.now.plus(Duration.ofDays(30));
    scene.after(Duration.ofSeconds(1));
    assertTrue(onA(job));
  }

  // ---- failover

  @Test
  void afterAFailoverNothingIsLostForOneGracePeriodAndEveryNodeGetsItsTimeAnew() {
    long job = runs(PartitionMode.KEEP);
    silent("a", Duration.ZERO);
    pass(Duration.ofSeconds(45));
    scene.newLeader();
    scene.after(Duration.ofSeconds(1));
    pass(LOST_AFTER.minusSeconds(1));
    assertTrue(onA(job));
    pass(Duration.ofSeconds(1));
    assertFalse(onA(job));
  }

  // ---- the brake

  @Test
  void whenOverHalfOfTheFleetFallsSilentAtOnceNothingIsLostAndThatIsSaid() {
    long job = runs(PartitionMode.KEEP);
    silent("a", Duration.ZERO);
    silent("b", Duration.ZERO);
    assertEquals(FleetBrake.ON, scene.state.brake);
    pass(Duration.ofHours(1));
    assertTrue(onA(job));
    assertTrue(
        scene.state.cluster().warnings().stream()
            .anyMatch(text -> text.startsWith("2 of 3 nodes fell silent at once, so nothing")),
        () -> "" + scene.state.cluster().warnings());
    assertTrue(scene.nodeView("a").reason().contains("nothing is given up"));
    assertTrue(scene.task(job, 0).reason().contains("nothing is given up"));
  }

  @Test
  void theBrakeHoldsStopTasksToo() {
    long job = runs(PartitionMode.STOP);
    silent("a", Duration.ZERO);
    silent("b", Duration.ZERO);
    pass(Duration.ofHours(1));
    assertTrue(onA(job));
  }

  @Test
  void theBrakeEndsByItselfWhenHalfOfTheFleetIsBack() {
    long job = runs(PartitionMode.KEEP);
    silent("a", Duration.ZERO);
    silent("b", Duration.ZERO);
    pass(Duration.ofMinutes(2));
    scene.on(new Input.NodeBack("uid-b"));
    scene.after(Duration.ofSeconds(1));
    assertEquals(FleetBrake.OFF, scene.state.brake);
    assertFalse(onA(job), "what is silent alone has been so for long enough");
  }

  @Test
  void theBrakeOutlivesAFailover() {
    long job = runs(PartitionMode.KEEP);
    silent("a", Duration.ZERO);
    silent("b", Duration.ZERO);
    pass(Duration.ofMinutes(30));
    scene.newLeader();
    pass(Duration.ofHours(1));
    assertEquals(FleetBrake.ON, scene.state.brake);
    assertTrue(onA(job));
  }

  @Test
  void anOperatorsWordReleasesTheBrakeUntilTheFleetIsBack() {
    long job = runs(PartitionMode.KEEP);
    assertEquals(
        "BRAKE_NOT_ON", scene.refused(scene.answer(new Input.ReleaseBrake(Scene.meta()))).reason());
    silent("a", Duration.ZERO);
    silent("b", Duration.ZERO);
    pass(Duration.ofMinutes(2));
    assertInstanceOf(Answer.Done.class, scene.answer(new Input.ReleaseBrake(Scene.meta())));
    assertFalse(onA(job));
    pass(Duration.ofSeconds(5));
    assertEquals(FleetBrake.RELEASED, scene.state.brake);
    scene.on(new Input.NodeBack("uid-a"));
    scene.on(new Input.NodeBack("uid-b"));
    scene.after(Duration.ofSeconds(1));
    assertEquals(FleetBrake.OFF, scene.state.brake);
  }

  @Test
  void nodesThatDiedOneByOneOverDaysPullNoBrake() {
    long job = runs(PartitionMode.KEEP);
    silent("b", Duration.ZERO);
    pass(LeaseTimes.AT_ONCE.plusSeconds(1));
    silent("a", Duration.ZERO);
    pass(LOST_AFTER);
    assertEquals(FleetBrake.OFF, scene.state.brake);
    assertFalse(onA(job));
  }

  @Test
  void aFleetThatDoesNotComeToTheNextLeaderPullsTheBrake() {
    long job = runs(PartitionMode.KEEP);
    scene.newLeader();
    scene.after(Duration.ofSeconds(1));
    silent("a", null);
    silent("b", null);
    silent("c", null);
    pass(Duration.ofMinutes(10));
    assertEquals(FleetBrake.ON, scene.state.brake);
    assertTrue(onA(job));
  }

  // ---- rejoin

  @Test
  void aNodeThatReturnsKeepsWhatWasNotReplacedAndStopsWhatWas() {
    scene.node("a", 8, 8);
    PartitionPolicy keep = new PartitionPolicy(PartitionMode.KEEP, LOST_AFTER, D);
    PartitionPolicy never = new PartitionPolicy(PartitionMode.NEVER, LOST_AFTER, D);
    long replaced = scene.job(spec("replaced", keep));
    long kept = scene.job(spec("kept", never));
    scene.running(replaced, 0);
    scene.running(kept, 0);
    AttemptStatus first =
        scene.status(replaced, 0, scene.attempt(replaced, 0), AttemptState.RUNNING, null);
    AttemptStatus second =
        scene.status(kept, 0, scene.attempt(kept, 0), AttemptState.RUNNING, null);
    scene.node("b", 8, 8).node("c", 8, 8);
    silent("a", Duration.ZERO);
    pass(Duration.ofMinutes(5));
    assertEquals(NodeState.UNREACHABLE, scene.nodeView("a").state());
    scene.hello(describe("a", 8, 8), first, second);
    scene.inventory("a", first, second);
    assertEquals(List.of(second.uid()), scene.desired("a").stream().map(of -> of.uid()).toList());
    assertEquals(1, scene.effects(Effect.SendDesired.class).size());
    assertEquals(
        List.of(
            new Effect.StopReplaced(
                "uid-a",
                first.uid(),
                "given up while this node was away: attempt 2 runs on node "
                    + scene.attempt(replaced, 0).node())),
        scene.effects(Effect.StopReplaced.class));
    assertEquals(TaskState.RUNNING, scene.taskState(kept, 0));
    assertEquals("a", scene.attempt(kept, 0).node());
    assertEquals(2, scene.attempt(replaced, 0).number());
  }
}

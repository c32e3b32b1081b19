package orch.agent.core;

import static orch.agent.core.Scenario.BOOT;
import static orch.agent.core.Scenario.OTHER_BOOT;
import static orch.agent.core.Scenario.exit;
import static orch.agent.core.Scenario.kind;
import static orch.agent.core.Scenario.order;
import static orch.agent.core.Scenario.uid;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import orch.api.model.AgentMessage;
import orch.api.model.AttemptState;
import orch.api.model.AttemptStatus;
import orch.api.model.ControllerMessage;
import orch.api.model.DesiredAttempt;
import orch.api.model.NodeCapacity;
import orch.api.model.NodeDescription;
import orch.api.model.Result;
import orch.api.model.ResultKind;
import orch.api.model.StageTimes;
import orch.api.model.StopOrder;
import orch.api.model.TimeoutWarning;
import orch.api.model.Uid;
import orch.api.model.UnreadableSpec;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class AgentCoreTest {
  private static final Uid A = uid(1);
  private static final Uid B = uid(2);
  private final Scenario agent = new Scenario();

  @Nested
  class Starting {
    @Test
    void aWantedAttemptIsHandedToTheLauncherOnce() {
      agent.ready().wants(A).expectStarts(A);
      agent.wants(A).expectNothing();
      agent.started(A).expectReport(A, AttemptState.RUNNING);
      agent.wants(A).expectStarts();
    }

    @Test
    void itIsRememberedBeforeTheLauncherHearsOfIt() {
      agent.ready().wants(A);
      List<String> order = agent.did.stream().map(each -> each.getClass().getSimpleName()).toList();
      assertTrue(order.indexOf("Remember") < order.indexOf("Start"), order.toString());
    }

    @Test
    void nobodyIsObeyedBeforeTheJournalWasRead() {
      agent.session();
      assertEquals(1, agent.all(Effect.CloseSession.class).size());
      agent.wants(A).expectNothing();
      agent.input(new Input.SessionClosed()).ready().wants(A).expectStarts(A);
    }

    @Test
    void startsWaitForALauncherThatIsAway() {
      agent.ready().input(new Input.LauncherLost()).wants(A).expectStarts();
      agent.launcher().expectStarts(A);
    }

    @Test
    void anAttemptThatTheJournalClaimsIsNeverStarted() {
      agent.launcher(new Found(A, null, 5, 0, null)).session();
      agent.wants(A).expectStarts();
    }

    @Test
    void anAttemptForAnotherBootIsDropped() {
      agent.ready().orders(false, order(A, OTHER_BOOT, null, Duration.ZERO));
      agent.expectStarts().expectReport(A, AttemptState.DROPPED);
      assertTrue(agent.report(A).reason().contains("boot"));
      assertNull(agent.report(A).result());
    }

    @Test
    void theStartDelayCountsFromTheReceipt() {
      agent.ready().orders(false, order(A, BOOT, null, Duration.ofSeconds(3)));
      agent.expectStarts();
      Effect.SetTimer timer = agent.all(Effect.SetTimer.class).getFirst();
      assertEquals(agent.bootNanos + 3_000_000_000L, timer.atBootNanos());
      agent.passes(Duration.ofSeconds(3)).timer(A, Timer.DELAY).expectStarts(A);
    }

    @Test
    void aStartThatFailsIsReportedWithItsReason() {
      agent.ready().wants(A).startFails(A);
      AttemptStatus status = agent.report(A);
      assertEquals(AttemptState.FAILED, status.state());
      assertEquals("cannot start", status.reason());
      assertEquals(ResultKind.START_FAILED, assertNotNullResult(status).kind());
    }

    @Test
    void aSpecThatWasNotSentAsksForAResync() {
      agent.ready();
      agent.message(
          new ControllerMessage.Desired(
              false, false, List.of(), List.of(order(A, BOOT, null, Duration.ZERO))));
      assertEquals(1, agent.all(Effect.CloseSession.class).size());
      agent.expectStarts();
    }
  }

  @Nested
  class Stopping {
    @Test
    void aStopBeforeTheStartMeansThatItNeverRuns() {
      agent.ready().input(new Input.LauncherLost());
      agent.wants(A).stops(A).expectReport(A, AttemptState.DROPPED);
      assertEquals("cancelled by alice", agent.report(A).reason());
      agent.launcher().expectStarts();
    }

    @Test
    void anAttemptThatComesStoppedNeverRuns() {
      agent.ready().stops(A).expectStarts().expectReport(A, AttemptState.DROPPED);
    }

    @Test
    void aStopDuringTheStartReachesTheShim() {
      agent.ready().wants(A).stops(A).expectStops(A).expectReport(A, AttemptState.STOPPING);
      agent.started(A).exits(A, kind(ResultKind.STOPPED)).expectReport(A, AttemptState.KILLED);
    }

    @Test
    void aStopThatWasTakenBackFromTheQueueIsADrop() {
      agent.ready().wants(A).stops(A).input(new Input.TakenBack(A));
      agent.expectReport(A, AttemptState.DROPPED);
    }

    @Test
    void theSameStopTwiceIsOne() {
      agent.ready().wants(A).started(A).stops(A).expectStops(A);
      agent.stops(A).expectNothing();
    }

    @Test
    void aShorterGraceIsToldToTheShim() {
      agent.ready().wants(A).started(A).stops(A);
      agent.orders(
          false, order(A, BOOT, new StopOrder(Duration.ofSeconds(1), "drained"), Duration.ZERO));
      assertEquals(Duration.ofSeconds(1), agent.all(Effect.Stop.class).getFirst().grace());
    }

    @Test
    void aWantedOrderNeverTakesAStopBack() {
      agent.ready().wants(A).started(A).stops(A).wants(A).expectNothing();
    }

    @Test
    void aStopAfterTheEndOnlySaysTheEndAgain() {
      agent.ready().wants(A).exits(A, exit(3)).stops(A).expectStops();
      agent.expectReport(A, AttemptState.FAILED);
    }

    @Test
    void aStopThatShowsNothingIsAskedForAgainWithNoOtherGrace() {
      agent.ready().wants(A).started(A).stops(A).passes(Duration.ofMinutes(1));
      agent.timer(A, Timer.GRACE);
      assertNull(agent.all(Effect.Stop.class).getFirst().grace());
      assertEquals(1, agent.all(Effect.SetTimer.class).size());
    }

    @Test
    void whatOutlivesTheKillIsReportedAsStuck() {
      agent.ready().wants(A).started(A).stops(A).input(new Input.Stuck(A, 2));
      assertTrue(agent.report(A).reason().startsWith("stuck: 2 processes"));
    }

    @Test
    void aTaskThatEndsByItselfDuringTheStopKeepsItsStatus() {
      agent.ready().wants(A).started(A).stops(A).exits(A, exit(0));
      agent.expectReport(A, AttemptState.SUCCEEDED);
    }
  }

  @Nested
  class Timeouts {
    @Test
    void theShimGetsTheDeadlineAndTheCoreATimer() {
      agent.withTimeout(Duration.ofSeconds(10), null).ready().wants(A);
      assertEquals(
          agent.bootNanos + 10_000_000_000L,
          agent.all(Effect.Start.class).getFirst().deadline().bootNanos());
      agent.started(A);
      assertEquals(
          List.of(new Effect.SetTimer(A, Timer.TIMEOUT, agent.bootNanos + 10_000_000_000L)),
          agent.all(Effect.SetTimer.class));
    }

    @Test
    void aTimeoutStopsItAndSaysSo() {
      agent.withTimeout(Duration.ofSeconds(10), null).ready().wants(A).started(A);
      agent.passes(Duration.ofSeconds(10)).timer(A, Timer.TIMEOUT).expectStops(A);
      agent.exits(A, kind(ResultKind.STOPPED)).expectReport(A, AttemptState.FAILED);
      assertEquals(ResultKind.TIMED_OUT, assertNotNullResult(agent.report(A)).kind());
      assertEquals("timed out", agent.report(A).reason());
    }

    @Test
    void theWarningComesBefore() {
      agent
          .withTimeout(Duration.ofSeconds(10), new TimeoutWarning(12, Duration.ofSeconds(4), false))
          .ready()
          .wants(A)
          .started(A);
      assertTrue(
          agent.did.contains(new Effect.SetTimer(A, Timer.WARN, agent.bootNanos + 6_000_000_000L)));
      agent.passes(Duration.ofSeconds(6)).timer(A, Timer.WARN);
      assertEquals(List.of(new Effect.Signal(A, 12, 1, 0)), agent.did);
    }

    @Test
    void aJumpOfTheWallClockEndsNoTaskBeforeItsTime() {
      agent.withTimeout(Duration.ofSeconds(10), null).ready().wants(A).started(A);
      agent.wallJumpNanos = 3_600_000_000_000L;
      agent.wants(A);
      assertEquals(List.of(), agent.all(Effect.SetTimer.class));
    }

    @Test
    void anAdoptedTaskHasTheRestOfItsTimeWhateverTheWallClockSays() {
      agent.withTimeout(Duration.ofSeconds(10), null);
      agent.wallJumpNanos = 3_600_000_000_000L;
      long start = agent.bootNanos - 4_000_000_000L;
      agent.launcher(new Found(A, null, start, start, null)).session();
      agent.wants(A);
      assertEquals(
          List.of(new Effect.SetTimer(A, Timer.TIMEOUT, agent.bootNanos + 6_000_000_000L)),
          agent.all(Effect.SetTimer.class));
    }
  }

  @Nested
  class Ends {
    @Test
    void exitCodesAreKept() {
      agent.ready().wants(A).started(A).exits(A, exit(42)).expectReport(A, AttemptState.FAILED);
      assertEquals(42, assertNotNullResult(agent.report(A)).siStatus());
      agent.wants(B).exits(B, exit(0)).expectReport(B, AttemptState.SUCCEEDED);
    }

    @Test
    void aSecondEndChangesNothing() {
      agent.ready().wants(A).exits(A, exit(1)).exits(A, exit(0)).expectNothing();
    }

    @Test
    void anEndIsRepeatedUntilItIsForgotten() {
      agent.ready().wants(A).exits(A, exit(0));
      agent.input(new Input.Tick()).expectNothing();
      agent.passes(Duration.ofSeconds(31)).input(new Input.Tick());
      agent.expectReport(A, AttemptState.SUCCEEDED);
      agent.forgets(A).passes(Duration.ofSeconds(31)).input(new Input.Tick()).expectNothing();
    }

    @Test
    void aNewSessionHearsOfEveryEndThatWasNotForgotten() {
      agent.ready().wants(A).exits(A, exit(0)).input(new Input.SessionClosed());
      agent.session().expectReport(A, AttemptState.SUCCEEDED);
    }

    @Test
    void theJournalIsAckedOnlyOnceTheControllerForgets() {
      agent.ready().wants(A).exits(A, exit(0));
      assertEquals(List.of(), agent.all(Effect.Bury.class));
      agent.forgets(A);
      assertEquals(A, agent.all(Effect.Bury.class).getFirst().tombstone().uid());
      agent.forgets(A).expectNothing();
    }

    @Test
    void aBuriedAttemptIsNeverStartedAgainAndTellsHowItEnded() {
      agent.ready().wants(A).exits(A, exit(7)).forgets(A).wants(A).expectStarts();
      assertEquals(7, assertNotNullResult(agent.report(A)).siStatus());
    }

    @Test
    void aForgetOfALivingAttemptIsRefused() {
      agent.ready().wants(A).started(A).forgets(A);
      assertEquals(1, agent.all(Effect.Complain.class).size());
      assertEquals(AttemptState.RUNNING, agent.core.stateOf(A));
    }

    @Test
    void outOfMemoryIsSaidAsSuch() {
      agent.ready().wants(A).started(A).exits(A, kind(ResultKind.OUT_OF_MEMORY));
      assertEquals("out of memory", agent.report(A).reason());
    }
  }

  @Nested
  class Recovery {
    @Test
    void livingTasksAreAdopted() {
      agent.launcher(new Found(A, null, 5, 0, null)).expectReport(A, AttemptState.RUNNING);
      agent.session().exits(A, exit(3)).expectReport(A, AttemptState.FAILED);
    }

    @Test
    void endsThatCameWithoutAnAgentAreReported() {
      agent.launcher(new Found(A, null, 5, 0, new End(exit(9), 5, 6, 7)));
      agent.expectReport(A, AttemptState.FAILED);
      assertEquals("exited with 9", agent.report(A).reason());
    }

    @Test
    void aRebootIsALoss() {
      agent.launcher(new Found(A, null, 5, 0, new End(kind(ResultKind.LOST), 5, 0, 0)));
      agent.expectReport(A, AttemptState.LOST);
      assertEquals("reboot", agent.report(A).reason());
    }

    @Test
    void aStartThatTheDeadConnectionSwallowedIsMadeAgain() {
      agent.ready().wants(A).input(new Input.LauncherLost());
      agent.launcher().expectStarts(A);
    }

    @Test
    void aStartThatWasClaimedBeforeTheConnectionBrokeIsNot() {
      agent.ready().wants(A).input(new Input.LauncherLost());
      agent.launcher(new Found(A, null, 5, 0, null)).expectStarts();
      assertEquals(AttemptState.RUNNING, agent.core.stateOf(A));
    }

    @Test
    void aStopIsSaidAgainToANewLauncher() {
      agent.ready().wants(A).started(A).stops(A).input(new Input.LauncherLost());
      agent.launcher(new Found(A, null, 5, 0, null)).expectStops(A);
    }

    @Test
    void anEndThatWasForgottenButNotAckedIsAckedAgain() {
      agent.ready().wants(A).exits(A, exit(0)).forgets(A);
      agent.launcher(new Found(A, null, 5, 0, new End(exit(0), 5, 6, 7)));
      assertEquals(1, agent.all(Effect.Bury.class).size());
      assertFalse(agent.reports(A));
    }

    @Test
    void aRunningTaskThatTheJournalLostEndsUnknown() {
      agent.ready().wants(A).started(A).input(new Input.LauncherLost()).launcher();
      assertEquals(ResultKind.UNKNOWN, assertNotNullResult(agent.report(A)).kind());
    }
  }

  @Nested
  class Obedience {
    @Test
    void whatAFullSetDoesNotNameIsStopped() {
      agent.ready().wants(A).started(A).wants(B).started(B).wantsOnly(B).expectStops(A);
    }

    @Test
    void aFullSetInPartsCountsWhenItsLastPartIsThere() {
      agent.ready().wants(A).started(A).wants(B).started(B);
      agent.message(
          new ControllerMessage.Desired(
              true, false, List.of(), List.of(order(A, BOOT, null, Duration.ZERO))));
      agent.expectStops();
      agent.message(
          new ControllerMessage.Desired(
              true, true, List.of(), List.of(order(B, BOOT, null, Duration.ZERO))));
      agent.expectStops();
    }

    @Test
    void halfAFullSetOfADeadSessionIsForgotten() {
      agent.ready().wants(A).started(A);
      agent.message(
          new ControllerMessage.Desired(
              true, false, List.of(), List.of(order(A, BOOT, null, Duration.ZERO))));
      agent.input(new Input.SessionClosed()).session().wantsOnly().expectStops(A);
    }

    @Test
    void afterARestoreWhatIsUnknownIsHeldNotStopped() {
      agent.ready().wants(A).started(A);
      agent.incarnation = 2;
      agent.message(new ControllerMessage.Welcome(Duration.ofSeconds(1), false, "", 2));
      agent.wantsOnly().expectStops().expectReport(A, AttemptState.RUNNING);
      assertTrue(agent.report(A).reason().startsWith("held"));
      agent.stops(A).expectStops(A);
    }

    /** As a newer controller sends a spec with fields that this agent does not know. */
    private void wantsUnreadable(Uid uid, @Nullable StopOrder stop) {
      UnreadableSpec spec =
          new UnreadableSpec(
              NEWER_JOB, 1, "default", "web", 43, "stop.999: is a field of a newer version");
      agent.message(
          new ControllerMessage.Desired(
              false, false, List.of(), List.of(ofNewerJob(uid, stop)), List.of(spec)));
    }

    private static final Uid NEWER_JOB = new Uid(1, 1, 1_001);

    private static DesiredAttempt ofNewerJob(Uid uid, @Nullable StopOrder stop) {
      DesiredAttempt like = order(uid, BOOT, stop, Duration.ZERO);
      return new DesiredAttempt(
          uid,
          NEWER_JOB,
          1,
          like.index(),
          1,
          BOOT,
          stop,
          Duration.ZERO,
          new TreeMap<>(),
          like.fencingToken(),
          "",
          "",
          0,
          StageTimes.NONE);
    }

    @Test
    void anAttemptWhoseSpecIsOfANewerVersionIsRefusedAndTheOthersRunOn() {
      agent.ready().wants(A).started(A);
      wantsUnreadable(B, null);
      AttemptStatus refused = agent.report(B);
      assertEquals(AttemptState.FAILED, refused.state());
      assertEquals(
          "cannot start web/2@1: this agent is older than what the job asks for (stop.999: is a"
              + " field of a newer version); upgrade the agent, or place the job on nodes whose"
              + " agents are newer",
          refused.reason());
      Result result = refused.result();
      assertTrue(result != null && result.kind() == ResultKind.START_FAILED);
      assertEquals(43, refused.jobNumber());
      assertEquals(List.of(), agent.all(Effect.CloseSession.class));
      agent.expectStarts().expectStops();
      // Said again, by a resync for example, it is not started either.
      wantsUnreadable(B, null);
      agent.expectStarts();
      agent.wants(uid(3)).expectStarts(uid(3));
      agent.forgets(B).expectStarts();
      assertEquals(
          List.of(B),
          agent.all(Effect.Bury.class).stream().map(each -> each.tombstone().uid()).toList());
    }

    @Test
    void aRunningAttemptWhoseSpecBecameUnreadableRunsOnAndCanBeStopped() {
      agent.launcher(new Found(B, null, 5, 0, null)).session();
      wantsUnreadable(B, null);
      agent.expectStops();
      assertEquals(AttemptState.RUNNING, agent.core.stateOf(B));
      wantsUnreadable(B, new StopOrder(null, "cancelled by alice"));
      agent.expectStops(B);
    }

    @Test
    void anOlderEpochIsNotObeyed() {
      agent.epoch = 5;
      agent.ready().wants(A).started(A);
      agent.epoch = 4;
      agent.stops(A).expectStops();
      assertEquals(1, agent.all(Effect.CloseSession.class).size());
      agent.stops(A).expectNothing();
    }

    @Test
    void anotherClusterIsNotObeyed() {
      agent.ready().wants(A).started(A).input(new Input.SessionClosed());
      agent.cluster = "c2";
      agent.session().expectStops();
      assertTrue(agent.all(Effect.CloseSession.class).getFirst().why().contains("c2"));
    }

    @Test
    void aClusterThatAdoptsTheNodeIsObeyedAndWhatRunsIsHeld() {
      agent.ready().wants(A).started(A).input(new Input.SessionClosed());
      agent.cluster = "c2";
      agent.incarnation = 2;
      agent.message(
          new ControllerMessage.Welcome(Duration.ofSeconds(1), true, Scenario.CLUSTER, 2));
      assertEquals(List.of(new Effect.Obey("c2", 2, 1)), agent.all(Effect.Obey.class));
      agent.wantsOnly().expectStops();
      assertTrue(agent.report(A).reason().startsWith("held"));
    }

    @Test
    void afterARestoreWhatMayHaveRunIsNotStartedAgain() {
      agent.launcher();
      agent.incarnation = 2;
      agent.message(new ControllerMessage.Welcome(Duration.ofSeconds(1), true, "", 2));
      agent.wants(A);
      assertEquals(List.of(), agent.starts());
      AttemptStatus report = agent.report(A);
      assertEquals(AttemptState.FAILED, report.state());
      assertTrue(report.reason().contains("it may have run"), report.reason());
    }

    @Test
    void anIncarnationThatWasRaisedForAnotherNodeHoldsNothingAndStartsWhatWasPlacedBefore() {
      agent.ready().wants(A).started(A).input(new Input.SessionClosed());
      agent.incarnation = 2;
      agent.session().wants(B);
      assertEquals(List.of(B), agent.starts());
      agent.wantsOnly(B).expectStops(A);
    }

    @Test
    void aClusterWhoseUidsCouldBeLikeKnownOnesDoesNotAdoptTheNode() {
      agent.ready().wants(A).started(A).input(new Input.SessionClosed());
      agent.cluster = "c2";
      agent.message(new ControllerMessage.Welcome(Duration.ofSeconds(1), true, Scenario.CLUSTER));
      assertEquals(List.of(), agent.all(Effect.Obey.class));
      assertEquals(1, agent.all(Effect.CloseSession.class).size());
    }

    @Test
    void whatWasReplacedMeanwhileIsStoppedAndItsReasonSaysBy() {
      agent.ready().wants(A).started(A);
      agent.message(new ControllerMessage.StopReplaced(A, "given up: attempt 2 runs on node b"));
      agent.expectStops(A).exits(A, kind(ResultKind.STOPPED));
      assertEquals("given up: attempt 2 runs on node b", agent.report(A).reason());
      agent.message(new ControllerMessage.StopReplaced(A, "again")).expectNothing();
    }

    @Test
    void theLeaderIsWrittenDownBeforeItIsObeyed() {
      agent.launcher().wants(A);
      assertEquals(new Effect.Obey(Scenario.CLUSTER, 1, 1), agent.did.getFirst());
      agent.wants(B);
      assertEquals(List.of(), agent.all(Effect.Obey.class));
    }
  }

  @Nested
  class Inventories {
    @Test
    void theInventoryComesInParts() {
      agent.ready();
      int attempts = AgentCore.INVENTORY_PART + 1;
      for (int i = 1; i <= attempts; i++) {
        agent.wants(uid(i)).started(uid(i));
      }
      agent.message(new ControllerMessage.Welcome(Duration.ofSeconds(1), true));
      List<AgentMessage.Inventory> parts = new ArrayList<>();
      for (Effect.Send send : agent.all(Effect.Send.class)) {
        if (send.message() instanceof AgentMessage.Inventory part) {
          parts.add(part);
        }
      }
      assertEquals(List.of(false, true), parts.stream().map(AgentMessage.Inventory::last).toList());
      assertEquals(attempts, parts.stream().mapToInt(part -> part.attempts().size()).sum());
    }

    @Test
    void theHashTellsWhetherAnythingChanged() {
      agent.ready().wants(A);
      AgentMessage.Hello before = agent.core.hello(node());
      assertEquals(1, before.inventoryCount());
      agent.started(A);
      assertFalse(before.inventoryHash() == agent.core.hello(node()).inventoryHash());
      assertEquals(42, agent.core.hello(node()).highestJobNumber());
      assertEquals(Scenario.CLUSTER, agent.core.hello(node()).clusterId());
    }
  }

  private static orch.api.model.Result assertNotNullResult(AttemptStatus status) {
    assertNotNull(status.result());
    return java.util.Objects.requireNonNull(status.result());
  }

  private static NodeDescription node() {
    return new NodeDescription(
        "n1",
        "node",
        "m",
        BOOT,
        "1",
        new java.util.TreeMap<>(),
        new java.util.TreeMap<>(),
        new NodeCapacity(1, 1, 1, new java.util.TreeMap<>()),
        List.of(),
        "root");
  }
}

package orch.agent.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import orch.api.model.AttemptState;
import orch.api.model.PartitionMode;
import orch.api.model.Result;
import orch.api.model.ResultKind;
import orch.api.model.Uid;
import org.junit.jupiter.api.Test;

/** Tasks of {@code partition: stop} live by leases; the others never hear of them. */
final class LeaseTest {
  private static final Uid A = Scenario.uid(1);
  private static final Uid B = Scenario.uid(2);
  private static final Duration D = Duration.ofSeconds(30);
  private static final Duration BEAT = Duration.ofSeconds(2);

  private final Scenario agent = new Scenario().withPartition(PartitionMode.STOP, D);

  /** A session whose first heartbeat was answered with a lease; when that heartbeat was sent. */
  private long leased() {
    agent.ready().beats();
    long sent = agent.bootNanos;
    agent.passes(Duration.ofMillis(100)).answers(true);
    return sent;
  }

  private static Deadline lease(Uid uid, long sent) {
    return new Deadline(uid, sent + D.toNanos(), true);
  }

  // ---- the start

  @Test
  void aTaskIsNotStartedBeforeALeaderGaveALease() {
    agent.ready().wants(A).expectStarts();
    agent.beats().answers(false).expectStarts();
    agent.passes(BEAT).beats().answers(true).expectStarts(A);
  }

  @Test
  void aTaskOfAnotherModeNeedsNoLease() {
    agent.withPartition(PartitionMode.KEEP, D).ready().wants(A).expectStarts(A);
    assertEquals(Deadline.none(A), agent.all(Effect.Start.class).getFirst().deadline());
  }

  @Test
  void theFirstDeadlineIsPartOfTheStartAndCountsFromTheHeartbeatsSending() {
    long sent = leased();
    agent.wants(A).expectStarts(A);
    assertEquals(lease(A, sent), agent.all(Effect.Start.class).getFirst().deadline());
  }

  @Test
  void anOrderThatComesAfterTheLeaseIsNotObeyedUntilThereIsAnother() {
    leased();
    agent.passes(D).wants(A).expectStarts();
    agent.beats().answers(true).expectStarts(A);
  }

  @Test
  void aTimeoutThatComesBeforeTheLeaseIsThePlainDeadlineOfTheStart() {
    long sent = leased();
    agent.withTimeout(Duration.ofSeconds(5), null).wants(A);
    assertEquals(
        new Deadline(A, agent.bootNanos + 5_000_000_000L, false),
        agent.all(Effect.Start.class).getFirst().deadline());
    agent.withTimeout(Duration.ofSeconds(60), null).wants(B);
    assertEquals(lease(B, sent), agent.all(Effect.Start.class).getFirst().deadline());
  }

  // ---- renewal

  @Test
  void leasesAreRenewedInOneBatchOnceTheyAreAQuarterOld() {
    leased();
    agent.wants(A).started(A).wants(B).started(B);
    agent.passes(BEAT).beats().answers(true);
    long sent = agent.bootNanos;
    assertEquals(List.of(new Effect.Renew(List.of(lease(A, sent), lease(B, sent)))), renews());
    for (int i = 0; i < 3; i++) {
      agent.passes(BEAT).beats().answers(true);
      assertEquals(List.of(), agent.renewals(), "younger than a quarter of the lease");
    }
    agent.passes(BEAT).beats().answers(true);
    assertEquals(2, agent.renewals().size());
  }

  private List<Effect.Renew> renews() {
    return agent.all(Effect.Renew.class);
  }

  @Test
  void onlyTasksOfModeStopAreRenewed() {
    leased();
    agent.wants(A).started(A);
    agent.withPartition(PartitionMode.NEVER, D);
    agent.message(
        new orch.api.model.ControllerMessage.Desired(
            false,
            false,
            List.of(
                new orch.api.model.SpecDefinition(
                    Scenario.JOB, 2, agent.spec, "default", "web", 42, "", "", 10)),
            List.of()));
    agent.passes(Duration.ofSeconds(10)).beats().answers(true);
    assertEquals(List.of(A), agent.renewals().stream().map(Deadline::uid).toList());
  }

  @Test
  void anAnswerWithoutALeaseProlongsNothing() {
    long sent = leased();
    agent.wants(A).started(A);
    agent.passes(Duration.ofSeconds(10)).beats().answers(false);
    assertEquals(List.of(lease(A, sent)), agent.renewals());
    agent.passes(Duration.ofSeconds(10)).beats().answers(false);
    assertEquals(List.of(), agent.renewals());
  }

  @Test
  void theShimsGetTheLastWordExactlyWhenAnAnswerIsOverdue() {
    leased();
    agent.wants(A).started(A);
    agent.passes(BEAT).beats().answers(true);
    agent.passes(BEAT).beats().answers(true);
    long last = agent.bootNanos;
    agent.passes(BEAT).beats();
    assertEquals(List.of(), agent.renewals());
    agent.passes(BEAT).beats();
    assertEquals(List.of(lease(A, last)), agent.renewals());
  }

  @Test
  void theShimsGetTheLastWordExactlyWhenTheSessionBreaks() {
    leased();
    agent.wants(A).started(A);
    agent.passes(BEAT).beats().answers(true);
    agent.passes(BEAT).beats().answers(true);
    long last = agent.bootNanos;
    agent.input(new Input.SessionClosed());
    assertEquals(List.of(lease(A, last)), agent.renewals());
  }

  @Test
  void aLateAnswerCountsFromItsOwnHeartbeatAndNeverShortensALease() {
    leased();
    agent.wants(A).started(A);
    agent.passes(Duration.ofSeconds(10)).beats();
    long second = agent.bootNanos;
    agent.passes(Duration.ofSeconds(10)).beats();
    long third = agent.bootNanos;
    agent.answers(2, true);
    assertEquals(List.of(lease(A, second)), agent.renewals());
    agent.answers(3, true);
    assertEquals(List.of(lease(A, third)), agent.renewals());
    agent.answers(2, true);
    assertEquals(List.of(), agent.renewals());
  }

  @Test
  void anAnswerOfADeposedLeaderIsNoLease() {
    leased();
    agent.wants(A).started(A);
    agent.epoch = 2;
    agent.session();
    agent.epoch = 1;
    agent.passes(Duration.ofSeconds(10)).beats().answers(true);
    assertEquals(List.of(), agent.renewals());
    assertFalse(agent.all(Effect.CloseSession.class).isEmpty());
  }

  @Test
  void aTaskThatIsBeingStoppedIsNotRenewed() {
    leased();
    agent.wants(A).started(A).stops(A);
    agent.passes(Duration.ofSeconds(10)).beats().answers(true);
    assertEquals(List.of(), agent.renewals());
  }

  // ---- an agent that was restarted

  @Test
  void anAgentThatWasRestartedRenewsWhatItFindsOnceALeaderAnswers() {
    leased();
    agent.wants(A);
    KnownAttempt known = agent.all(Effect.Remember.class).getFirst().attempt();
    agent.core = new AgentCore(Scenario.BOOT, new Obeyed(Scenario.CLUSTER, 1, 1), List.of());
    agent.launcher(new Found(A, known, agent.bootNanos, 0, null)).session();
    assertTrue(agent.core.leased());
    agent.beats();
    assertEquals(List.of(), agent.renewals());
    agent.answers(true);
    assertEquals(List.of(lease(A, agent.bootNanos)), agent.renewals());
  }

  // ---- the end

  @Test
  void theEndSaysThatThereWasNoLease() {
    leased();
    agent.wants(A).started(A).passes(D).exits(A, Scenario.kind(ResultKind.NO_LEASE));
    agent.expectReport(A, AttemptState.KILLED);
    assertEquals("no lease for 30 s: its node could reach no leader", agent.report(A).reason());
  }

  @Test
  void whatNoShimGuardsIsStoppedByTheAgentRightAfterItsLease() {
    leased();
    agent.wants(A).started(A);
    agent.passes(D.minusMillis(100)).input(new Input.LeaseTick()).expectNothing();
    agent.passes(Duration.ofMillis(600)).input(new Input.LeaseTick()).expectStops(A);
    agent.input(new Input.LeaseTick()).expectNothing();
    agent.exits(A, Scenario.kind(ResultKind.STOPPED)).expectReport(A, AttemptState.KILLED);
    Result result = agent.report(A).result();
    assertEquals(ResultKind.NO_LEASE, result == null ? null : result.kind());
  }

  @Test
  void tasksOfTheOtherModesRunOnWithoutALeader() {
    agent.withPartition(PartitionMode.KEEP, D).ready().wants(A).started(A);
    agent.withPartition(PartitionMode.NEVER, D).wants(B).started(B);
    agent.input(new Input.SessionClosed()).expectNothing();
    agent.passes(Duration.ofHours(1)).input(new Input.LeaseTick()).expectNothing();
  }

  @Test
  void jumpsOfTheWallClockNeitherEndNorProlongALease() {
    leased();
    agent.wants(A).started(A);
    agent.wallJumpNanos = Duration.ofDays(365).toNanos();
    agent.input(new Input.LeaseTick()).expectNothing();
    agent.wallJumpNanos = -agent.wallJumpNanos;
    agent.passes(D.plusSeconds(1)).input(new Input.LeaseTick()).expectStops(A);
  }
}

package orch.agent.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import orch.api.model.AttemptState;
import orch.api.model.ResultKind;
import orch.api.model.Uid;
import org.junit.jupiter.api.Test;

/** In which order a node's tasks are stopped, and what becomes of those that take too long. */
class ShutdownTest {
  private static final Uid A = Scenario.uid(1);
  private static final Uid B = Scenario.uid(2);
  private static final Uid C = Scenario.uid(3);
  private static final Uid D = Scenario.uid(4);

  private static KnownAttempt known(Uid uid, int priority, boolean service) {
    return new KnownAttempt(
        uid,
        Scenario.JOB,
        42,
        "default",
        "web",
        0,
        1,
        "",
        "",
        false,
        Duration.ofDays(7),
        Duration.ZERO,
        priority,
        service,
        false);
  }

  private static Found found(KnownAttempt known) {
    return new Found(known.uid(), known, 1, 0, null);
  }

  private static Scenario fourThatRun() {
    return new Scenario()
        .launcher(
            found(known(A, 50, true)),
            found(known(B, 50, false)),
            found(known(C, 10, true)),
            found(known(D, 50, false)));
  }

  private static Scenario shutDown(Scenario of, Duration within) {
    return of.input(new Input.ShutDown(of.bootNanos + within.toNanos()));
  }

  private static Scenario exits(Scenario of, Uid uid) {
    return of.exits(uid, Scenario.kind(ResultKind.STOPPED));
  }

  private static List<Effect.Stop> kills(Scenario of) {
    return of.all(Effect.Stop.class).stream()
        .filter(each -> Duration.ZERO.equals(each.grace()))
        .toList();
  }

  @Test
  void theLowestPriorityHasTheFirstTurnAndBatchIsBeforeServices() {
    KnownAttempt low = known(C, 10, true);
    KnownAttempt batch = known(B, 50, false);
    KnownAttempt alike = known(D, 50, false);
    KnownAttempt service = known(A, 50, true);
    List<KnownAttempt> all = List.of(service, batch, low, alike);
    assertEquals(List.of(low), Shutdown.turn(all, known -> false));
    assertEquals(List.of(batch, alike), Shutdown.turn(all, known -> known.equals(low)));
    assertEquals(List.of(service), Shutdown.turn(List.of(service), known -> false));
    assertEquals(List.of(), Shutdown.turn(all, known -> true));
  }

  @Test
  void eachRankIsStoppedByItsOwnSequenceWhenTheOneBeforeHasEnded() {
    Scenario of = shutDown(fourThatRun(), Duration.ofMinutes(1)).expectStops(C);
    assertEquals(List.of(), kills(of));
    exits(of, C).expectStops(B, D);
    exits(of, D).expectStops();
    exits(of, B).expectStops(A);
    exits(of, A);
    assertEquals(ResultKind.EVICTED, of.report(A).result().kind());
    assertEquals(AttemptState.KILLED, of.report(A).state());
    assertEquals(Shutdown.REASON, of.report(A).reason());
    assertEquals(0, of.core.live());
  }

  @Test
  void itsEndsAreOwedUntilAControllerHasThem() {
    Scenario of = new Scenario().launcher(found(known(A, 50, true)));
    shutDown(of, Duration.ofMinutes(1));
    assertFalse(of.core.owesReports());
    exits(of, A);
    assertTrue(of.core.owesReports());
    of.session().forgets(A);
    assertFalse(of.core.owesReports());
  }

  @Test
  void theNextAgentKnowsWhyTheJournalSaysStopped() {
    Scenario of = shutDown(fourThatRun(), Duration.ofMinutes(1)).expectStops(C);
    KnownAttempt remembered = of.all(Effect.Remember.class).getFirst().attempt();
    assertTrue(remembered.nodeStops());
    End end = new End(Scenario.kind(ResultKind.STOPPED), 1, 2, 2);
    Scenario next = new Scenario().launcher(new Found(C, remembered, 1, 0, end));
    assertEquals(ResultKind.EVICTED, next.report(C).result().kind());
    assertEquals(Shutdown.REASON, next.report(C).reason());
  }

  @Test
  void whatStillLivesAtTheDeadlineIsKilledOnce() {
    Scenario of = shutDown(fourThatRun(), Duration.ofMinutes(1));
    of.passes(Duration.ofMinutes(1)).input(new Input.Tick()).expectStops(A, B, C, D);
    assertEquals(4, kills(of).size());
    of.input(new Input.Tick()).expectStops();
    exits(of, C);
    assertEquals(Shutdown.REASON, of.report(C).reason());
    exits(of, A);
    assertEquals(Shutdown.OUT_OF_TIME, of.report(A).reason());
    assertEquals(ResultKind.EVICTED, of.report(A).result().kind());
  }

  @Test
  void askedAgainItKillsAtOnceAndIsNeverPutOff() {
    Scenario sooner = shutDown(fourThatRun(), Duration.ofMinutes(1));
    shutDown(sooner, Duration.ZERO).expectStops(A, B, C, D);
    Scenario later = shutDown(fourThatRun(), Duration.ofMinutes(1));
    shutDown(later, Duration.ofHours(1)).passes(Duration.ofMinutes(1)).input(new Input.Tick());
    assertEquals(4, kills(later).size());
  }

  @Test
  void nobodyWaitsForOneThatIsStuck() {
    Scenario of = shutDown(fourThatRun(), Duration.ofMinutes(1)).expectStops(C);
    of.input(new Input.Stuck(C, 1)).expectStops(B, D);
  }

  @Test
  void nothingIsStartedAndWhatIsBeingStartedIsStoppedOnceItRuns() {
    Scenario of = new Scenario().ready().wants(A).expectStarts(A);
    shutDown(of, Duration.ofMinutes(1)).expectStops();
    of.wants(B).expectStarts();
    assertEquals(AttemptState.PLACED, of.core.states().get(B));
    of.started(A).expectStops(A);
    exits(of, A);
    assertEquals(0, of.core.live());
  }

  @Test
  void withoutALauncherItWaitsForOne() {
    Scenario of = shutDown(new Scenario(), Duration.ofMinutes(1)).expectStops();
    of.launcher(found(known(A, 50, true))).expectStops(A);
  }
}

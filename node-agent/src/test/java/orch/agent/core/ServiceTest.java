package orch.agent.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import orch.api.model.AttemptState;
import orch.api.model.ControllerMessage;
import orch.api.model.HealthCheck;
import orch.api.model.HealthChecks;
import orch.api.model.Probe;
import orch.api.model.Readiness;
import orch.api.model.ResultKind;
import orch.api.model.StopOrder;
import orch.api.model.StopPolicy;
import orch.api.model.Uid;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What a task says of itself, and what it does not say in time. */
class ServiceTest {
  private static final Uid A = Scenario.uid(1);
  private static final Duration MINUTE = Duration.ofMinutes(1);
  private static final HealthCheck TEN_TIMES_THREE = check(Duration.ofSeconds(10), 3);

  private static HealthCheck check(Duration period, int failures) {
    return new HealthCheck(new Probe.Notify(), period, Duration.ofSeconds(1), failures);
  }

  private static Scenario running(HealthChecks health) {
    return new Scenario().withHealth(health).ready().wants(A).started(A);
  }

  private static Scenario readying() {
    return running(new HealthChecks(null, TEN_TIMES_THREE, null));
  }

  private static Scenario watched() {
    return running(new HealthChecks(null, null, check(Duration.ofSeconds(2), 2)));
  }

  private static Notification says(boolean ready, @Nullable String status) {
    return new Notification(ready, false, false, status, 0, false, false, 0, 0);
  }

  private static Notification ping() {
    return new Notification(false, false, false, null, 0, true, false, 0, 0);
  }

  private static Notification extend(Duration by) {
    return new Notification(false, false, false, null, 0, false, false, 0, by.toNanos() / 1_000);
  }

  private static Scenario hears(Scenario of, Notification what) {
    return of.input(new Input.Notified(A, what));
  }

  @Test
  void aTaskIsNotReadyUntilItSaysSo() {
    Scenario of = readying();
    assertEquals(Readiness.NOT_READY, of.report(A).readiness());
    hears(of, says(true, "serving"));
    assertEquals(Readiness.READY, of.report(A).readiness());
    assertEquals("serving", of.report(A).statusText());
    assertEquals(AttemptState.RUNNING, of.report(A).state());
  }

  @Test
  void aTaskWhoseJobDeclaresNothingIsNeitherReadyNorNot() {
    assertEquals(Readiness.UNDECLARED, watched().report(A).readiness());
  }

  @Test
  void whatWasSaidBeforeTheStartWasSeenCounts() {
    Scenario of =
        new Scenario().withHealth(new HealthChecks(null, TEN_TIMES_THREE, null)).ready().wants(A);
    hears(of, says(true, null)).started(A);
    assertEquals(Readiness.READY, of.report(A).readiness());
  }

  @Test
  void oneThatIsNotReadyInTimeIsStoppedAndFailsWithTheReason() {
    Scenario of = hears(readying(), says(false, "loading")).passes(Duration.ofSeconds(30));
    of.timer(A, Timer.READY);
    assertEquals(List.of(A), of.stopsSent());
    of.exits(A, Scenario.kind(ResultKind.STOPPED));
    assertEquals(AttemptState.FAILED, of.report(A).state());
    assertEquals(ResultKind.UNHEALTHY, of.report(A).result().kind());
    assertEquals(
        "not ready in time: no READY=1 30 s after its start (it said: loading)",
        of.report(A).reason());
  }

  @Test
  void oneThatAsksForMoreTimeGetsIt() {
    Scenario of = readying().passes(Duration.ofSeconds(29));
    hears(of, extend(Duration.ofSeconds(20))).passes(Duration.ofSeconds(2)).timer(A, Timer.READY);
    assertEquals(List.of(), of.stopsSent());
    of.passes(Duration.ofSeconds(18)).timer(A, Timer.READY);
    assertEquals(List.of(A), of.stopsSent());
  }

  @Test
  void anExtensionNeverShortensTheTime() {
    Scenario of = hears(readying(), extend(Duration.ofMillis(1)));
    of.passes(Duration.ofSeconds(29)).timer(A, Timer.READY);
    assertEquals(List.of(), of.stopsSent());
  }

  private static List<Effect.ExtendStop> extensions(Scenario of) {
    return hears(of, extend(MINUTE)).all(Effect.ExtendStop.class);
  }

  @Test
  void oneThatIsStoppedMayAskForMoreTimeToEnd() {
    Scenario of = watched().stops(A);
    assertEquals(
        List.of(new Effect.ExtendStop(A, MINUTE, StopPolicy.BATCH_DEFAULT.maxGrace())),
        extensions(of));
    assertEquals(
        "it asked for 60 s more to end; its stop may take 600 s in all",
        of.all(Effect.Happened.class).getFirst().message());
    assertEquals(1, extensions(of).size());
    assertEquals(List.of(), of.all(Effect.Happened.class));
  }

  @Test
  void anAgentThatTakesOverKeepsToTheStopThatWasDrawnOut() {
    Scenario of = new Scenario().withHealth(new HealthChecks(null, TEN_TIMES_THREE, null));
    of.launcher(new Found(A, null, 1, 0, null)).session().stops(A);
    assertNull(of.all(Effect.Stop.class).getFirst().grace());
    assertEquals(1, extensions(of).size());
  }

  @Test
  void onlyAStopThatWasOrderedWithoutAGraceOfItsOwnIsDrawnOut() {
    assertEquals(List.of(), extensions(watched()), "it runs");
    Scenario said = watched();
    StopOrder soon = new StopOrder(MINUTE, "cancelled by alice");
    said.orders(false, Scenario.order(A, Scenario.BOOT, soon, Duration.ZERO));
    assertEquals(List.of(), extensions(said), "a grace was said");
    Scenario evicted = watched();
    evicted.input(new Input.Evicted(A, "evicted: memory pressure on the host"));
    assertEquals(List.of(), extensions(evicted), "memory is short");
    Scenario late = watched().timer(A, Timer.TIMEOUT);
    assertEquals(List.of(A), late.stopsSent());
    assertEquals(List.of(), extensions(late.stops(A)), "its time is over");
    Scenario replaced = watched();
    replaced.message(new ControllerMessage.StopReplaced(A, "replaced"));
    assertEquals(List.of(A), replaced.stopsSent());
    assertEquals(List.of(), extensions(replaced), "another of it runs");
  }

  @Test
  void theStartupCheckGoesBeforeTheReadinessCheck() {
    Scenario of =
        running(new HealthChecks(check(Duration.ofSeconds(60), 2), TEN_TIMES_THREE, null));
    of.passes(Duration.ofSeconds(100)).timer(A, Timer.READY);
    assertEquals(List.of(), of.stopsSent());
  }

  @Test
  void aMissedWatchdogRestartsByTheJobsPolicy() {
    Scenario of = watched().passes(Duration.ofSeconds(3));
    hears(of, ping()).passes(Duration.ofSeconds(2)).timer(A, Timer.WATCHDOG);
    assertEquals(List.of(), of.stopsSent());
    of.passes(Duration.ofSeconds(2)).timer(A, Timer.WATCHDOG);
    assertEquals(List.of(A), of.stopsSent());
    of.exits(A, Scenario.kind(ResultKind.STOPPED));
    assertEquals(ResultKind.UNHEALTHY, of.report(A).result().kind());
    assertEquals("watchdog: not heard of for 4 s", of.report(A).reason());
  }

  @Test
  void whatStandsStillMissesNoWatchdogAndLosesNoTimeToBecomeReady() {
    Scenario of = watched().input(new Input.FrozenForMemory(A, true));
    of.passes(Duration.ofMinutes(1)).timer(A, Timer.WATCHDOG);
    assertEquals(List.of(), of.stopsSent());
    of.input(new Input.FrozenForMemory(A, false));
    assertTrue(of.all(Effect.SetTimer.class).stream().anyMatch(t -> t.timer() == Timer.WATCHDOG));
    of.passes(Duration.ofSeconds(3)).timer(A, Timer.WATCHDOG);
    assertEquals(List.of(), of.stopsSent());
    of.passes(Duration.ofSeconds(1)).timer(A, Timer.WATCHDOG);
    assertEquals(List.of(A), of.stopsSent());

    Scenario starts = readying().passes(Duration.ofSeconds(29));
    starts.input(new Input.Frozen(A, true, "")).passes(Duration.ofHours(1));
    starts.timer(A, Timer.READY);
    assertEquals(List.of(), starts.stopsSent());
    starts.input(new Input.Frozen(A, false, "")).timer(A, Timer.READY);
    assertEquals(List.of(), starts.stopsSent());
    starts.passes(Duration.ofSeconds(1)).timer(A, Timer.READY);
    assertEquals(List.of(A), starts.stopsSent());
  }

  @Test
  void aTaskMaySetItsOwnWatchdogAndTriggerIt() {
    Scenario of = watched();
    hears(of, new Notification(false, false, false, null, 0, false, false, 500_000, 0));
    of.passes(Duration.ofMillis(600)).timer(A, Timer.WATCHDOG);
    assertEquals(List.of(A), of.stopsSent());
    Scenario triggers = watched();
    hears(triggers, new Notification(false, false, false, null, 0, false, true, 0, 0));
    assertEquals(List.of(A), triggers.stopsSent());
  }

  @Test
  void theWatchdogBeginsOnceTheTaskIsReady() {
    Scenario of = running(new HealthChecks(null, TEN_TIMES_THREE, check(Duration.ofSeconds(1), 1)));
    of.passes(Duration.ofSeconds(20)).timer(A, Timer.WATCHDOG);
    assertEquals(List.of(), of.stopsSent());
    hears(of, says(true, null));
    assertTrue(of.all(Effect.SetTimer.class).stream().anyMatch(t -> t.timer() == Timer.WATCHDOG));
    of.passes(Duration.ofMillis(1_500)).timer(A, Timer.WATCHDOG);
    assertEquals(List.of(A), of.stopsSent());
  }

  @Test
  void oneThatSaysThatItStopsIsNotReadyAndHasNoWatchdog() {
    Scenario of = hears(readying(), says(true, null));
    hears(of, new Notification(false, false, true, null, 0, false, false, 0, 0));
    assertEquals(Readiness.NOT_READY, of.report(A).readiness());
    assertEquals("stopping", of.report(A).statusText());
    assertEquals(1, of.all(Effect.Happened.class).size());
    hears(of, new Notification(false, false, true, "flushing", 0, false, false, 0, 0));
    assertEquals(List.of(), of.all(Effect.Happened.class), "it has said so before");
    of.passes(Duration.ofHours(1)).timer(A, Timer.READY).timer(A, Timer.WATCHDOG);
    assertEquals(List.of(), of.stopsSent());
  }

  @Test
  void aFloodOfStatusLinesIsToldOnceASecond() {
    Scenario of = hears(readying(), says(true, "0 %"));
    int reports = 0;
    for (int i = 1; i <= 100; i++) {
      hears(of, says(false, i + " %")).passes(Duration.ofMillis(1));
      reports += of.reports(A) ? 1 : 0;
    }
    assertEquals(0, reports);
    of.passes(ServiceMachine.TEXT_PAUSE).timer(A, Timer.TEXT);
    assertEquals("100 %", of.report(A).statusText());
  }

  @Test
  void anAgentThatTakesOverBelievesWhatWasRemembered() {
    Scenario of = new Scenario().withHealth(new HealthChecks(null, TEN_TIMES_THREE, null));
    of.launcher(new Found(A, null, 1, 0, null)).session();
    hears(of, Notification.remembered(true, "serving", 0));
    of.wants(A).passes(Duration.ofHours(1)).timer(A, Timer.READY);
    assertEquals(List.of(), of.stopsSent());
    hears(of, says(false, "still serving"));
    assertEquals(Readiness.READY, of.report(A).readiness());
  }

  @Test
  void oneThatIsEvictedSaysWhy() {
    Scenario of = watched();
    of.input(new Input.Evicted(A, "evicted: memory pressure on the host"));
    assertEquals(List.of(A), of.stopsSent());
    of.exits(A, Scenario.kind(ResultKind.STOPPED));
    assertEquals(ResultKind.EVICTED, of.report(A).result().kind());
    assertEquals("evicted: memory pressure on the host", of.report(A).reason());
    assertEquals(AttemptState.KILLED, of.report(A).state());
  }

  @Test
  void aStopThatWasAskedForBeatsAnEviction() {
    Scenario of = watched().stops(A);
    of.input(new Input.Evicted(A, "evicted"));
    assertFalse(of.reports(A));
    of.exits(A, Scenario.kind(ResultKind.STOPPED));
    assertEquals(ResultKind.STOPPED, of.report(A).result().kind());
  }
}

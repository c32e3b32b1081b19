package orch.agent.core;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.util.List;
import orch.api.model.AttemptState;
import orch.api.model.DesiredAttempt;
import orch.api.model.Uid;
import org.junit.jupiter.api.Test;

/** Attempts of suspended jobs stand still, whatever dies meanwhile. */
class FreezerTest {
  private static final Uid A = Scenario.uid(1);

  private static DesiredAttempt wanted(boolean frozen) {
    return Scenario.order(A, Scenario.BOOT, null, Duration.ZERO, frozen);
  }

  private static List<Boolean> asked(Scenario of) {
    return of.all(Effect.Freeze.class).stream().map(Effect.Freeze::frozen).toList();
  }

  private static List<String> told(Scenario of) {
    return of.all(Effect.Happened.class).stream().map(Effect.Happened::type).toList();
  }

  @Test
  void aRunningAttemptIsFrozenOnceAndThawedOnce() {
    Scenario of = new Scenario().ready().wants(A).started(A);
    assertEquals(List.of(), asked(of));
    assertEquals(List.of(true), asked(of.orders(false, wanted(true))));
    assertEquals(List.of(), asked(of.orders(true, wanted(true))));
    assertEquals(List.of("FROZEN"), told(of.input(new Input.Frozen(A, true, ""))));
    assertEquals(List.of(), told(of.input(new Input.Frozen(A, true, ""))));
    assertEquals(List.of(false), asked(of.orders(false, wanted(false))));
    assertEquals(List.of("THAWED"), told(of.input(new Input.Frozen(A, false, ""))));
  }

  @Test
  void oneThatIsBeingStartedIsFrozenAsSoonAsItRuns() {
    Scenario of = new Scenario().ready().wants(A);
    assertEquals(List.of(), asked(of.orders(false, wanted(true))));
    assertEquals(List.of(true), asked(of.started(A)));
  }

  @Test
  void oneThatHasNotStartedDoesNotStartUntilItsJobGoesOn() {
    Scenario of = new Scenario().ready().orders(false, wanted(true));
    assertEquals(List.of(), of.all(Effect.Start.class));
    assertEquals(AttemptState.PLACED, of.core.stateOf(A));
    of.launcher();
    assertEquals(List.of(), of.all(Effect.Start.class));
    of.orders(false, wanted(false));
    assertEquals(1, of.all(Effect.Start.class).size());
  }

  @Test
  void whatAnAgentBeforeThisOneDidIsDoneOnceMore() {
    Scenario of = new Scenario().launcher(new Found(A, null, 5, 5, null)).session();
    assertEquals(List.of(false), asked(of.orders(true, wanted(false))));
    Scenario frozen = new Scenario().launcher(new Found(A, null, 5, 5, null)).session();
    assertEquals(List.of(true), asked(frozen.orders(true, wanted(true))));
    frozen.input(new Input.Frozen(A, false, "the launcher went away"));
    frozen.input(new Input.LauncherLost());
    assertEquals(List.of(true), asked(frozen.launcher(new Found(A, null, 5, 5, null))));
  }

  @Test
  void oneThatCannotBeFrozenIsToldAndTriedAgain() {
    Scenario of = new Scenario().ready().wants(A).started(A).orders(false, wanted(true));
    assertEquals(List.of("FREEZE_FAILED"), told(of.input(new Input.Frozen(A, true, "EBUSY"))));
    assertEquals(List.of(true), asked(of.orders(true, wanted(true))));
  }

  @Test
  void oneThatIsStoppedIsLeftToItsShim() {
    Scenario of = new Scenario().ready().wants(A).started(A).orders(false, wanted(true));
    of.input(new Input.Frozen(A, true, "")).stops(A);
    assertEquals(List.of(A), of.stopsSent());
    assertEquals(List.of(), asked(of));
    assertEquals(List.of(), asked(of.orders(true, wanted(true))));
  }
}

package orch.agent.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import orch.api.model.MemoryPressureAction;
import orch.api.model.MemoryPressurePolicy;
import orch.api.model.Uid;
import org.junit.jupiter.api.Test;

class MemoryGuardTest {
  private static final long MB = 1 << 20;
  private static final long HOST = 10_000 * MB;
  private static final Uid A = Scenario.uid(1);
  private static final Uid B = Scenario.uid(2);
  private static final Uid C = Scenario.uid(3);

  private final MemoryGuard guard = new MemoryGuard();
  private final Map<Uid, MemoryFigures.Usage> usages = new TreeMap<>();
  private long now = Duration.ofDays(1).toNanos();
  private long available = HOST / 2;
  private List<MemoryStep> did = List.of();

  private long task(Uid uid, MemoryPressureAction action, int priority, long limit) {
    uses(uid, 10 * MB, 0, 0, 0);
    return guard.watch(
        new MemoryGuard.Task(
            uid, new MemoryPressurePolicy(action, 0, 90), priority, limit, 0, false),
        now);
  }

  private void uses(Uid uid, long bytes, long high, long max, long kills) {
    usages.put(uid, new MemoryFigures.Usage(uid, bytes, high, max, kills, false));
  }

  private MemoryGuardTest after(Duration time) {
    now += time.toNanos();
    did =
        guard.look(
            new MemoryFigures(HOST, available, false, new ArrayList<>(usages.values())), now);
    return this;
  }

  private List<String> steps() {
    return did.stream()
        .map(step -> step.getClass().getSimpleName() + " " + step.uid().sequence())
        .toList();
  }

  private static final Duration SOON = MemoryGuard.STEP;

  @Test
  void aTaskThatMayBeSlowedDownHasATripwireBelowItsLimit() {
    assertEquals(90 * MB, task(A, MemoryPressureAction.THROTTLE, 50, 100 * MB));
    assertEquals(MemoryGuard.UNLIMITED, task(B, MemoryPressureAction.NOTIFY, 50, 100 * MB));
    assertEquals(MemoryGuard.UNLIMITED, task(C, MemoryPressureAction.EVICT, 50, 0));
  }

  @Test
  void nothingIsDoneToATaskThatAllowsNothing() {
    task(A, MemoryPressureAction.NONE, 0, 100 * MB);
    uses(A, 99 * MB, 5, 5, 0);
    available = HOST / 100;
    after(SOON).after(MemoryGuard.PATIENCE);
    assertEquals(List.of(), steps());
  }

  @Test
  void aTaskNearItsLimitIsToldAndNotAgainForAWhile() {
    task(A, MemoryPressureAction.NOTIFY, 50, 100 * MB);
    uses(A, 95 * MB, 0, 0, 0);
    assertEquals(List.of("Notify 1"), after(SOON).steps());
    assertEquals("it was told: it uses 95 % of its memory limit", did.getFirst().why());
    assertEquals(95 * MB, did.getFirst().figures().get("memory_bytes"));
    assertEquals(100 * MB, did.getFirst().figures().get("memory_limit_bytes"));
    assertEquals(List.of(), after(Duration.ofSeconds(4)).steps());
    assertEquals(List.of("Notify 1"), after(Duration.ofSeconds(1)).steps());
  }

  @Test
  void betweenThresholdAndReliefNothingChanges() {
    task(A, MemoryPressureAction.NOTIFY, 50, 100 * MB);
    uses(A, 91 * MB, 0, 0, 0);
    after(SOON);
    uses(A, 85 * MB, 0, 0, 0);
    assertEquals(List.of("Notify 1"), after(MemoryGuard.TELL_AGAIN).steps());
    uses(A, 70 * MB, 0, 0, 0);
    assertEquals(List.of(), after(MemoryGuard.TELL_AGAIN).steps());
  }

  @Test
  void aTaskThatPressesOnIsSlowedDownAndGetsTheRestBitByBit() {
    task(A, MemoryPressureAction.THROTTLE, 50, 100 * MB);
    after(SOON);
    uses(A, 90 * MB, 1, 0, 0);
    assertEquals(List.of("Notify 1"), after(SOON).steps());
    uses(A, 90 * MB, 9, 0, 0);
    after(MemoryGuard.HOLD);
    assertEquals(List.of("SetHigh 1"), steps());
    assertEquals(95 * MB, ((MemoryStep.SetHigh) did.getFirst()).highBytes());
    for (int i = 0; i < 20; i++) {
      uses(A, 94 * MB, 10 + i, 0, 0);
      after(MemoryGuard.HOLD);
    }
    uses(A, 40 * MB, 29, 0, 0);
    after(MemoryGuard.HOLD);
    assertEquals(List.of("SetHigh 1"), steps());
    assertEquals(90 * MB, ((MemoryStep.SetHigh) did.getFirst()).highBytes());
  }

  @Test
  void aTaskAtTheEndOfItsLimitIsEvictedOnceIfItMayBe() {
    task(A, MemoryPressureAction.EVICT, 50, 100 * MB);
    uses(A, 98 * MB, 0, 1, 0);
    assertEquals(List.of("Notify 1"), after(SOON).steps());
    assertEquals(List.of("Evict 1"), after(MemoryGuard.HOLD).steps());
    assertEquals(
        "evicted: memory pressure: it uses 98 % of its memory limit", did.getFirst().why());
    assertEquals(List.of(), after(Duration.ofHours(1)).steps());
  }

  @Test
  void whatTheKernelKillsIsAlwaysTold() {
    task(A, MemoryPressureAction.NONE, 50, 100 * MB);
    uses(A, 50 * MB, 0, 0, 3);
    assertEquals(List.of(), after(SOON).steps());
    uses(A, 50 * MB, 0, 0, 5);
    assertEquals(List.of("Killed 1"), after(SOON).steps());
    assertEquals(2, ((MemoryStep.Killed) did.getFirst()).processes());
  }

  @Test
  void aShortHostFreezesTheLowestPriorityFirstAndNeverTheLast() {
    task(A, MemoryPressureAction.FREEZE, 80, 0);
    task(B, MemoryPressureAction.FREEZE, 20, 0);
    task(C, MemoryPressureAction.FREEZE, 50, 0);
    available = HOST / 20;
    after(SOON);
    assertEquals(List.of("Notify 2", "Notify 3", "Notify 1", "Freeze 2"), steps());
    assertTrue(did.getLast().why().endsWith("the host has 5 % of its memory left"));
    assertEquals(HOST / 20, did.getLast().figures().get("host_available_bytes"));
    assertEquals(List.of("Freeze 3"), after(SOON).steps());
    assertEquals(List.of(), after(SOON).steps());
    available = HOST / 3;
    assertEquals(List.of("Thaw 3"), after(SOON).steps());
    assertEquals(List.of(), after(SOON).steps());
    assertEquals(List.of("Thaw 2"), after(MemoryGuard.BACK).steps());
  }

  @Test
  void aHostThatIsNearlyOutFreezesAllButOneAtOnce() {
    task(A, MemoryPressureAction.FREEZE, 80, 0);
    task(B, MemoryPressureAction.FREEZE, 20, 0);
    task(C, MemoryPressureAction.FREEZE, 50, 0);
    available = HOST * 3 / 100;
    after(SOON);
    assertEquals(
        List.of("Freeze 2", "Freeze 3"),
        steps().stream().filter(step -> step.startsWith("Freeze")).toList());
  }

  @Test
  void aHostThatComesNearIsLookedAtMoreOften() {
    task(A, MemoryPressureAction.FREEZE, 80, 0);
    after(SOON);
    assertEquals(false, guard.isPressed());
    available = HOST * 30 / 100;
    after(SOON);
    assertTrue(guard.isPressed());
  }

  @Test
  void ofEqualPrioritiesTheOneThatUsesMostIsSlowedDownAndEvictedFirstAndFrozenLast() {
    task(A, MemoryPressureAction.FREEZE, 50, 0);
    task(B, MemoryPressureAction.FREEZE, 50, 0);
    uses(B, 900 * MB, 0, 0, 0);
    available = HOST / 20;
    assertTrue(after(SOON).steps().contains("Freeze 1"), steps().toString());
  }

  @Test
  void aHostWhoseMemoryGoesFastIsShortBeforeItIsOut() {
    task(A, MemoryPressureAction.FREEZE, 50, 0);
    task(B, MemoryPressureAction.FREEZE, 40, 0);
    available = HOST * 34 / 100;
    assertEquals(List.of(), after(SOON).steps());
    // A tenth of the host in 100 ms: nothing is left in 240 ms.
    available = HOST * 24 / 100;
    assertEquals(List.of("Notify 2", "Notify 1", "Freeze 2"), after(SOON).steps());
    assertEquals(List.of("Thaw 2"), after(MemoryGuard.BACK).steps());
    available = HOST * 23 / 100;
    assertEquals(List.of(), after(Duration.ofMillis(500)).steps(), "it goes slowly");
  }

  @Test
  void aSuspendedTaskIsNeitherFrozenNorThawed() {
    task(A, MemoryPressureAction.FREEZE, 10, 0);
    task(B, MemoryPressureAction.FREEZE, 20, 0);
    task(C, MemoryPressureAction.FREEZE, 30, 0);
    available = HOST * 8 / 100;
    assertTrue(after(SOON).steps().contains("Freeze 1"));
    assertTrue(guard.suspended(A, true, now));
    assertFalse(guard.suspended(B, true, now));
    // C is the last one that runs.
    assertEquals(List.of(), after(SOON).steps());
    available = HOST / 2;
    assertEquals(List.of(), after(MemoryGuard.BACK).steps());
    assertFalse(guard.suspended(A, false, now));
    available = HOST * 8 / 100;
    assertFalse(after(SOON).steps().contains("Freeze 1"), "it goes on for a moment in any case");
  }

  @Test
  void aTaskThatIsBeingStoppedIsLeftAlone() {
    task(A, MemoryPressureAction.EVICT, 10, 0);
    task(B, MemoryPressureAction.NONE, 20, 0);
    available = HOST * 8 / 100;
    assertTrue(after(SOON).steps().contains("Freeze 1"));
    assertTrue(guard.stopping(A));
    assertEquals(List.of(), after(MemoryGuard.PATIENCE).steps());
    available = HOST / 2;
    assertEquals(List.of(), after(MemoryGuard.BACK).steps());
  }

  @Test
  void aHostThatStaysShortEvictsOneAtATime() {
    task(A, MemoryPressureAction.EVICT, 10, 0);
    task(B, MemoryPressureAction.EVICT, 20, 0);
    task(C, MemoryPressureAction.NONE, 0, 0);
    available = HOST * 8 / 100;
    after(SOON);
    assertEquals(List.of("Notify 1", "Notify 2", "Freeze 1"), steps());
    assertEquals(List.of("Freeze 2"), after(SOON).steps());
    assertEquals(List.of(), after(SOON).steps());
    assertEquals(List.of("Evict 1"), after(MemoryGuard.PATIENCE).steps());
    assertEquals(List.of(), after(SOON).steps());
    assertEquals(
        List.of("Evict 2"),
        after(MemoryGuard.EVICT_AGAIN).steps().stream()
            .filter(step -> !step.startsWith("Notify"))
            .toList());
  }

  @Test
  void aHostThatIsNearlyOutDoesNotWaitToEvict() {
    task(A, MemoryPressureAction.EVICT, 10, 0);
    available = HOST * 3 / 100;
    after(SOON);
    assertEquals(List.of("Notify 1", "Evict 1"), steps());
  }

  @Test
  void aTaskWithoutALimitIsHeldWhereItIsWhileTheHostIsShort() {
    task(A, MemoryPressureAction.THROTTLE, 50, 0);
    uses(A, 300 * MB, 0, 0, 0);
    available = HOST * 8 / 100;
    after(SOON);
    assertEquals(List.of("Notify 1", "SetHigh 1"), steps());
    assertEquals(300 * MB, ((MemoryStep.SetHigh) did.getLast()).highBytes());
    available = HOST / 2;
    after(SOON);
    assertEquals(MemoryGuard.UNLIMITED, ((MemoryStep.SetHigh) did.getLast()).highBytes());
  }

  @Test
  void betweenShortAndReliefAHostIsLeftAlone() {
    task(A, MemoryPressureAction.FREEZE, 10, 0);
    task(B, MemoryPressureAction.FREEZE, 20, 0);
    available = HOST * 8 / 100;
    after(SOON);
    available = HOST * 14 / 100;
    assertEquals(List.of(), after(SOON).steps());
    assertEquals(List.of(), after(Duration.ofSeconds(20)).steps());
  }

  @Test
  void nobodyIsFrozenForEver() {
    task(A, MemoryPressureAction.FREEZE, 10, 0);
    task(B, MemoryPressureAction.FREEZE, 20, 0);
    available = HOST * 8 / 100;
    after(SOON);
    after(MemoryGuard.LONGEST_FREEZE);
    assertTrue(steps().contains("Thaw 1"), steps().toString());
    assertTrue(steps().contains("Freeze 2"), steps().toString());
    after(Duration.ofSeconds(1));
    assertEquals(List.of(), steps());
  }

  @Test
  void whateverTheFiguresAtLeastOneRunsAndStepsAreBounded() {
    long seed = Long.getLong("seed", Boolean.getBoolean("soak") ? System.nanoTime() : 1);
    Random random = new Random(seed);
    for (int i = 1; i <= 6; i++) {
      task(
          Scenario.uid(i),
          MemoryPressureAction.values()[random.nextInt(5)],
          random.nextInt(100),
          random.nextBoolean() ? 0 : 100 * MB);
    }
    Map<Uid, Boolean> evicted = new TreeMap<>();
    for (int i = 0; i < 5_000; i++) {
      available = HOST * random.nextInt(100) / 100;
      for (Uid uid : usages.keySet()) {
        MemoryFigures.Usage before = usages.get(uid);
        uses(
            uid,
            random.nextInt(100) * MB,
            before.high() + random.nextInt(2),
            before.max() + random.nextInt(2),
            before.oomKills());
      }
      after(Duration.ofMillis(random.nextInt(2_000)));
      assertTrue(did.size() <= 3 * usages.size(), "seed " + seed);
      for (MemoryStep step : did) {
        if (step instanceof MemoryStep.Evict) {
          assertEquals(null, evicted.put(step.uid(), true), "seed " + seed);
        }
      }
      long frozen =
          usages.keySet().stream().filter(uid -> Boolean.TRUE.equals(guard.frozen(uid))).count();
      assertTrue(frozen < usages.size(), "seed " + seed);
    }
  }
}

package orch.controller.store;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.TreeMap;
import java.util.concurrent.Executor;
import orch.api.seam.Clock;
import orch.api.seam.Timers;

/** Executor, clock and timers of a loop in a test: nothing happens until the test says so. */
public final class VirtualLoop implements Executor, Clock, Timers {
  private static final int MAX_STEPS = 1_000_000;

  private final ArrayDeque<Runnable> ready = new ArrayDeque<>();
  private final TreeMap<Long, ArrayDeque<Runnable>> timers = new TreeMap<>();
  private long nowNanos = 1_000_000_000L;
  private long wallOffsetNanos;

  @Override
  public void execute(Runnable action) {
    ready.add(action);
  }

  @Override
  public Timer after(Duration delay, Runnable action) {
    boolean[] cancelled = {false};
    Runnable guarded =
        () -> {
          if (!cancelled[0]) {
            action.run();
          }
        };
    timers.computeIfAbsent(nowNanos + delay.toNanos(), time -> new ArrayDeque<>()).add(guarded);
    return () -> cancelled[0] = true;
  }

  @Override
  public Instant now() {
    return Instant.ofEpochSecond(1_700_000_000L).plusNanos(nowNanos + wallOffsetNanos);
  }

  @Override
  public long bootNanos() {
    return nowNanos;
  }

  /** The wall clock jumps, the boot clock does not. */
  public void jumpWallClock(Duration by) {
    wallOffsetNanos += by.toNanos();
  }

  /** Runs what is ready, and what that makes ready; no time passes. */
  public void run() {
    int steps = 0;
    for (Runnable action = ready.poll(); action != null; action = ready.poll()) {
      action.run();
      if (++steps > MAX_STEPS) {
        throw new AssertionError("the loop never comes to rest");
      }
    }
  }

  /** Lets time pass, and runs what becomes due on the way. */
  public void pass(Duration time) {
    long end = nowNanos + time.toNanos();
    run();
    while (!timers.isEmpty() && timers.firstKey() <= end) {
      var due = timers.pollFirstEntry();
      nowNanos = Math.max(nowNanos, due.getKey());
      ready.addAll(due.getValue());
      run();
    }
    nowNanos = end;
  }
}

package orch.agent.core;

import java.time.Duration;
import orch.api.model.HealthCheck;
import orch.api.model.HealthChecks;
import orch.api.model.Probe;
import orch.api.model.Readiness;
import org.jspecify.annotations.Nullable;

/** What a task says of itself, and until when it has to. Times are of CLOCK_BOOTTIME. */
final class Service {
  /** Longest time that a task may give itself; also keeps sums of times in range. */
  static final long LONGEST_MICROS = Duration.ofDays(365).toSeconds() * 1_000_000L;

  private static final long NANOS_PER_MICRO = 1_000;

  private boolean declared;
  private boolean saysReadiness;
  private boolean ready;
  private boolean reloading;
  private boolean stopping;
  private String status = "";

  /** By when it has to be ready; 0: no matter. */
  private long startDue;

  /** How long it may be silent; 0: as long as it likes. */
  private long watchdogNanos;

  /** When the silence is over. */
  private long watchdogDue;

  /** What was said last to the controller. */
  private String reported = "";

  long reportedNanos;

  private boolean own;

  /**
   * It runs, and its spec is known: what it has to say by when. Answers whether that was not known
   * before, so that its readiness has a meaning only now.
   */
  boolean expect(HealthChecks health, long startedNanos, long nowNanos) {
    if (declared) {
      return false;
    }
    declared = true;
    HealthCheck start = notifying(health.startup());
    start = start == null ? notifying(health.readiness()) : start;
    if (start != null && !ready && startDue == 0) {
      startDue = startedNanos + longest(start);
    }
    HealthCheck liveness = notifying(health.liveness());
    if (liveness != null && !own) {
      watchdogNanos = longest(liveness);
    }
    saysReadiness = start != null;
    rewind(nowNanos);
    return saysReadiness;
  }

  private static @Nullable HealthCheck notifying(@Nullable HealthCheck check) {
    return check != null && check.probe() instanceof Probe.Notify ? check : null;
  }

  static long longest(HealthCheck check) {
    return check.period().multipliedBy(check.failures()).toNanos();
  }

  boolean isReloading() {
    return reloading;
  }

  boolean isStopping() {
    return stopping;
  }

  /** Answers whether its readiness changed. */
  boolean heard(Notification what, long nowNanos) {
    boolean before = ready;
    if (what.status() != null) {
      status = what.status();
    }
    if (what.reloading()) {
      reloading = true;
    }
    if (what.ready()) {
      ready = true;
      reloading = false;
      startDue = 0;
    }
    if (what.stopping()) {
      stopping = true;
      ready = false;
      startDue = 0;
      watchdogNanos = 0;
    }
    if (what.watchdogMicros() > 0 && !stopping) {
      own = true;
      watchdogNanos = what.watchdogMicros() * NANOS_PER_MICRO;
    }
    boolean extended = what.extendMicros() > 0;
    if (extended && startDue != 0) {
      startDue = Math.max(startDue, nowNanos + what.extendMicros() * NANOS_PER_MICRO);
    }
    if (what.ping() || what.watchdogMicros() > 0 || what.ready()) {
      rewind(nowNanos);
    }
    return before != ready;
  }

  /** It stood still for so long: its start has that much more time, and its silence begins anew. */
  void goesOn(long stoodNanos, long nowNanos) {
    if (startDue != 0) {
      startDue += stoodNanos;
    }
    rewind(nowNanos);
  }

  private void rewind(long nowNanos) {
    watchdogDue = nowNanos + watchdogNanos;
  }

  Readiness readiness() {
    if (!saysReadiness) {
      return Readiness.UNDECLARED;
    }
    return ready ? Readiness.READY : Readiness.NOT_READY;
  }

  /** For people. */
  String text() {
    String doing = stopping ? "stopping" : reloading ? "reloading" : "";
    return doing.isEmpty() || status.isEmpty() ? doing + status : doing + ": " + status;
  }

  /** Whether the text is another than was told last; from now on it is told. */
  boolean tells() {
    boolean told = text().equals(reported);
    reported = text();
    return !told;
  }

  boolean hasNews() {
    return !text().equals(reported);
  }

  /** 0: none. */
  long startDue() {
    return startDue;
  }

  /** When the watchdog is missed unless it is heard of before; 0: never. A start has its own. */
  long watchdogDue() {
    return watchdogNanos == 0 || startDue != 0 || !declared ? 0 : watchdogDue;
  }

  long watchdogNanos() {
    return watchdogNanos;
  }
}

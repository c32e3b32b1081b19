package orch.agent.core;

import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.List;
import orch.api.model.HealthChecks;
import orch.api.model.MemoryPressureAction;
import orch.api.model.Resources;

/** Turns what tasks say of themselves, and what they do not say in time, into effects. */
final class ServiceMachine {
  /** What a task says of itself is told the controller at most so often. */
  static final Duration TEXT_PAUSE = Duration.ofSeconds(1);

  private final AttemptMachine machine;

  ServiceMachine(AttemptMachine machine) {
    this.machine = machine;
  }

  /**
   * It runs; as far as its spec is known, what it has to say is expected from now on. Answers
   * whether its readiness is to be reported.
   */
  static boolean expect(Attempt attempt, Moment now, List<Effect> effects) {
    if (attempt.definition == null || attempt.phase != Phase.RUNNING) {
      return false;
    }
    Resources resources = attempt.definition.spec().resources();
    long own = attempt.order == null ? 0 : attempt.order.memoryBytes();
    long limit = own > 0 ? own : resources.memoryBytes();
    if (limit > 0 || resources.memoryPressure().action() != MemoryPressureAction.NONE) {
      effects.add(new Effect.Watch(attempt.known, attempt.definition, limit));
    }
    HealthChecks health = attempt.definition.spec().health();
    if (!health.notifies()) {
      return false;
    }
    boolean news = attempt.service().expect(health, startOf(attempt, now), now.bootNanos());
    arm(attempt, attempt.service(), effects);
    return news;
  }

  private static void arm(Attempt attempt, Service service, List<Effect> effects) {
    if (service.startDue() != 0) {
      AttemptMachine.setTimer(attempt, Timer.READY, service.startDue(), effects);
    }
    if (service.watchdogDue() != 0) {
      AttemptMachine.setTimer(attempt, Timer.WATCHDOG, service.watchdogDue(), effects);
    }
  }

  void heard(Attempt attempt, Notification what, Moment now, List<Effect> effects) {
    if (!attempt.phase.launched()) {
      return;
    }
    Service service = attempt.service();
    long watchdog = service.watchdogDue();
    boolean reloads = what.reloading() && !service.isReloading();
    boolean stops = what.stopping() && !service.isStopping();
    boolean changed = service.heard(what, now.bootNanos());
    if (what.mainPid() > 0) {
      effects.add(
          new Effect.Happened(
              attempt.known, "MAIN_PROCESS", "its main process is " + what.mainPid()));
    }
    if (reloads) {
      effects.add(new Effect.Happened(attempt.known, "RELOADING", "it reads its configuration"));
    }
    if (stops) {
      effects.add(new Effect.Happened(attempt.known, "TASK_STOPPING", "it says that it is ending"));
    }
    if (what.extendMicros() > 0) {
      drawOut(attempt, Duration.of(what.extendMicros(), ChronoUnit.MICROS), effects);
    }
    if (changed) {
      tell(attempt, service, now, effects);
    } else {
      tellText(attempt, service, now, effects);
    }
    // A running timer looks anew when it fires; only a first one is to be set, or an earlier one.
    if (watchdog == 0 || what.watchdogMicros() > 0) {
      arm(attempt, service, effects);
    }
    if (what.trigger()) {
      surrender(attempt, Surrender.WATCHDOG, "watchdog: it asked to be restarted", now, effects);
    }
  }

  /** Its shim keeps the time, and knows when the stop began. */
  private static void drawOut(Attempt attempt, Duration by, List<Effect> effects) {
    Duration most = attempt.longestStop();
    if (most == null) {
      return;
    }
    effects.add(new Effect.ExtendStop(attempt.uid(), by, most));
    if (!attempt.drawnOut) {
      attempt.drawnOut = true;
      String why =
          "it asked for "
              + seconds(by.toNanos())
              + " more to end; its stop may take "
              + seconds(most.toNanos())
              + " in all";
      effects.add(new Effect.Happened(attempt.known, "STOP_EXTENDED", why));
    }
  }

  private void tellText(Attempt attempt, Service service, Moment now, List<Effect> effects) {
    if (!service.hasNews()) {
      return;
    }
    long next = service.reportedNanos + TEXT_PAUSE.toNanos();
    if (service.reportedNanos != 0 && now.bootNanos() < next) {
      AttemptMachine.setTimer(attempt, Timer.TEXT, next, effects);
    } else {
      tell(attempt, service, now, effects);
    }
  }

  private void tell(Attempt attempt, Service service, Moment now, List<Effect> effects) {
    boolean _ = service.tells();
    service.reportedNanos = now.bootNanos();
    machine.report(attempt, now, effects);
  }

  /** It stood still for so long, and could say nothing: that time is given back to it. */
  void goesOn(Attempt attempt, long stoodNanos, Moment now, List<Effect> effects) {
    if (attempt.phase == Phase.RUNNING) {
      attempt.service().goesOn(stoodNanos, now.bootNanos());
      arm(attempt, attempt.service(), effects);
    }
  }

  void readyDue(Attempt attempt, Moment now, List<Effect> effects) {
    Service service = attempt.service();
    if (service.startDue() == 0 || attempt.phase != Phase.RUNNING || attempt.standsStill()) {
      return;
    }
    if (now.bootNanos() < service.startDue()) {
      arm(attempt, service, effects);
      return;
    }
    surrender(
        attempt,
        Surrender.NOT_READY_IN_TIME,
        "not ready in time: no READY=1 "
            + seconds(now.bootNanos() - startOf(attempt, now))
            + " after its start"
            + said(service),
        now,
        effects);
  }

  void watchdogDue(Attempt attempt, Moment now, List<Effect> effects) {
    Service service = attempt.service();
    if (service.watchdogDue() == 0 || attempt.phase != Phase.RUNNING || attempt.standsStill()) {
      return;
    }
    if (now.bootNanos() < service.watchdogDue()) {
      arm(attempt, service, effects);
      return;
    }
    surrender(
        attempt,
        Surrender.WATCHDOG,
        "watchdog: not heard of for " + seconds(service.watchdogNanos()) + said(service),
        now,
        effects);
  }

  void textDue(Attempt attempt, Moment now, List<Effect> effects) {
    if (attempt.phase.launched()) {
      tellText(attempt, attempt.service(), now, effects);
    }
  }

  void surrender(Attempt attempt, Surrender cause, String why, Moment now, List<Effect> effects) {
    // Of an eviction its figures are told by whoever has them.
    if (attempt.phase == Phase.RUNNING && cause != Surrender.MEMORY_PRESSURE) {
      effects.add(new Effect.Happened(attempt.known, cause.name(), why));
    }
    AttemptMachine.Detail detail = AttemptMachine.Detail.surrender(cause, why);
    boolean _ = machine.apply(attempt, AttemptEvent.SURRENDERED, detail, now, effects);
  }

  private static long startOf(Attempt attempt, Moment now) {
    return attempt.startNanos == 0
        ? now.bootNanos()
        : now.bootNanos() - Math.max(0, now.wallNanos() - attempt.startNanos);
  }

  private static String said(Service service) {
    return service.text().isEmpty() ? "" : " (it said: " + service.text() + ")";
  }

  private static String seconds(long nanos) {
    long millis = nanos / 1_000_000;
    return millis % 1_000 == 0 || millis >= 10_000
        ? millis / 1_000 + " s"
        : millis / 1_000 + "." + String.valueOf(1_000 + millis % 1_000).substring(1) + " s";
  }
}

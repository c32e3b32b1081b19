package orch.agent.core;

import java.time.Duration;
import java.util.List;
import orch.api.model.JobSpec;
import orch.api.model.Result;
import orch.api.model.ResultKind;
import orch.api.model.TimeoutWarning;
import org.jspecify.annotations.Nullable;

/** Carries events through {@link AttemptTable} and turns its actions into effects. */
final class AttemptMachine {
  /** After the grace the shim kills; only if nothing is heard so long is it told again. */
  private static final Duration STOP_AGAIN = Duration.ofSeconds(15);

  /** What the shim, which keeps the same time, may be late. */
  private static final Duration LEASE_SLACK = Duration.ofMillis(500);

  private static final int SIGNAL_LEADER = 1;
  private static final int SIGNAL_ALL = 2;

  private final Leases leases;
  private boolean launcherReady;
  private boolean startsNothing;

  AttemptMachine(Leases leases) {
    this.leases = leases;
  }

  boolean launcherReady() {
    return launcherReady;
  }

  void launcherReady(boolean ready) {
    launcherReady = ready;
  }

  /** From now on what is ready stays so. */
  void startNothing() {
    startsNothing = true;
  }

  /** What an event brings along. */
  record Detail(@Nullable End end, String why, long startNanos, @Nullable Surrender surrender) {
    static final Detail NONE = new Detail(null, "", 0);

    Detail(@Nullable End end, String why, long startNanos) {
      this(end, why, startNanos, null);
    }

    static Detail surrender(Surrender cause, String why) {
      return new Detail(null, why, 0, cause);
    }

    static Detail end(End end) {
      return new Detail(end, "", 0);
    }

    static Detail why(String why) {
      return new Detail(null, why, 0);
    }
  }

  /** Applies one event; answers whether the attempt is gone after it. */
  boolean apply(
      Attempt attempt, AttemptEvent event, Detail detail, Moment now, List<Effect> effects) {
    Phase from = attempt.phase;
    return switch (AttemptTable.cell(from, event)) {
      case AttemptTable.Ignored ignored -> false;
      case AttemptTable.Refused refused -> {
        effects.add(
            new Effect.Complain(
                attempt.uid() + " is " + from + ", yet " + event + " was said: " + refused.why(),
                attempt.history()));
        yield false;
      }
      case AttemptTable.Move move -> {
        attempt.note(from + " " + event);
        if (move.to() == null) {
          bury(attempt, now, effects);
          yield true;
        }
        attempt.phase = move.to();
        act(move.action(), attempt, detail, now, effects);
        yield false;
      }
    };
  }

  private void act(
      AttemptAction action, Attempt attempt, Detail detail, Moment now, List<Effect> effects) {
    switch (action) {
      case NONE -> {}
      case START -> start(attempt, now, effects);
      case STOP -> stop(attempt, now, effects);
      case STOP_LATE -> {
        attempt.timedOut = true;
        attempt.reason = "timed out";
        stop(attempt, now, effects);
      }
      case STOP_UNLEASED -> {
        if (!attempt.unleased) {
          attempt.unleased = true;
          attempt.reason = attempt.noLease();
          stop(attempt, now, effects);
        }
      }
      case STOP_SURRENDERED -> {
        attempt.surrender = detail.surrender();
        attempt.reason = detail.why();
        attempt.surrenderReason = detail.why();
        stop(attempt, now, effects);
      }
      case STOP_AGAIN -> {
        // To a shim that lives this is nothing new: it knows best until when it may wait, and an
        // agent that was restarted may not know. Where no shim is left it is a kill.
        effects.add(new Effect.Stop(attempt.uid(), grace(attempt)));
        setTimer(attempt, Timer.GRACE, now.bootNanos() + STOP_AGAIN.toNanos(), effects);
      }
      case DROP -> drop(attempt, detail, now, effects);
      case END -> end(attempt, requireEnd(detail), now, effects);
      case END_UNKNOWN ->
          end(
              attempt,
              new End(
                  Result.without(ResultKind.UNKNOWN, null),
                  attempt.startNanos,
                  now.wallNanos(),
                  now.wallNanos()),
              now,
              effects);
      case REPORT -> report(attempt, now, effects);
      case REPORT_STUCK -> {
        attempt.stuck = true;
        attempt.reason = detail.why();
        report(attempt, now, effects);
      }
      case NOTE_START -> {
        if (detail.startNanos() != 0) {
          attempt.startNanos = detail.startNanos();
        }
        armTimeout(attempt, now, effects);
        boolean _ = ServiceMachine.expect(attempt, now, effects);
        report(attempt, now, effects);
      }
      case WARN -> warn(attempt, effects);
      case TAKE_ORDER -> {
        armTimeout(attempt, now, effects);
        if (ServiceMachine.expect(attempt, now, effects)) {
          report(attempt, now, effects);
        }
      }
      case BURY -> throw new IllegalStateException("a burial has no phase after it");
    }
  }

  private void start(Attempt attempt, Moment now, List<Effect> effects) {
    boolean mayRun =
        !attempt.known.leased() || leases.holds(attempt.known.stopAfter(), now.bootNanos());
    if (!launcherReady || startsNothing || !mayRun || Freezer.holdsBack(attempt)) {
      attempt.phase = Phase.READY;
      return;
    }
    attempt.phase = Phase.STARTING;
    attempt.freezeAsked = false;
    attempt.launchedNanos = now.wallNanos();
    JobSpec spec = attempt.requireDefinition().spec();
    effects.add(new Effect.Remember(attempt.known));
    effects.add(new Effect.OpenLog(attempt.known));
    // The shim keeps the timeout even when no agent lives; the timer set at the start is the same.
    attempt.timeoutBootNanos =
        spec.timeout() == null ? 0 : now.bootNanos() + spec.timeout().toNanos();
    Deadline deadline = deadline(attempt);
    // What it is told now may be late: a start can wait long for its files or for a shim.
    attempt.toldBootNanos = 0;
    effects.add(new Effect.Start(attempt.requireOrder(), attempt.requireDefinition(), deadline));
  }

  /** What comes first, the timeout or the end of the lease. */
  private Deadline deadline(Attempt attempt) {
    long timeout = attempt.timeoutBootNanos;
    Long lease = attempt.known.leased() ? leases.end(attempt.known.stopAfter()) : null;
    return lease == null || (timeout != 0 && timeout < lease)
        ? new Deadline(attempt.uid(), timeout, false)
        : new Deadline(attempt.uid(), lease, true);
  }

  /**
   * The deadline that its shim is to hear of; null: it knows enough.
   *
   * @param exact whatever is newer; else only what is newer by a quarter of the lease, which spares
   *     most of the messages
   */
  @Nullable Deadline renewal(Attempt attempt, boolean exact) {
    if (!attempt.known.leased()
        || !(attempt.phase == Phase.STARTING || attempt.phase == Phase.RUNNING)) {
      return null;
    }
    Deadline next = deadline(attempt);
    long least = exact ? 1 : attempt.known.stopAfter().toNanos() / 4;
    if (next.bootNanos() == 0 || next.bootNanos() - attempt.toldBootNanos < least) {
      return null;
    }
    attempt.toldBootNanos = next.bootNanos();
    return next;
  }

  /** Whether its shim should have stopped it by now, since nobody renewed its lease. */
  boolean unleased(Attempt attempt, long sinceBootNanos, Moment now) {
    if (!attempt.known.leased() || !attempt.phase.launched()) {
      return false;
    }
    Long end = leases.end(attempt.known.stopAfter());
    long over = end == null ? sinceBootNanos + attempt.known.stopAfter().toNanos() : end;
    return now.bootNanos() >= over + LEASE_SLACK.toNanos();
  }

  private void stop(Attempt attempt, Moment now, List<Effect> effects) {
    Duration grace = grace(attempt);
    effects.add(new Effect.Stop(attempt.uid(), grace));
    Duration longest = grace != null ? grace : attempt.ownGrace();
    if (longest == null) {
      longest = Duration.ofMinutes(1);
    }
    setTimer(attempt, Timer.GRACE, now.bootNanos() + longest.plus(STOP_AGAIN).toNanos(), effects);
    report(attempt, now, effects);
  }

  /** Null: that of its start. */
  private static @Nullable Duration grace(Attempt attempt) {
    return attempt.stop == null ? null : attempt.stop.grace();
  }

  private void drop(Attempt attempt, Detail detail, Moment now, List<Effect> effects) {
    // Taken back or unclaimed after a stop: it never ran, unless it was seen running.
    if (attempt.startNanos != 0) {
      act(AttemptAction.END_UNKNOWN, attempt, detail, now, effects);
      return;
    }
    String why =
        attempt.stop != null && !attempt.stop.reason().isEmpty()
            ? attempt.stop.reason()
            : detail.why();
    attempt.drop(why.isEmpty() ? "stopped before it started" : why, now.wallNanos());
    effects.add(new Effect.Release(attempt.uid()));
    report(attempt, now, effects);
  }

  private void end(Attempt attempt, End end, Moment now, List<Effect> effects) {
    attempt.end(end);
    effects.add(new Effect.Release(attempt.uid()));
    report(attempt, now, effects);
  }

  private static End requireEnd(Detail detail) {
    if (detail.end() == null) {
      throw new IllegalStateException("an end without a result");
    }
    return detail.end();
  }

  private void warn(Attempt attempt, List<Effect> effects) {
    TimeoutWarning warning = attempt.definition == null ? null : attempt.definition.spec().warn();
    if (warning != null) {
      effects.add(
          new Effect.Signal(
              attempt.uid(), warning.signal(), warning.toAll() ? SIGNAL_ALL : SIGNAL_LEADER, 0));
    }
  }

  /**
   * Counts from the task's start, which lies in the past when the agent was restarted; by the boot
   * clock, since a wall clock may jump, and must end no task before its time.
   */
  private void armTimeout(Attempt attempt, Moment now, List<Effect> effects) {
    JobSpec spec = attempt.definition == null ? null : attempt.definition.spec();
    if (spec == null || spec.timeout() == null || attempt.timeoutArmed) {
      return;
    }
    attempt.timeoutArmed = true;
    long start = attempt.startBootNanos == 0 ? now.bootNanos() : attempt.startBootNanos;
    long end = Math.max(now.bootNanos(), start + spec.timeout().toNanos());
    attempt.timeoutBootNanos = end;
    setTimer(attempt, Timer.TIMEOUT, end, effects);
    if (spec.warn() != null) {
      long warnAt = end - spec.warn().before().toNanos();
      if (warnAt > now.bootNanos()) {
        setTimer(attempt, Timer.WARN, warnAt, effects);
      }
    }
  }

  private void bury(Attempt attempt, Moment now, List<Effect> effects) {
    effects.add(new Effect.Bury(Buried.of(attempt, now.wallNanos())));
  }

  void report(Attempt attempt, Moment now, List<Effect> effects) {
    attempt.reportedBootNanos = now.bootNanos();
    effects.add(new Effect.Report(attempt.status(now.wallNanos())));
  }

  static void setTimer(Attempt attempt, Timer timer, long at, List<Effect> effects) {
    effects.add(new Effect.SetTimer(attempt.uid(), timer, at));
  }
}

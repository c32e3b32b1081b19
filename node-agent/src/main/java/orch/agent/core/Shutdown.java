package orch.agent.core;

import java.time.Duration;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import orch.api.model.StopOrder;
import orch.api.model.Uid;

/**
 * The end of everything on a node, in order: what has the lowest priority first, of equal priority
 * batch before services. All of one rank are stopped together, each by its own stop sequence, and
 * the next rank's turn comes when they have ended. At the deadline all that still lives is killed.
 */
final class Shutdown {
  static final String REASON = "its node is being stopped";
  static final String OUT_OF_TIME = REASON + ", and had no more time for it";

  private static final Comparator<KnownAttempt> RANK =
      Comparator.comparingInt(KnownAttempt::priority).thenComparing(KnownAttempt::service);

  private final ServiceMachine services;
  private final AttemptMachine machine;
  private final Set<Uid> killed = new TreeSet<>();
  private long deadlineBootNanos = Long.MAX_VALUE;
  private boolean asked;

  Shutdown(AttemptMachine machine, ServiceMachine services) {
    this.machine = machine;
    this.services = services;
  }

  /** Asked again it can only come sooner. */
  void ask(long untilBootNanos) {
    asked = true;
    deadlineBootNanos = Math.min(deadlineBootNanos, untilBootNanos);
    machine.startNothing();
  }

  /**
   * Whose turn it is: all of the lowest rank among those that live.
   *
   * @param stuck whether SIGKILL does not end one: nobody waits for it
   */
  static List<KnownAttempt> turn(Collection<KnownAttempt> live, Predicate<KnownAttempt> stuck) {
    List<KnownAttempt> waitedFor = live.stream().filter(stuck.negate()).toList();
    return waitedFor.stream()
        .min(RANK)
        .map(first -> waitedFor.stream().filter(each -> RANK.compare(each, first) == 0).toList())
        .orElse(List.of());
  }

  /** After every input: stops those whose turn has come. */
  void goOn(Collection<Attempt> attempts, Moment now, List<Effect> effects) {
    if (!asked || !machine.launcherReady()) {
      return;
    }
    List<Attempt> live = attempts.stream().filter(each -> each.phase.launched()).toList();
    if (now.bootNanos() >= deadlineBootNanos) {
      live.forEach(each -> kill(each, now, effects));
      return;
    }
    Set<Uid> stuck = new TreeSet<>();
    live.stream().filter(each -> each.stuck).forEach(each -> stuck.add(each.uid()));
    Set<Uid> turn = new TreeSet<>();
    turn(live.stream().map(each -> each.known).toList(), known -> stuck.contains(known.uid()))
        .forEach(known -> turn.add(known.uid()));
    for (Attempt each : live) {
      // One that is being started is stopped once it runs.
      if (each.phase == Phase.RUNNING && turn.contains(each.uid())) {
        remember(each, effects);
        services.surrender(each, Surrender.NODE_STOPS, REASON, now, effects);
      }
    }
  }

  /** The launcher's journal will say that it was stopped; the next agent has to know why. */
  private static void remember(Attempt attempt, List<Effect> effects) {
    attempt.known = attempt.known.stoppedWithItsNode();
    effects.add(new Effect.Remember(attempt.known));
  }

  private void kill(Attempt attempt, Moment now, List<Effect> effects) {
    if (!killed.add(attempt.uid())) {
      return;
    }
    if (attempt.phase == Phase.STOPPING) {
      String reason = attempt.stop == null ? "" : attempt.stop.reason();
      attempt.stop = new StopOrder(Duration.ZERO, reason);
    } else {
      remember(attempt, effects);
      attempt.stop = new StopOrder(Duration.ZERO, OUT_OF_TIME);
      attempt.surrender = Surrender.NODE_STOPS;
      attempt.surrenderReason = OUT_OF_TIME;
      attempt.reason = OUT_OF_TIME;
    }
    boolean _ =
        machine.apply(attempt, AttemptEvent.STOP_ORDERED, AttemptMachine.Detail.NONE, now, effects);
  }
}

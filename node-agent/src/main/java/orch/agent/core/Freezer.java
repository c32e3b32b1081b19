package orch.agent.core;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Has attempts stand still as the controller wants it, and goes on from whatever was found: what an
 * agent before this one did is not known, so it is done once more. An attempt that is stopped goes
 * on first; its shim sees to that.
 */
final class Freezer {
  private final ServiceMachine services;

  Freezer(ServiceMachine services) {
    this.services = services;
  }

  /** Whether an attempt may not start now. */
  static boolean holdsBack(Attempt attempt) {
    return Boolean.TRUE.equals(attempt.freezeWanted);
  }

  /** The controller has said how it wants the attempt; answers whether it may start from now on. */
  boolean ordered(Attempt attempt, boolean frozen, List<Effect> effects) {
    boolean heldBack = holdsBack(attempt);
    attempt.freezeWanted = frozen;
    settle(attempt, effects);
    return heldBack && !frozen && attempt.phase == Phase.READY;
  }

  /** Asks for what is not so yet, or not known to be so. */
  void settle(Attempt attempt, List<Effect> effects) {
    Boolean wanted = attempt.freezeWanted;
    if (attempt.phase != Phase.RUNNING || wanted == null || wanted.equals(attempt.freezeAsked)) {
      return;
    }
    attempt.freezeAsked = wanted;
    effects.add(new Effect.Freeze(attempt.uid(), wanted));
  }

  /** The launcher is another one, or was away: what was asked of it may be lost. */
  void lost(Attempt attempt, List<Effect> effects) {
    attempt.freezeAsked = null;
    settle(attempt, effects);
  }

  void done(@Nullable Attempt attempt, Input.Frozen of, Moment now, List<Effect> effects) {
    if (attempt == null || attempt.phase != Phase.RUNNING) {
      return;
    }
    if (!of.error().isEmpty()) {
      // Asked for again with the next word of the controller, or of a launcher.
      attempt.freezeAsked = null;
      effects.add(
          new Effect.Happened(
              attempt.known,
              of.frozen() ? "FREEZE_FAILED" : "THAW_FAILED",
              (of.frozen() ? "it cannot be frozen: " : "it cannot be thawed: ") + of.error()));
      return;
    }
    if (of.frozen() == attempt.frozen) {
      return;
    }
    boolean stood = attempt.standsStill();
    attempt.frozen = of.frozen();
    effects.add(
        new Effect.Happened(
            attempt.known,
            of.frozen() ? "FROZEN" : "THAWED",
            of.frozen()
                ? "it was frozen: its job is suspended"
                : "it was thawed: its job goes on"));
    moved(attempt, stood, now, effects);
  }

  void forMemory(@Nullable Attempt attempt, boolean frozen, Moment now, List<Effect> effects) {
    if (attempt == null) {
      return;
    }
    boolean stood = attempt.standsStill();
    attempt.frozenForMemory = frozen;
    moved(attempt, stood, now, effects);
  }

  private void moved(Attempt attempt, boolean stood, Moment now, List<Effect> effects) {
    if (!stood && attempt.standsStill()) {
      attempt.frozenBootNanos = now.bootNanos();
    } else if (stood && !attempt.standsStill()) {
      services.goesOn(attempt, now.bootNanos() - attempt.frozenBootNanos, now, effects);
    }
  }
}

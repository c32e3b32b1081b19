package orch.controller.core;

import java.time.Instant;
import java.util.List;

/**
 * Decides on the leader: validation, scheduling, restart policy.
 *
 * <p>A decision builds upon itself (an end leads to a restart, to the job's end, to the start of a
 * job that waited for it), so each change is applied to the state as it is made; the outcome is
 * that of a pure function of state, input and time, and a second state to which the changes are
 * applied is equal. What the decider remembers beside the state (which jobs to look at, which nodes
 * said hello, what was infeasible when) is made anew by {@link Input.BecameLeader} and never more
 * than a saving or a grace.
 */
public final class Decider {
  private final State state;

  public Decider(State state) {
    this.state = state;
  }

  /**
   * Decides and applies.
   *
   * @param now {@code max(clock, last)}; goes into the entry that holds the changes
   * @throws InvariantError when the state is broken: the process must stop
   */
  public Decision decide(Input input, Instant now) {
    if (state.nowNanos() < Long.MAX_VALUE) {
      throw new UnsupportedOperationException(input + " " + now);
    }
    return new Decision(List.of(), List.of(), null, false);
  }
}

package orch.controller.core;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What an input led to.
 *
 * @param changes results, in order, already applied to the decider's state; they go into one entry
 *     of the log; empty: nothing changed
 * @param effects messages to agents, to be sent once the revision of this decision has committed
 *     (with no changes: the revision of the last entry before)
 * @param answer of a request, to be released at the same revision; {@link Answer.Rejected} when it
 *     was refused; null for all other inputs
 * @param more whether another {@link Input.Schedule} has work to do now
 */
public record Decision(
    List<Change> changes, List<Effect> effects, @Nullable Answer answer, boolean more) {
  public Decision {
    changes = List.copyOf(changes);
    effects = List.copyOf(effects);
  }
}

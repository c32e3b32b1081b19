package orch.controller.core;

import java.util.List;
import orch.api.model.Uid;

/**
 * A message to an agent that follows from a decision, to be sent once the decision's revision has
 * committed. All are level-triggered: one that is lost is made good by the full desired set of the
 * next session, and what they say is read from the {@link StateView} when they are sent.
 */
public sealed interface Effect {
  /** The node that it is for. */
  String nodeUid();

  /**
   * The session is accepted: answer {@code Welcome}.
   *
   * @param adoptedFrom the cluster that the node belonged to; empty: to this one, or to none
   * @param heldBelow attempts of incarnations below this one may be unknown to the state
   */
  record Welcome(
      String nodeUid, long session, boolean wantInventory, String adoptedFrom, int heldBelow)
      implements Effect {}

  /** The session is refused: end it with this status. */
  record Refuse(String nodeUid, long session, Rejection rejection) implements Effect {}

  /** Send the full set: {@link StateView#desiredOf}. */
  record SendDesired(String nodeUid) implements Effect {}

  /**
   * Send a delta: {@link StateView#desired} of each; one that gives nothing has ended since and is
   * left out.
   */
  record SendAttempts(String nodeUid, List<AttemptRef> attempts) implements Effect {
    public SendAttempts {
      attempts = List.copyOf(attempts);
    }
  }

  /** It was given up while the node was away: send {@code StopReplaced}. */
  record StopReplaced(String nodeUid, Uid uid, String reason) implements Effect {}

  /** Their results are committed, or nobody wants them: send {@code Forget}. */
  record Forget(String nodeUid, List<Uid> uids) implements Effect {
    public Forget {
      uids = List.copyOf(uids);
    }
  }
}

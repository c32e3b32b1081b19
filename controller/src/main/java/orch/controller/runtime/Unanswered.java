package orch.controller.runtime;

import java.time.Duration;
import orch.controller.port.Member;
import orch.controller.port.UnavailableException;
import org.jspecify.annotations.Nullable;

/** Why a controller does not answer at present. */
final class Unanswered {
  private Unanswered() {}

  static UnavailableException stopping() {
    return new UnavailableException(
        UnavailableException.Reason.STOPPING,
        "this controller is stopping; nothing was done, try again",
        null);
  }

  static UnavailableException notLeading(@Nullable Member leader) {
    String where =
        leader == null
            ? "no controller leads at the moment; nothing was done, try again"
            : leader.name() + " at " + leader.httpAddress() + " leads; nothing was done here";
    return new UnavailableException(UnavailableException.Reason.NOT_LEADER, where, leader);
  }

  /**
   * @param unproved how long ZooKeeper has not confirmed this controller's epoch
   */
  static UnavailableException logUnavailable(Duration unproved) {
    return new UnavailableException(
        UnavailableException.Reason.LOG_UNAVAILABLE,
        "ZooKeeper has not answered for "
            + unproved.toSeconds()
            + " s, so nothing can be decided or read; what runs on the nodes runs on. Nothing was"
            + " done, try again when it is back",
        null);
  }
}

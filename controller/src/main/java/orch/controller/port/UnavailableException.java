package orch.controller.port;

import java.io.Serial;
import org.jspecify.annotations.Nullable;

/** This controller cannot answer now; the reason says whether the request may have taken effect. */
public final class UnavailableException extends RuntimeException {
  @Serial private static final long serialVersionUID = 1L;

  /** Why there is no answer. */
  public enum Reason {
    /** Another controller leads, or none yet; nothing was done. UNAVAILABLE, or a redirect. */
    NOT_LEADER,
    /** The queue of inputs is full; nothing was done. RESOURCE_EXHAUSTED; try again later. */
    OVERLOADED,
    /**
     * Leadership was lost before the answer was committed: the request may or may not have taken
     * effect. UNAVAILABLE; repeat it with the same request id.
     */
    OUTCOME_UNKNOWN,
    /** ZooKeeper does not answer; nothing was done. UNAVAILABLE; try again later. */
    LOG_UNAVAILABLE,
    /** The process is ending; nothing was done. UNAVAILABLE. */
    STOPPING
  }

  private final Reason reason;
  private final transient @Nullable Member leader;

  public UnavailableException(Reason reason, String message, @Nullable Member leader) {
    super(message, null, false, false);
    this.reason = reason;
    this.leader = leader;
  }

  public Reason reason() {
    return reason;
  }

  /** Who leads, where that is known and it is not this controller. */
  public @Nullable Member leader() {
    return leader;
  }
}

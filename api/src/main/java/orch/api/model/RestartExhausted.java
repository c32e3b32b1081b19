package orch.api.model;

/** What happens when the retries are used up. */
public enum RestartExhausted {
  /** The task fails. */
  FAIL,
  /** The counter starts anew on another node. */
  RESCHEDULE,
  /** Tried again at the longest back-off. */
  DELAY
}

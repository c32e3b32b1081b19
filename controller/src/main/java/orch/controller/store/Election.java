package orch.controller.store;

/**
 * Who should lead, as a hint: it decides when a member tries to take the next epoch, never whether
 * it may write. The truth is {@code /epoch}.
 */
public interface Election {
  /** Begins; the listener is called on the loop whenever the hint changes. The first hint is no. */
  void start(Listener listener);

  /** Gives the hint back at once, so that another member need not wait for the session's end. */
  void close();

  @FunctionalInterface
  interface Listener {
    void hinted(boolean lead);
  }
}

package orch.controller.store;

/** What the loop hears of the log, on its own thread. */
public interface LogListener {
  /**
   * Forget all state: what follows is the log from its beginning, or a checkpoint and what came
   * after it. The first call of all.
   */
  void reset();

  /** The next section of a checkpoint; unless {@link #reset} comes first, the others follow. */
  void section(byte[] bytes);

  /** The checkpoint was whole: the state is that after this entry. */
  void loaded(long index);

  /** The next entry of the log, written by whomever. */
  void replayed(Entry entry);

  /** The log ended here a moment ago; what comes after is replayed when it comes. */
  void caughtUp(long lastIndex);

  /** Another member took the epoch that was claimed. Goes on reading. */
  void claimLost(EpochRecord other);

  /** The epoch is taken and the log was read to its end: appends are accepted from now on. */
  void leading(long epoch, long lastIndex);

  /** An entry that was appended here; each index once, in order. */
  void committed(long index);

  /** The epoch was proved again: {@link LogClient#proved} says yes, if the proof is not too old. */
  void proved();

  /**
   * Another epoch began: nothing can be appended any more, and what is not committed may or may not
   * be in the log. {@link #reset} follows.
   */
  void deposed(String why);

  /** Something that must never be. The process has to end. */
  void failed(String why);
}

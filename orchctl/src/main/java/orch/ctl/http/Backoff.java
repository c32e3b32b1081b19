package orch.ctl.http;

/** Waits between attempts: from 50 ms doubling to 2 s, until a time limit is used up. */
public final class Backoff {
  private static final long FIRST_MILLIS = 50;
  private static final long LONGEST_MILLIS = 2_000;

  private final Pause pause;
  private long startMillis;
  private long nextMillis;

  /** A fresh one, whose time runs from the first {@link #await}. */
  public Backoff(Pause pause) {
    this.pause = pause;
    reset();
  }

  /** Begins anew: an attempt succeeded. */
  public void reset() {
    startMillis = -1;
    nextMillis = FIRST_MILLIS;
  }

  /** Milliseconds since the first failure; 0 while there is none. */
  public long elapsedMillis() {
    return startMillis < 0 ? 0 : pause.nowMillis() - startMillis;
  }

  /**
   * Waits before the next attempt.
   *
   * @param limitMillis longest time since the first failure, milliseconds
   * @return false when that time is over, so that there is no next attempt
   */
  public boolean await(long limitMillis) {
    if (startMillis < 0) {
      startMillis = pause.nowMillis();
    }
    if (elapsedMillis() >= limitMillis) {
      return false;
    }
    try {
      pause.millis(nextMillis);
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
      return false;
    }
    nextMillis = Math.min(LONGEST_MILLIS, nextMillis * 2);
    return true;
  }
}

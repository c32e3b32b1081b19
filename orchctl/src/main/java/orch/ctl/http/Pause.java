package orch.ctl.http;

/** Waiting and the time that passes by it; the tests' one does not wait. */
public interface Pause {
  /** Milliseconds since some moment; never goes back. */
  long nowMillis();

  /** Waits for so many milliseconds. */
  void millis(long millis) throws InterruptedException;

  /** The real one. */
  static Pause real() {
    return new Pause() {
      @Override
      public long nowMillis() {
        return System.nanoTime() / 1_000_000;
      }

      @Override
      public void millis(long millis) throws InterruptedException {
        Thread.sleep(millis);
      }
    };
  }
}

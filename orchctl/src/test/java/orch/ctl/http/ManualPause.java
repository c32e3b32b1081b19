package orch.ctl.http;

import java.util.concurrent.atomic.AtomicLong;

/** Time that passes by waiting alone, and at once. */
public final class ManualPause implements Pause {
  private final AtomicLong now = new AtomicLong(1_000);

  @Override
  public long nowMillis() {
    return now.get();
  }

  @Override
  public void millis(long millis) {
    now.addAndGet(millis);
  }
}

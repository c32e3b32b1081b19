package orch.controller.runtime;

import orch.controller.store.Entry;
import orch.controller.store.EpochRecord;
import orch.controller.store.LogListener;

/** Takes an epoch and writes one entry, whatever it is. */
final class Scribe implements LogListener {
  private final Runnable claim;
  private final Runnable write;
  private final Runnable written;

  Scribe(Runnable claim, Runnable write, Runnable written) {
    this.claim = claim;
    this.write = write;
    this.written = written;
  }

  @Override
  public void reset() {}

  @Override
  public void section(byte[] bytes) {}

  @Override
  public void loaded(long index) {}

  @Override
  public void replayed(Entry entry) {}

  @Override
  public void caughtUp(long lastIndex) {
    claim.run();
  }

  @Override
  public void claimLost(EpochRecord other) {
    throw new AssertionError("somebody else claimed");
  }

  @Override
  public void leading(long epoch, long lastIndex) {
    write.run();
  }

  @Override
  public void committed(long index) {
    written.run();
  }

  @Override
  public void proved() {}

  @Override
  public void deposed(String why) {
    throw new AssertionError(why);
  }

  @Override
  public void failed(String why) {
    throw new AssertionError(why);
  }
}

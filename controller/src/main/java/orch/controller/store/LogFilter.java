package orch.controller.store;

import org.jspecify.annotations.Nullable;

/** Passes a log on, but for what is overridden. */
public abstract class LogFilter implements LogContents {
  protected final LogContents to;

  protected LogFilter(LogContents to) {
    this.to = to;
  }

  @Override
  public void begin(EpochRecord epoch, @Nullable Manifest manifest) {
    to.begin(epoch, manifest);
  }

  @Override
  public void section(byte[] bytes) {
    to.section(bytes);
  }

  @Override
  public void entry(Entry entry) {
    to.entry(entry);
  }

  @Override
  public void end() {
    to.end();
  }
}

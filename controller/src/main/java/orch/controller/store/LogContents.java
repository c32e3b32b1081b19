package orch.controller.store;

import org.jspecify.annotations.Nullable;

/** Takes everything that stands in a log, in order, from ZooKeeper or from a backup. */
public interface LogContents {
  /** First of all; {@code manifest} null: there is no checkpoint. */
  void begin(EpochRecord epoch, @Nullable Manifest manifest);

  /** The next section of the checkpoint; its bytes fit its checksum. */
  void section(byte[] bytes);

  /** The next entry, from the oldest that was asked for on, without a gap. */
  void entry(Entry entry);

  /** There is no more. */
  void end();
}

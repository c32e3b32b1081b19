package orch.agent.core;

import java.util.List;
import orch.api.model.Uid;

/**
 * How memory stands on a host at one moment.
 *
 * @param totalBytes of the host
 * @param availableBytes that can be had without swapping (MemAvailable of /proc/meminfo)
 * @param stalled tasks of the host waited for memory, by the host's PSI trigger
 */
public record MemoryFigures(
    long totalBytes, long availableBytes, boolean stalled, List<Usage> usages) {
  public MemoryFigures {
    usages = List.copyOf(usages);
  }

  /**
   * Of one attempt; counters as its leaf's memory.events has them.
   *
   * @param currentBytes memory.current
   * @param high times that memory.high was passed
   * @param max times that memory.max was hit
   * @param oomKills processes that the kernel killed
   * @param stalled its processes waited for memory, by its own PSI trigger
   */
  public record Usage(
      Uid uid, long currentBytes, long high, long max, long oomKills, boolean stalled) {}

  /** In thousandths of the host's memory. */
  long availablePermille() {
    return totalBytes == 0 ? 1_000 : availableBytes * 1_000 / totalBytes;
  }
}

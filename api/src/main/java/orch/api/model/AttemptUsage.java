package orch.api.model;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a running attempt uses; null is what its node cannot tell.
 *
 * @param memoryLimitBytes null: none, or none that the node enforces
 * @param processesLimit the same
 * @param zombies of the processes those that have ended and were not waited for
 * @param missing fields of the API's TaskStats that the node cannot tell
 * @param summed fields that are sums over the processes which live now
 * @param timeNanos when the node looked, since the epoch
 */
public record AttemptUsage(
    @Nullable Long cpuUserMicros,
    @Nullable Long cpuSystemMicros,
    @Nullable Long memoryCurrentBytes,
    @Nullable Long memoryPeakBytes,
    @Nullable Long processes,
    @Nullable Long readBytes,
    @Nullable Long writeBytes,
    @Nullable Double cpuPressure,
    @Nullable Double memoryPressure,
    @Nullable Double ioPressure,
    @Nullable Long memoryLimitBytes,
    @Nullable Long processesLimit,
    @Nullable Long throttledMicros,
    @Nullable Long oomKills,
    @Nullable Long zombies,
    List<String> missing,
    List<String> summed,
    long timeNanos) {
  public AttemptUsage {
    missing = List.copyOf(missing);
    summed = List.copyOf(summed);
  }
}

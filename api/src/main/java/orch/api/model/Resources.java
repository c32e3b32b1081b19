package orch.api.model;

import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What a task reserves and may use at most.
 *
 * @param cpuMillis thousandths of a CPU reserved, and the weight
 * @param cpuMaxMillis cap; 0: none
 * @param memoryBytes reserved and hard limit; 0: nothing reserved, no limit
 * @param memoryHighBytes throttling from here; 0: none
 * @param swapBytes null: none where memory is limited
 * @param pids most processes and threads; 0: 16384
 * @param memoryLowBytes protected from reclaim; 0: none
 * @param cpuset CPUs such as 0-3,8, or {@link #NUMA}; empty: all
 */
public record Resources(
    long cpuMillis,
    long cpuMaxMillis,
    long memoryBytes,
    long memoryHighBytes,
    @Nullable Long swapBytes,
    long pids,
    IoLimits io,
    List<String> ports,
    SortedMap<String, Integer> devices,
    SortedMap<String, Integer> licenses,
    long memoryLowBytes,
    String cpuset,
    MemoryPressurePolicy memoryPressure) {
  /** Reservation of a task that says nothing. */
  public static final long DEFAULT_CPU_MILLIS = 100;

  /** A {@link #cpuset} that leaves the choice of a NUMA node to the agent. */
  public static final String NUMA = "numa";

  public static final Resources DEFAULT =
      new Resources(
          DEFAULT_CPU_MILLIS,
          0,
          0,
          0,
          null,
          0,
          IoLimits.NONE,
          List.of(),
          new TreeMap<>(),
          new TreeMap<>(),
          0,
          "");

  /** With nothing to be done when memory grows short. */
  public Resources(
      long cpuMillis,
      long cpuMaxMillis,
      long memoryBytes,
      long memoryHighBytes,
      @Nullable Long swapBytes,
      long pids,
      IoLimits io,
      List<String> ports,
      SortedMap<String, Integer> devices,
      SortedMap<String, Integer> licenses,
      long memoryLowBytes,
      String cpuset) {
    this(
        cpuMillis,
        cpuMaxMillis,
        memoryBytes,
        memoryHighBytes,
        swapBytes,
        pids,
        io,
        ports,
        devices,
        licenses,
        memoryLowBytes,
        cpuset,
        MemoryPressurePolicy.NONE);
  }

  public Resources {
    ports = List.copyOf(ports);
    devices = Collections.unmodifiableSortedMap(new TreeMap<>(devices));
    licenses = Collections.unmodifiableSortedMap(new TreeMap<>(licenses));
  }
}

package orch.controller.scheduler;

import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;
import orch.api.model.Resources;

/**
 * What one task reserves on its node.
 *
 * @param ports how many
 */
public record Need(
    long cpuMillis, long memoryBytes, int ports, SortedMap<String, Integer> devices) {
  public Need {
    devices = Collections.unmodifiableSortedMap(new TreeMap<>(devices));
  }

  /**
   * The need of a task.
   *
   * @param memoryBytes in place of the spec's; 0: the spec's
   */
  public static Need of(Resources resources, long memoryBytes) {
    return new Need(
        resources.cpuMillis(),
        memoryBytes == 0 ? resources.memoryBytes() : memoryBytes,
        resources.ports().size(),
        resources.devices());
  }

  Need withMemory(long bytes) {
    return bytes == 0 ? this : new Need(cpuMillis, bytes, ports, devices);
  }
}

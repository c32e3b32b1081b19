package orch.api.model;

import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;

/** What a node offers, or what is taken of it. */
public record NodeCapacity(
    long cpuMillis, long memoryBytes, int attempts, SortedMap<String, Integer> devices) {
  public NodeCapacity {
    devices = Collections.unmodifiableSortedMap(new TreeMap<>(devices));
  }
}

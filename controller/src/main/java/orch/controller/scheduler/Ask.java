package orch.controller.scheduler;

import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Tasks of one class that want a place.
 *
 * @param count how many, at least 1
 * @param memoryBytes limit in place of the spec's; 0: the spec's
 * @param avoid number of a node that is taken last; -1: none
 * @param present live attempts of the job by node number; needed where the class spreads or wants
 *     one task a node, else empty
 * @param since stamp of the fleet at which the class fitted nowhere; -1: look everywhere
 */
public record Ask(
    Demand demand,
    int count,
    long memoryBytes,
    int avoid,
    SortedMap<Integer, Integer> present,
    long since) {
  public Ask {
    present = Collections.unmodifiableSortedMap(new TreeMap<>(present));
  }
}

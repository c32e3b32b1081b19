package orch.api.model;

import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Something that happened on a node, for people.
 *
 * @param sequence rises by one within the life of an agent's process
 * @param timeNanos since the epoch on the node's clock
 * @param jobNumber 0: it is the node's own
 * @param type stable word in UPPER_SNAKE_CASE
 * @param figures what was measured, by name
 */
public record NodeEvent(
    long sequence,
    long timeNanos,
    long jobNumber,
    int index,
    int attempt,
    String type,
    String message,
    SortedMap<String, Long> figures) {
  public NodeEvent {
    figures = Collections.unmodifiableSortedMap(new TreeMap<>(figures));
  }
}

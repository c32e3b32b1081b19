package orch.api.model;

import java.time.Duration;
import java.util.SortedMap;
import org.jspecify.annotations.Nullable;

/**
 * An attempt that should be on a node.
 *
 * @param bootId the boot it is for; an agent of another boot refuses it
 * @param stop null: it should run
 * @param startDelay counted by the agent on CLOCK_BOOTTIME from the receipt
 * @param ports allocated ports by name
 * @param item value of {@code ${task.item}}
 * @param memoryBytes memory limit in place of the spec's; 0: the spec's
 * @param frozen it is to stand still; one that has not started does not start
 */
public record DesiredAttempt(
    Uid uid,
    Uid jobUid,
    long specVersion,
    int index,
    int attempt,
    String bootId,
    @Nullable StopOrder stop,
    Duration startDelay,
    SortedMap<String, Integer> ports,
    long fencingToken,
    String spanId,
    String item,
    long memoryBytes,
    StageTimes stages,
    boolean frozen) {
  /** One that is not to stand still. */
  public DesiredAttempt(
      Uid uid,
      Uid jobUid,
      long specVersion,
      int index,
      int attempt,
      String bootId,
      @Nullable StopOrder stop,
      Duration startDelay,
      SortedMap<String, Integer> ports,
      long fencingToken,
      String spanId,
      String item,
      long memoryBytes,
      StageTimes stages) {
    this(
        uid,
        jobUid,
        specVersion,
        index,
        attempt,
        bootId,
        stop,
        startDelay,
        ports,
        fencingToken,
        spanId,
        item,
        memoryBytes,
        stages,
        false);
  }
}

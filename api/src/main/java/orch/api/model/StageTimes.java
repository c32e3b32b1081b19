package orch.api.model;

/**
 * When an attempt passed each stage, in nanoseconds since the epoch on the clock of the part that
 * saw it; 0 where it was not recorded. Only for who measures, no decision looks at it.
 */
public record StageTimes(
    long acceptNanos,
    long commitNanos,
    long placeNanos,
    long sendNanos,
    long receiveNanos,
    long launchNanos,
    long execNanos,
    long exitNanos,
    long recordNanos,
    long reportNanos,
    long ackNanos) {
  public static final StageTimes NONE = new StageTimes(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
}

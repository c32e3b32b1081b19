package orch.api.model;

import java.time.Duration;

/** Behaviour without a connection to the controller. */
public record PartitionPolicy(PartitionMode mode, Duration lostAfter, Duration stopAfter) {
  public static final PartitionPolicy DEFAULT =
      new PartitionPolicy(PartitionMode.KEEP, Duration.ofMinutes(5), Duration.ofSeconds(30));
}

package orch.api.model;

import java.time.Duration;

/** How the tasks of a service are replaced by a new version. */
public record UpdatePolicy(
    int maxParallel,
    Duration minHealthy,
    Duration healthyDeadline,
    int canary,
    boolean autoRollback) {
  public static final UpdatePolicy DEFAULT =
      new UpdatePolicy(1, Duration.ofSeconds(10), Duration.ofMinutes(5), 0, false);
}

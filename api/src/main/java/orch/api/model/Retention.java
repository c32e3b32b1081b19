package orch.api.model;

import java.time.Duration;

/** How long a finished job's result and its logs are kept. */
public record Retention(Duration results, Duration logs) {
  public static final Retention DEFAULT = new Retention(Duration.ofDays(30), Duration.ofDays(7));
}

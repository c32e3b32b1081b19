package orch.api.model;

import org.jspecify.annotations.Nullable;

/** The health checks of a task; null: none. */
public record HealthChecks(
    @Nullable HealthCheck startup,
    @Nullable HealthCheck readiness,
    @Nullable HealthCheck liveness) {
  public static final HealthChecks NONE = new HealthChecks(null, null, null);
}

package orch.api.model;

import org.jspecify.annotations.Nullable;

/** The health checks of a task; null: none. */
public record HealthChecks(
    @Nullable HealthCheck startup,
    @Nullable HealthCheck readiness,
    @Nullable HealthCheck liveness) {
  public static final HealthChecks NONE = new HealthChecks(null, null, null);

  /** Whether tasks tell by sd_notify when they are ready. */
  public boolean saysReadiness() {
    return notifies(startup) || notifies(readiness);
  }

  /** Whether tasks get a NOTIFY_SOCKET. */
  public boolean notifies() {
    return saysReadiness() || notifies(liveness);
  }

  private static boolean notifies(@Nullable HealthCheck check) {
    return check != null && check.probe() instanceof Probe.Notify;
  }
}

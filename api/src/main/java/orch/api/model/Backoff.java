package orch.api.model;

import java.time.Duration;

/**
 * Delay before restart n: {@code initial * factor^(n-1)}, at most {@code max}, spread by ±jitter.
 *
 * @param jitter share of the delay, 0 to 1
 * @param resetAfter a run of this length resets the counter
 */
public record Backoff(
    Duration initial, double factor, Duration max, double jitter, Duration resetAfter) {
  public static final Backoff DEFAULT =
      new Backoff(Duration.ofSeconds(1), 2, Duration.ofMinutes(5), 0.2, Duration.ofMinutes(10));
}

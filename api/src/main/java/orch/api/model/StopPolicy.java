package orch.api.model;

import java.time.Duration;
import java.util.List;

/**
 * How a task is stopped.
 *
 * @param signal number
 * @param grace from the signal to the kill
 * @param maxGrace the longest that a task may draw its stop out to, from the stop's beginning, by
 *     {@code EXTEND_TIMEOUT_USEC} of sd_notify(3); never less than {@code grace}
 * @param preStop command run before the signal, inside the grace
 */
public record StopPolicy(
    int signal, Duration grace, Duration maxGrace, List<String> preStop, StopMode mode) {
  public static final StopPolicy BATCH_DEFAULT = after(Duration.ofSeconds(10));
  public static final StopPolicy SERVICE_DEFAULT = after(Duration.ofSeconds(30));

  public StopPolicy {
    preStop = List.copyOf(preStop);
  }

  /** SIGTERM to all, and after {@code grace} the kill. */
  public static StopPolicy after(Duration grace) {
    return new StopPolicy(15, grace, defaultMaxGrace(grace), List.of(), StopMode.GROUP);
  }

  /** Where nothing else is said. */
  public static Duration defaultMaxGrace(Duration grace) {
    Duration usual = Duration.ofMinutes(10);
    return grace.compareTo(usual) > 0 ? grace : usual;
  }
}

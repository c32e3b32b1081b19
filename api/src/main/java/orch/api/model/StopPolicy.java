package orch.api.model;

import java.time.Duration;
import java.util.List;

/**
 * How a task is stopped.
 *
 * @param signal number
 * @param grace from the signal to the kill
 * @param preStop command run before the signal, inside the grace
 */
public record StopPolicy(int signal, Duration grace, List<String> preStop, StopMode mode) {
  public static final StopPolicy BATCH_DEFAULT =
      new StopPolicy(15, Duration.ofSeconds(10), List.of(), StopMode.GROUP);
  public static final StopPolicy SERVICE_DEFAULT =
      new StopPolicy(15, Duration.ofSeconds(30), List.of(), StopMode.GROUP);

  public StopPolicy {
    preStop = List.copyOf(preStop);
  }
}

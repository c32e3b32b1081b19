package orch.api.model;

import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Whether an ended attempt is run again; the rules come first, the first that matches decides.
 *
 * @param maxRetries restarts within {@code window}; -1: no limit
 * @param window null: the whole life of the task
 */
public record RestartPolicy(
    RestartWhen when,
    List<RestartRule> rules,
    Backoff backoff,
    int maxRetries,
    @Nullable Duration window,
    RestartExhausted exhausted) {
  public static final RestartPolicy BATCH_DEFAULT =
      new RestartPolicy(
          RestartWhen.ON_FAILURE, List.of(), Backoff.DEFAULT, 0, null, RestartExhausted.FAIL);
  public static final RestartPolicy SERVICE_DEFAULT =
      new RestartPolicy(
          RestartWhen.ALWAYS, List.of(), Backoff.DEFAULT, -1, null, RestartExhausted.FAIL);

  public RestartPolicy {
    rules = List.copyOf(rules);
  }
}

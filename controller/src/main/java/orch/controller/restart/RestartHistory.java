package orch.controller.restart;

import java.util.List;

/**
 * What earlier attempts of a task used up.
 *
 * @param counted restarts that count, over the task's life or since the counter began anew
 * @param step place of the newest attempt in the back-off's row; 0: it was no restart
 * @param times when the counted ones were decided, nanoseconds since the epoch, ascending; kept for
 *     policies with a window only, at most {@code maxRetries} of them
 */
public record RestartHistory(int counted, int step, List<Long> times) {
  public static final RestartHistory NONE = new RestartHistory(0, 0, List.of());

  public RestartHistory {
    times = List.copyOf(times);
  }
}

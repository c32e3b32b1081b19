package orch.api.model;

import java.time.Duration;
import java.util.List;

/** A command run after the job's end, however it ended. */
public record OnExit(List<String> command, Duration timeout) {
  public OnExit {
    command = List.copyOf(command);
  }
}

package orch.controller.core;

import orch.api.model.TaskState;

/**
 * Tasks by state.
 *
 * @param ready running ones that said that they are ready
 */
public record TaskCounts(
    int total,
    int waiting,
    int placed,
    int running,
    int stopping,
    int succeeded,
    int failed,
    int killed,
    int cancelled,
    int dropped,
    int ready) {
  public int of(TaskState state) {
    return switch (state) {
      case WAITING -> waiting;
      case PLACED -> placed;
      case RUNNING -> running;
      case STOPPING -> stopping;
      case SUCCEEDED -> succeeded;
      case FAILED -> failed;
      case KILLED -> killed;
      case CANCELLED -> cancelled;
      case DROPPED -> dropped;
    };
  }
}

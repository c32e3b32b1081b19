package orch.controller.core;

import orch.api.model.Dependency;
import orch.api.model.Result;
import orch.api.model.StartFailure;
import org.jspecify.annotations.Nullable;

/** Reasons in words. */
final class Sentences {
  private Sentences() {}

  /** How an attempt ended. */
  static String of(Result result) {
    return switch (result.kind()) {
      case EXITED -> result.siStatus() == 0 ? "" : "exit code " + result.siStatus();
      case SIGNALED -> "killed by signal " + result.siStatus();
      case OUT_OF_MEMORY -> "out of memory";
      case TIMED_OUT -> "timed out";
      case START_FAILED -> startFailed(result.startFailure());
      case STOPPED -> "stopped";
      case UNKNOWN -> "it ended, and nobody can know how";
      case LOST -> "its host died or was rebooted";
      case NO_LEASE -> "its node stopped it: no lease from a leader";
      case UNHEALTHY -> "not ready in time, or its watchdog was missed";
      case EVICTED -> "evicted: memory pressure";
    };
  }

  private static String startFailed(@Nullable StartFailure failure) {
    return failure == null ? "it could not be started" : failure.message();
  }

  /** What a job waits for. */
  static String waitsFor(Dependency dependency, long number) {
    String condition =
        switch (dependency.condition()) {
          case SUCCEEDED -> "to succeed";
          case FAILED -> "to fail";
          case FINISHED -> "to finish";
          case STARTED -> "to start";
        };
    return "job " + named(dependency, number) + " " + condition;
  }

  static String named(Dependency dependency, long number) {
    return dependency.job().equals(String.valueOf(number))
        ? dependency.job()
        : dependency.job() + " (" + number + ")";
  }

  static String count(int count, String noun) {
    return count == 1 ? "1 " + noun : count + " " + noun + "s";
  }
}

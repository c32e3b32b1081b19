package orch.controller.core;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import orch.api.model.StartFailure;
import org.jspecify.annotations.Nullable;

/** What few tasks have; a task without any of it has no such object. */
final class Extra {
  static final int[] NO_PORTS = {};
  static final long[] NO_TIMES = {};

  /** Why the task ended as it did, when its attempt does not say it. */
  String taskReason = "";

  // Of the newest attempt.
  String attemptReason = "";
  int[] ports = NO_PORTS;
  long version = 1;
  @Nullable StartFailure startFailure;
  @Nullable StopCause stopCause;
  @Nullable Duration stopGrace;
  String stopReason = "";
  long delayMillis;

  // Of the task, for its next attempts.
  long nextDelayMillis;
  long memoryBytes;
  boolean elsewhere;
  int counted;
  int step;
  long[] times = NO_TIMES;

  /** Older attempts, oldest first. */
  final List<PastAttempt> history = new ArrayList<>(0);

  /** Before a new attempt. */
  void forgetAttempt() {
    attemptReason = "";
    ports = NO_PORTS;
    version = 1;
    startFailure = null;
    stopCause = null;
    stopGrace = null;
    stopReason = "";
    delayMillis = 0;
  }

  /** Before a retry that somebody asked for. */
  void forgetRestarts() {
    taskReason = "";
    nextDelayMillis = 0;
    memoryBytes = 0;
    elsewhere = false;
    counted = 0;
    step = 0;
    times = NO_TIMES;
  }

  void write(CanonicalWriter to) {
    to.text(taskReason);
    to.text(attemptReason);
    to.number(ports.length);
    for (int port : ports) {
      to.number(port);
    }
    to.number(version);
    to.text(startFailure == null ? null : startFailure.toString());
    to.name(stopCause);
    to.text(stopGrace == null ? null : stopGrace.toString());
    to.text(stopReason);
    to.number(delayMillis);
    to.number(nextDelayMillis);
    to.number(memoryBytes);
    to.flag(elsewhere);
    to.number(counted);
    to.number(step);
    to.number(times.length);
    for (long time : times) {
      to.number(time);
    }
    to.number(history.size());
    for (PastAttempt past : history) {
      to.record(past);
    }
  }
}

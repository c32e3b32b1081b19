package orch.controller.core;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import orch.api.model.Readiness;
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
  Readiness readiness = Readiness.UNDECLARED;

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
    readiness = Readiness.UNDECLARED;
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

  /** An equal one that shares nothing with this one that is ever altered. */
  Extra copy() {
    Extra to = new Extra();
    to.taskReason = taskReason;
    to.attemptReason = attemptReason;
    to.ports = ports;
    to.version = version;
    to.startFailure = startFailure;
    to.stopCause = stopCause;
    to.stopGrace = stopGrace;
    to.stopReason = stopReason;
    to.delayMillis = delayMillis;
    to.readiness = readiness;
    to.nextDelayMillis = nextDelayMillis;
    to.memoryBytes = memoryBytes;
    to.elsewhere = elsewhere;
    to.counted = counted;
    to.step = step;
    to.times = times;
    to.history.addAll(history);
    return to;
  }

  /** Fields from 2 on: 1 is the chunk's. */
  void encode(PartWriter to) {
    to.text(2, taskReason);
    to.text(3, attemptReason);
    for (int port : ports) {
      to.present(4, port);
    }
    to.number(5, version - 1);
    if (startFailure != null) {
      to.part(6, Parts.startFailure(startFailure));
    }
    to.name(7, stopCause);
    if (stopGrace != null) {
      to.present(8, stopGrace.toNanos());
    }
    to.text(9, stopReason);
    to.number(10, delayMillis);
    to.number(11, nextDelayMillis);
    to.number(12, memoryBytes);
    to.flag(13, elsewhere);
    to.number(14, counted);
    to.number(15, step);
    for (long time : times) {
      to.present(16, time);
    }
    for (PastAttempt past : history) {
      to.part(17, Parts.pastAttempt(past));
    }
    to.name(18, readiness == Readiness.UNDECLARED ? null : readiness);
  }

  /** Takes the field that the reader stands at. */
  void decode(PartReader from) {
    switch (from.field()) {
      case 2 -> taskReason = from.text();
      case 3 -> attemptReason = from.text();
      case 4 -> {
        ports = Arrays.copyOf(ports, ports.length + 1);
        ports[ports.length - 1] = from.integer();
      }
      case 5 -> version = from.number() + 1;
      case 6 -> startFailure = Parts.startFailure(from.part("a failed start"));
      case 7 -> stopCause = from.name(StopCause.class);
      case 8 -> stopGrace = Duration.ofNanos(from.number());
      case 9 -> stopReason = from.text();
      case 10 -> delayMillis = from.number();
      case 11 -> nextDelayMillis = from.number();
      case 12 -> memoryBytes = from.number();
      case 13 -> elsewhere = from.flag();
      case 14 -> counted = from.integer();
      case 15 -> step = from.integer();
      case 16 -> {
        times = Arrays.copyOf(times, times.length + 1);
        times[times.length - 1] = from.number();
      }
      case 18 -> readiness = from.name(Readiness.class);
      case 17 -> history.add(Parts.pastAttempt(from.part("an attempt")));
      default -> throw from.unknown();
    }
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
    to.name(readiness);
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

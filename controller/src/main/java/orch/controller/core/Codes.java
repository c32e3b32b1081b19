package orch.controller.core;

import orch.api.model.AttemptState;
import orch.api.model.ResultKind;
import orch.api.model.TaskState;

/** Numbers of states in columns and hashes: fixed, whatever becomes of the enums' order. */
final class Codes {
  static final byte WAITING = 0;
  static final int TASK_STATES = 9;

  private static final TaskState[] TASKS = new TaskState[TASK_STATES];
  private static final AttemptState[] ATTEMPTS = new AttemptState[AttemptState.values().length];

  /** 0 means none. */
  private static final ResultKind[] RESULTS = new ResultKind[ResultKind.values().length + 1];

  static {
    for (TaskState state : TaskState.values()) {
      TASKS[of(state)] = state;
    }
    for (AttemptState state : AttemptState.values()) {
      ATTEMPTS[of(state)] = state;
    }
    for (ResultKind kind : ResultKind.values()) {
      RESULTS[of(kind)] = kind;
    }
  }

  private Codes() {}

  static byte of(TaskState state) {
    return switch (state) {
      case WAITING -> WAITING;
      case PLACED -> 1;
      case RUNNING -> 2;
      case STOPPING -> 3;
      case SUCCEEDED -> 4;
      case FAILED -> 5;
      case KILLED -> 6;
      case CANCELLED -> 7;
      case DROPPED -> 8;
    };
  }

  static TaskState task(byte code) {
    return TASKS[code];
  }

  static byte of(AttemptState state) {
    return switch (state) {
      case PLACED -> 0;
      case STARTING -> 1;
      case RUNNING -> 2;
      case STOPPING -> 3;
      case SUCCEEDED -> 4;
      case FAILED -> 5;
      case KILLED -> 6;
      case DROPPED -> 7;
      case UNREACHABLE -> 8;
      case LOST -> 9;
    };
  }

  static AttemptState attempt(byte code) {
    return ATTEMPTS[code];
  }

  static byte of(ResultKind kind) {
    return switch (kind) {
      case EXITED -> 1;
      case SIGNALED -> 2;
      case OUT_OF_MEMORY -> 3;
      case TIMED_OUT -> 4;
      case START_FAILED -> 5;
      case STOPPED -> 6;
      case UNKNOWN -> 7;
      case LOST -> 8;
      case NO_LEASE -> 9;
      case UNHEALTHY -> 10;
      case EVICTED -> 11;
    };
  }

  static ResultKind result(byte code) {
    return RESULTS[code];
  }
}

package orch.ctl.command;

import orch.ctl.http.ApiException;
import orch.ctl.http.CallException;
import orch.ctl.json.JsonObject;

/** The exit codes of orchctl, as docs/orchctl.md lists them. */
final class ExitCodes {
  static final int DONE = 0;
  static final int FAILED = 1;
  static final int USAGE = 2;
  static final int NOT_FOUND = 3;
  static final int CONFLICT = 4;
  static final int UNREACHABLE = 5;
  static final int NOT_PERMITTED = 6;

  /** The task ran into its timeout, as timeout(1) says it. */
  static final int TIMED_OUT = 124;

  /** Orch itself failed, of commands that pass on the code of a task. */
  static final int ORCH_FAILED = 125;

  /** SIGINT, as shells count it. */
  static final int INTERRUPTED = 130;

  /** SIGPIPE, as shells count it. */
  static final int CLOSED_OUTPUT = 141;

  private ExitCodes() {}

  /** The code for a call that failed. */
  static int of(CallException failure) {
    if (!(failure instanceof ApiException refused)) {
      return UNREACHABLE;
    }
    return switch (refused.code()) {
      case "invalid_argument", "out_of_range" -> USAGE;
      case "not_found" -> NOT_FOUND;
      case "already_exists", "aborted", "failed_precondition" -> CONFLICT;
      case "unavailable", "deadline_exceeded" -> UNREACHABLE;
      case "permission_denied", "unauthenticated" -> NOT_PERMITTED;
      default -> FAILED;
    };
  }

  /** The code of a job that has ended: its task's own, of several the highest. */
  static int ofJob(JsonObject job) {
    int code = (int) job.number("exitCode");
    return switch (job.text("state")) {
      case "JOB_STATE_SUCCEEDED" -> code;
      // It ended otherwise than its command wanted, even if no task says so.
      case "JOB_STATE_CANCELLED" -> code == 0 ? ORCH_FAILED : code;
      case "JOB_STATE_FAILED" -> code == 0 ? FAILED : code;
      default -> ORCH_FAILED;
    };
  }
}

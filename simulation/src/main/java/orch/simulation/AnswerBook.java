package orch.simulation;

import java.time.Instant;
import java.util.Map;
import java.util.TreeMap;
import orch.controller.core.Answer;
import orch.controller.core.Change;
import org.jspecify.annotations.Nullable;

/**
 * Answers to requests as the log has them: one for each request id (invariant 4), and there before
 * a caller hears it (invariant 3).
 */
final class AnswerBook implements CommittedLog.Reader {
  private final CommittedLog log;
  private final Map<String, Answer> answers = new TreeMap<>();

  AnswerBook(CommittedLog log) {
    this.log = log;
  }

  @Override
  public void changed(Change change, Instant now) {
    if (change instanceof Change.RequestAnswered of) {
      if (answers.put(of.requestId(), of.answer()) != null) {
        throw new Violation(4, "request " + of.requestId() + " was answered twice");
      }
    } else if (change instanceof Change.RequestsExpired of) {
      // An id begins with the time at which it was made.
      answers.keySet().removeIf(id -> millis(id) + 1_000_000 < of.beforeMillis());
    }
  }

  private static long millis(String id) {
    return Long.parseLong(id.substring(0, 8) + id.substring(9, 13), 16);
  }

  @Override
  public void revision(long revision) {}

  @Nullable Answer answer(String requestId) {
    return answers.get(requestId);
  }

  /** A controller lets an answer go out. */
  void released(String controller, String requestId, Answer answer, long revision) {
    if (revision > log.revision()) {
      throw new Violation(
          3,
          controller
              + " answers at revision "
              + revision
              + ", committed are "
              + log.revision()
              + ": "
              + answer);
    }
    if (answer instanceof Answer.Validated) {
      return; // Nothing was done.
    }
    Answer logged = answers.get(requestId);
    if (logged == null && !(answer instanceof Answer.Rejected)) {
      throw new Violation(3, controller + " answers what the log does not have: " + answer);
    }
    if (logged != null && !logged.equals(answer) && !(answer instanceof Answer.Rejected)) {
      throw new Violation(4, controller + " answers " + answer + ", the log has " + logged);
    }
  }

  /** A controller lets a read go out to somebody who wants it to be no older than {@code least}. */
  void read(String controller, long revision, long least) {
    if (revision < least) {
      throw new Violation(
          18, controller + " shows revision " + revision + ", " + least + " was asked for");
    }
    if (revision > log.revision()) {
      throw new Violation(
          5, controller + " shows revision " + revision + ", committed are " + log.revision());
    }
  }
}

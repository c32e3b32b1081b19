package orch.controller.core;

import java.util.Iterator;
import java.util.LinkedHashMap;
import org.jspecify.annotations.Nullable;

/** Answers to requests that may be repeated, oldest first. */
final class Requests {
  /** An answered request; {@code millis} by the log's clock. */
  record Answered(String principal, long bodyHash, long millis, Answer answer) {}

  private final LinkedHashMap<String, Answered> byId = new LinkedHashMap<>();

  int size() {
    return byId.size();
  }

  @Nullable Answered find(String requestId) {
    return byId.get(requestId);
  }

  void add(Change.RequestAnswered change, long millis) {
    Answered before =
        byId.put(
            change.requestId(),
            new Answered(change.principal(), change.bodyHash(), millis, change.answer()));
    if (before != null) {
      throw new InvariantError("request " + change.requestId() + " is answered twice");
    }
  }

  /** Time of the oldest, milliseconds; {@code Long.MAX_VALUE}: there is none. */
  long oldestMillis() {
    Iterator<Answered> answers = byId.values().iterator();
    return answers.hasNext() ? answers.next().millis() : Long.MAX_VALUE;
  }

  void expire(long beforeMillis) {
    Iterator<Answered> answers = byId.values().iterator();
    while (answers.hasNext() && answers.next().millis() < beforeMillis) {
      answers.remove();
    }
  }

  void write(CanonicalWriter to) {
    to.number(byId.size());
    byId.forEach((id, answered) -> {
      to.text(id);
      to.record(answered);
    });
  }
}

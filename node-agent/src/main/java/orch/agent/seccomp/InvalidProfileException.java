package orch.agent.seccomp;

import java.io.Serial;
import java.util.List;

/** A profile that is not there or cannot be understood; the message says what to mend. */
public final class InvalidProfileException extends Exception {
  @Serial private static final long serialVersionUID = 1L;

  private static final int SHOWN = 5;

  InvalidProfileException(String message) {
    super(message);
  }

  static InvalidProfileException of(List<String> problems) {
    String shown = String.join("; ", problems.subList(0, Math.min(SHOWN, problems.size())));
    int more = problems.size() - SHOWN;
    return new InvalidProfileException(more > 0 ? shown + "; and " + more + " more" : shown);
  }
}

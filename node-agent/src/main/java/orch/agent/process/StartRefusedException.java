package orch.agent.process;

import java.io.Serial;
import orch.api.model.StartFailure;

/** An attempt cannot be started, and that is known before a shim hears of it. */
public final class StartRefusedException extends Exception {
  @Serial private static final long serialVersionUID = 1L;

  private final transient StartFailure failure;

  public StartRefusedException(String stage, int errno, String message) {
    super(message);
    failure = new StartFailure(stage, errno, message);
  }

  public StartFailure failure() {
    return failure;
  }
}

package orch.controller.convert;

import java.io.Serial;

/**
 * The log holds a change that this version does not know: a newer member wrote it. This member must
 * stop; it cannot tell what the state is.
 */
public final class UnknownChangeException extends RuntimeException {
  @Serial private static final long serialVersionUID = 1L;

  UnknownChangeException(String message) {
    super(message);
  }
}

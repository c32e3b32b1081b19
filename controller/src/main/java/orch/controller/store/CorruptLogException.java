package orch.controller.store;

import java.io.Serial;

/** Something in ZooKeeper is not what was written there, or was written by a newer version. */
public final class CorruptLogException extends RuntimeException {
  @Serial private static final long serialVersionUID = 1L;

  CorruptLogException(String message) {
    super(message);
  }
}

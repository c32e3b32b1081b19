package orch.agent.process;

import orch.api.model.Uid;
import org.jspecify.annotations.Nullable;

/** A shim as {@link LauncherClient} knows it. */
final class Shim {
  final int slot;
  final int fd;

  /** Highest request number used. */
  long seq;

  /** That of the START of {@link #uid}, when this agent made it. */
  long startSeq = -1;

  /** Guarded, or handed over; null: free. */
  @Nullable Uid uid;

  /** What was handed over; null once the task executes, and for one of an earlier agent. */
  @Nullable StartRequest request;

  /** Has answered the question of a new connection. */
  boolean answered;

  Shim(int slot, int fd, long seq, @Nullable Uid uid) {
    this.slot = slot;
    this.fd = fd;
    this.seq = seq;
    this.uid = uid;
  }

  void free() {
    uid = null;
    request = null;
    startSeq = -1;
  }
}

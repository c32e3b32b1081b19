package orch.agent.process;

import orch.api.model.Uid;
import org.jspecify.annotations.Nullable;

/** A shim as {@link LauncherClient} knows it. */
final class Shim {
  final int slot;
  final int fd;

  /** 0: it died and has no replacement yet. */
  int pid;

  /** Highest request number used. */
  long seq;

  /** That of the START of {@link #uid}, when this agent made it. */
  long startSeq = -1;

  /** Guarded, or handed over; null: free. */
  @Nullable Uid uid;

  /** What was handed over; null once the task executes, and for one of an earlier agent. */
  @Nullable StartRequest request;

  /** Of the task, once it was told; 0: not known. */
  int leaderPid;

  /** Field 22 of /proc/PID/stat of the leader. */
  long leaderStart;

  /** Has answered the question of a new connection. */
  boolean answered;

  Shim(int slot, int pid, int fd, long seq, @Nullable Uid uid) {
    this.pid = pid;
    this.slot = slot;
    this.fd = fd;
    this.seq = seq;
    this.uid = uid;
  }

  /** Its task executes; null: nothing was told of it. */
  void leads(Incoming.@Nullable StartFacts started) {
    if (started != null) {
      leaderPid = started.pid();
      leaderStart = started.pidStart();
    }
  }

  void free() {
    uid = null;
    request = null;
    startSeq = -1;
    leaderPid = 0;
    leaderStart = 0;
  }
}

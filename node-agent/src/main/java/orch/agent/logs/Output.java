package orch.agent.logs;

/** One attempt's output: whose it is and whether more can come. Guarded by {@link OutputIndex}. */
final class Output {
  final TaskIdentity identity;

  /** Rises in the order in which attempts were announced to this agent. */
  final long sequence;

  private volatile long endedMillis;

  Output(TaskIdentity identity, long sequence) {
    this.identity = identity;
    this.sequence = sequence;
  }

  boolean ended() {
    return endedMillis > 0;
  }

  /** Milliseconds since the epoch; 0 while more can come. */
  long endedMillis() {
    return endedMillis;
  }

  void end(long nowMillis) {
    endedMillis = Math.max(1, nowMillis);
  }
}

package orch.agent.journal;

/** journald's datagram socket. */
public interface JournalSocket extends AutoCloseable {
  /**
   * Sends one entry without waiting.
   *
   * @return false when journald takes nothing now (its queue is full, it is being restarted) or is
   *     not there: keep the entry and try again later
   */
  boolean send(byte[] entry);

  @Override
  void close();
}

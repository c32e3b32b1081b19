package orch.agent.logs;

import java.util.List;
import orch.api.model.LogRecord;

/** Where a log stream goes: the controller's ServeLogs stream. Called by one thread at a time. */
public interface LogSink {
  /**
   * Hands records on, waiting while the receiver grants no credit.
   *
   * @return false when the receiver is gone; the stream then ends
   */
  boolean send(List<LogRecord> records) throws InterruptedException;

  /** A sentence for people about output that cannot be had. */
  void notice(String sentence);

  /** Everything was sent. */
  void complete();
}

package orch.agent.logs;

import java.util.List;

/**
 * One ServeLogs stream as its writer sees it. May be called by any one thread at a time; nothing
 * blocks. After its end every call but {@link #closed} does nothing.
 */
public interface LogSink {
  /** Bytes of record data that the controller takes now; send nothing while it is 0 or below. */
  long credit();

  /**
   * Runs {@code action} each time that credit was granted and once when the stream is closed, on a
   * thread that must not be blocked. At once, too, when there is credit already.
   */
  void onCredit(Runnable action);

  /** Sends records, whose bytes are taken from the credit (which one record may overdraw). */
  void send(List<LogLine> lines);

  /** Sends a sentence for the reader, such as that output was removed by a limit. */
  void notice(String sentence);

  /** All was sent. */
  void end();

  /** Whether it has ended, by either side. */
  boolean closed();
}

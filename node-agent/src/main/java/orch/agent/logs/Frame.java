package orch.agent.logs;

/**
 * One frame of a segment: a line or a part of one, or the count of what was lost.
 *
 * @param stream 1 stdout, 2 stderr; 0 in a loss frame for both
 * @param partial the line goes on in the stream's next frame
 * @param noNewline the last line of the stream, which ended without a newline
 * @param realtimeNanos when the shim read it from the task, since the epoch
 * @param payload the bytes without the newline; empty in a loss frame
 * @param lostBytes bytes lost before the next frame; 0 but in a loss frame
 */
record Frame(
    int stream,
    boolean partial,
    boolean noNewline,
    long realtimeNanos,
    byte[] payload,
    long lostBytes,
    long lostLines) {
  static final int STDOUT = 1;
  static final int STDERR = 2;

  boolean isLoss() {
    return lostBytes > 0 || lostLines > 0;
  }

  /** Whether a line ends here. */
  boolean endsLine() {
    return !partial && !isLoss();
  }

  /** Exactly what the task wrote, the newline included where there was one. */
  byte[] bytes() {
    if (partial || noNewline || isLoss()) {
      return payload;
    }
    byte[] line = new byte[payload.length + 1];
    System.arraycopy(payload, 0, line, 0, payload.length);
    line[payload.length] = '\n';
    return line;
  }
}

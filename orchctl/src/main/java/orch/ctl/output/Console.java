package orch.ctl.output;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;

/**
 * Standard output and error. Bytes pass as they are; text is UTF-8. Output is gathered until {@link
 * #flush}; what goes to standard error is written at once, after what came before it on standard
 * output. For several threads.
 */
public final class Console {
  private static final String CLEAR_LINE = "\r\033[K";

  private final OutputStream out;
  private final OutputStream err;
  private final Terminal terminal;
  private final byte[] buffer = new byte[16 * 1024];
  private int length;
  private boolean progressShown;

  /** Writes to these two; {@code terminal} says which of them is one. */
  public Console(OutputStream out, OutputStream err, Terminal terminal) {
    this.out = out;
    this.err = err;
    this.terminal = terminal;
  }

  /** What is known of the streams. */
  public Terminal terminal() {
    return terminal;
  }

  /** Text to standard output. */
  public void print(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    write(bytes, 0, bytes.length);
  }

  /** A line to standard output. */
  public void println(String line) {
    print(line + "\n");
  }

  /** Bytes to standard output, exactly these. */
  public synchronized void write(byte[] bytes, int offset, int count) {
    if (count > buffer.length - length) {
      flush();
    }
    if (count > buffer.length) {
      deliver(bytes, offset, count);
      return;
    }
    System.arraycopy(bytes, offset, buffer, length, count);
    length += count;
  }

  /** Bytes to standard error, exactly these. */
  public synchronized void writeError(byte[] bytes, int offset, int count) {
    flush();
    clearProgress();
    deliverError(bytes, offset, count);
  }

  /** A message of orchctl itself, a line to standard error. */
  public void note(String message) {
    errorLine("orchctl: " + message);
  }

  /** A line to standard error. */
  public synchronized void errorLine(String line) {
    byte[] bytes = (line + "\n").getBytes(StandardCharsets.UTF_8);
    writeError(bytes, 0, bytes.length);
  }

  /** Text to standard error without a newline, for a question. */
  public synchronized void prompt(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    writeError(bytes, 0, bytes.length);
  }

  /** Shows a line on a terminal's standard error in place of the one shown before. */
  public synchronized void progress(String line) {
    if (!terminal.error()) {
      return;
    }
    flush();
    byte[] bytes = (CLEAR_LINE + line).getBytes(StandardCharsets.UTF_8);
    deliverError(bytes, 0, bytes.length);
    progressShown = true;
  }

  /** Takes away the line of {@link #progress}. */
  public synchronized void clearProgress() {
    if (progressShown) {
      progressShown = false;
      byte[] bytes = CLEAR_LINE.getBytes(StandardCharsets.UTF_8);
      deliverError(bytes, 0, bytes.length);
    }
  }

  /** Hands on what was gathered. */
  public synchronized void flush() {
    int count = length;
    length = 0;
    if (count > 0) {
      deliver(buffer, 0, count);
    }
  }

  private void deliver(byte[] bytes, int offset, int count) {
    try {
      if (progressShown && terminal.output()) {
        clearProgress();
      }
      out.write(bytes, offset, count);
      out.flush();
    } catch (IOException failure) {
      String message = String.valueOf(failure.getMessage());
      if (message.contains("Broken pipe") || message.contains("Bad file descriptor")) {
        throw new ClosedOutputException();
      }
      throw new FailedOutputException(failure);
    }
  }

  private void deliverError(byte[] bytes, int offset, int count) {
    try {
      err.write(bytes, offset, count);
      err.flush();
    } catch (IOException nobodyListens) {
      // There is no place left to say so.
    }
  }
}

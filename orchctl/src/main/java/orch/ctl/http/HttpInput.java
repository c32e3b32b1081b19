package orch.ctl.http;

import java.io.EOFException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

/** What a server sends on a connection: lines, then bodies. */
final class HttpInput {
  /** Longest line that is read; a status line or a header. */
  private static final int MAX_LINE = 64 * 1024;

  /** Where the bytes come from; as {@link java.io.InputStream#read(byte[], int, int)}. */
  @FunctionalInterface
  interface Source {
    int read(byte[] target, int offset, int length) throws IOException;
  }

  private final Source in;
  private final byte[] buffer = new byte[16 * 1024];
  private int from;
  private int to;
  private boolean touched;

  HttpInput(Source in) {
    this.in = in;
  }

  /** A line without its end. */
  String line() throws IOException {
    StringBuilder line = new StringBuilder(64);
    while (true) {
      int start = from;
      while (from < to) {
        if (buffer[from++] == '\n') {
          append(line, start, from - 1);
          int last = line.length() - 1;
          if (last >= 0 && line.charAt(last) == '\r') {
            line.setLength(last);
          }
          return line.toString();
        }
      }
      append(line, start, to);
      if (line.length() > MAX_LINE) {
        throw new IOException("a header of more than " + MAX_LINE + " bytes");
      }
      if (!fill()) {
        throw new EOFException("the connection was closed");
      }
    }
  }

  private void append(StringBuilder line, int start, int end) {
    line.append(new String(buffer, start, end - start, StandardCharsets.ISO_8859_1));
  }

  /** Up to {@code length} bytes; -1 at the end. */
  int read(byte[] target, int offset, int length) throws IOException {
    if (from == to) {
      if (length >= buffer.length) {
        int count = in.read(target, offset, length);
        touched |= count > 0;
        return count;
      }
      if (!fill()) {
        return -1;
      }
    }
    int count = Math.min(length, to - from);
    System.arraycopy(buffer, from, target, offset, count);
    from += count;
    return count;
  }

  /** Whether any byte came since {@link #forget}. */
  boolean touched() {
    return touched;
  }

  /** Begins to watch for the first byte anew. */
  void forget() {
    touched = false;
  }

  private boolean fill() throws IOException {
    from = 0;
    to = Math.max(0, in.read(buffer, 0, buffer.length));
    touched |= to > 0;
    return to > 0;
  }
}

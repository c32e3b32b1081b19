package orch.ctl.http;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;

/** The body of a response, framed by length, by chunks or by the end of the connection. */
final class HttpBody extends InputStream {
  private static final long UNTIL_CLOSE = -1;

  private final HttpInput in;
  private final boolean chunked;

  /** Bytes to come of the body or of the chunk; {@link #UNTIL_CLOSE} when nobody knows. */
  private long remaining;

  private boolean firstChunk = true;
  private boolean ended;

  private HttpBody(HttpInput in, boolean chunked, long remaining) {
    this.in = in;
    this.chunked = chunked;
    this.remaining = remaining;
    this.ended = !chunked && remaining == 0;
  }

  static HttpBody chunked(HttpInput in) {
    return new HttpBody(in, true, 0);
  }

  static HttpBody ofLength(HttpInput in, long length) {
    return new HttpBody(in, false, length);
  }

  static HttpBody untilClose(HttpInput in) {
    return new HttpBody(in, false, UNTIL_CLOSE);
  }

  /** Whether the body was read to its end, so that the connection can carry another request. */
  boolean ended() {
    return ended;
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] target, int offset, int length) throws IOException {
    if (length == 0) {
      return 0;
    }
    if (!ended && chunked && remaining == 0) {
      nextChunk();
    }
    if (ended) {
      return -1;
    }
    int wanted = remaining == UNTIL_CLOSE ? length : (int) Math.min(length, remaining);
    int count = in.read(target, offset, wanted);
    if (count < 0) {
      if (remaining == UNTIL_CLOSE) {
        ended = true;
        return -1;
      }
      throw new EOFException("the connection was closed inside an answer");
    }
    if (remaining != UNTIL_CLOSE) {
      remaining -= count;
      ended = remaining == 0 && !chunked;
    }
    return count;
  }

  /** Reads on to the end of the body, so that the connection is free, if little is left of it. */
  void finish() throws IOException {
    byte[] rest = new byte[512];
    for (int i = 0; i < 16 && !ended; i++) {
      if (read(rest, 0, rest.length) < 0) {
        return;
      }
    }
  }

  private void nextChunk() throws IOException {
    if (!firstChunk && !in.line().isEmpty()) {
      throw new IOException("a chunk that is longer than it said");
    }
    firstChunk = false;
    String size = in.line();
    int extension = size.indexOf(';');
    String digits = (extension < 0 ? size : size.substring(0, extension)).strip();
    try {
      remaining = Long.parseLong(digits, 16);
    } catch (NumberFormatException notANumber) {
      throw new IOException("a chunk with the size '" + digits + "'", notANumber);
    }
    if (remaining < 0) {
      throw new IOException("a chunk with the size '" + digits + "'");
    }
    if (remaining == 0) {
      while (!in.line().isEmpty()) {
        // Trailers say nothing that is of use here.
      }
      ended = true;
    }
  }
}

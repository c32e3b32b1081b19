package orch.ctl.http;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import orch.ctl.json.Json;
import orch.ctl.json.JsonException;
import orch.ctl.json.JsonObject;
import org.jspecify.annotations.Nullable;

/**
 * A conversation in JSON messages over a WebSocket. One thread may read while others write.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc6455">RFC 6455</a>
 */
public final class WebSocket implements AutoCloseable {
  /** Of a message of the server. */
  private static final int MAX_MESSAGE = 16 * 1024 * 1024;

  private static final int CONTINUATION = 0;
  private static final int TEXT = 1;
  private static final int CLOSE = 8;
  private static final int PING = 9;
  private static final int PONG = 10;
  private static final int FINAL = 0x80;
  private static final int MASKED = 0x80;
  private static final int NORMAL = 1000;

  private final ConnectClient client;
  private final HttpConnection connection;
  private final HttpInput in;
  private final OutputStream out;
  private final SecureRandom random;

  /** Guarded by this. */
  private boolean closing;

  WebSocket(ConnectClient client, HttpConnection connection, SecureRandom random) {
    this.client = client;
    this.connection = connection;
    this.in = connection.input();
    this.out = connection.output();
    this.random = random;
  }

  /** Sends a message, waiting while the server takes none. */
  public void send(JsonObject message) throws CallException {
    try {
      frame(TEXT, Json.compact(message).getBytes(StandardCharsets.UTF_8));
    } catch (IOException broken) {
      throw client.lost(broken);
    }
  }

  /** The next message of the server; null when it has closed. */
  public @Nullable JsonObject next() throws CallException {
    try {
      ByteArrayOutputStream message = new ByteArrayOutputStream();
      while (true) {
        int first = octet();
        int second = octet();
        byte[] payload = payload(second, message.size());
        switch (first & 0x0f) {
          case PING -> frame(PONG, payload);
          case PONG -> {
            // Of a ping that was never sent.
          }
          case CLOSE -> {
            frame(CLOSE, payload);
            return null;
          }
          case TEXT, CONTINUATION -> {
            message.write(payload);
            if ((first & FINAL) != 0) {
              return parse(message.toByteArray());
            }
          }
          default -> throw new IOException("a frame of the unknown kind " + (first & 0x0f));
        }
      }
    } catch (IOException broken) {
      throw client.lost(broken);
    }
  }

  private static JsonObject parse(byte[] message) throws IOException {
    try {
      if (Json.parse(new String(message, StandardCharsets.UTF_8)) instanceof JsonObject object) {
        return object;
      }
    } catch (JsonException wrong) {
      throw new IOException("a message that is no JSON: " + wrong.getMessage(), wrong);
    }
    throw new IOException("a message that is no JSON object");
  }

  private byte[] payload(int second, int before) throws IOException {
    if ((second & MASKED) != 0) {
      throw new IOException("a masked frame of a server");
    }
    long length = second & 0x7f;
    int more = length == 126 ? 2 : length == 127 ? 8 : 0;
    if (more > 0) {
      length = 0;
      for (int i = 0; i < more; i++) {
        length = length << 8 | octet();
      }
    }
    if (length < 0 || length + before > MAX_MESSAGE) {
      throw new IOException("a message of more than " + MAX_MESSAGE + " bytes");
    }
    byte[] payload = new byte[(int) length];
    for (int at = 0; at < payload.length; ) {
      int count = in.read(payload, at, payload.length - at);
      if (count < 0) {
        throw new EOFException("the connection was closed");
      }
      at += count;
    }
    return payload;
  }

  private int octet() throws IOException {
    byte[] one = new byte[1];
    if (in.read(one, 0, 1) < 0) {
      throw new EOFException("the connection was closed");
    }
    return one[0] & 0xff;
  }

  private synchronized void frame(int kind, byte[] payload) throws IOException {
    if (closing) {
      return;
    }
    closing = kind == CLOSE;
    ByteArrayOutputStream frame = new ByteArrayOutputStream(payload.length + 14);
    frame.write(FINAL | kind);
    if (payload.length < 126) {
      frame.write(MASKED | payload.length);
    } else if (payload.length < 65_536) {
      frame.write(MASKED | 126);
      frame.write(payload.length >>> 8);
      frame.write(payload.length);
    } else {
      frame.write(MASKED | 127);
      for (int shift = 56; shift >= 0; shift -= 8) {
        frame.write((int) ((long) payload.length >>> shift));
      }
    }
    byte[] mask = new byte[4];
    random.nextBytes(mask);
    frame.write(mask);
    byte[] masked = payload.clone();
    for (int i = 0; i < masked.length; i++) {
      masked[i] ^= mask[i & 3];
    }
    frame.write(masked);
    frame.writeTo(out);
    out.flush();
  }

  /** Says that there is no more to say, and that no more is wanted. */
  public void leave() {
    try {
      frame(CLOSE, new byte[] {(byte) (NORMAL >>> 8), (byte) (NORMAL & 0xff)});
    } catch (IOException broken) {
      // Then it is closed as well.
    }
  }

  /** Closes the connection; without {@link #leave} before it, as if it had broken. */
  @Override
  public void close() {
    connection.close();
  }
}

package orch.ctl.http;

import java.io.EOFException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import orch.ctl.json.Json;
import orch.ctl.json.JsonException;
import orch.ctl.json.JsonObject;
import org.jspecify.annotations.Nullable;

/** The messages of a server stream, each in its envelope: a byte of flags, four of length. */
public final class ConnectStream implements AutoCloseable {
  private static final int COMPRESSED = 1;
  private static final int END = 2;
  private static final int MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

  private final ConnectClient client;
  private final HttpBody body;
  private final byte[] head = new byte[5];

  ConnectStream(ConnectClient client, HttpBody body) {
    this.client = client;
    this.body = body;
  }

  /**
   * The next message, or null when the stream has ended well.
   *
   * @throws ApiException if the controller ended it with an error
   * @throws ConnectionLostException if it broke
   */
  public @Nullable JsonObject next() throws CallException {
    try {
      readFully(head);
      int length = 0;
      for (int i = 1; i < 5; i++) {
        length = (length << 8) | (head[i] & 0xff);
      }
      if (length < 0 || length > MAX_MESSAGE_BYTES || (head[0] & COMPRESSED) != 0) {
        throw new IOException("a message that is too long or compressed");
      }
      byte[] content = new byte[length];
      readFully(content);
      Json message = Json.parse(new String(content, StandardCharsets.UTF_8));
      JsonObject object = message instanceof JsonObject known ? known : new JsonObject();
      if ((head[0] & END) == 0) {
        return object;
      }
      body.finish();
      if (object.has("error")) {
        throw client.streamRefused(ErrorDetails.exception(object.object("error")));
      }
      return null;
    } catch (IOException broken) {
      ConnectionLostException failure = client.lost(broken);
      client.tryAnother();
      client.close();
      throw failure;
    } catch (JsonException wrong) {
      client.close();
      throw client.lost(new IOException("a message that is no JSON: " + wrong.getMessage(), wrong));
    }
  }

  private void readFully(byte[] target) throws IOException {
    int at = 0;
    while (at < target.length) {
      int count = body.read(target, at, target.length - at);
      if (count < 0) {
        throw new EOFException("the stream was cut off");
      }
      at += count;
    }
  }

  /** Gives the stream up, ended or not. */
  @Override
  public void close() {
    if (!body.ended()) {
      client.close();
    }
  }
}

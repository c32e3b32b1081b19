package orch.ctl.http;

import java.io.BufferedInputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import orch.ctl.json.Json;
import orch.ctl.json.JsonException;
import orch.ctl.json.JsonObject;
import org.jspecify.annotations.Nullable;

/** A server on a free loopback port that answers by a script and remembers what it was asked. */
public final class FakeServer implements Closeable {
  /** How requests are answered; runs on the thread of the connection. */
  public interface Script {
    /** Answers one request. */
    void answer(Request request, Answer answer) throws IOException;
  }

  /**
   * A request that came.
   *
   * @param method for example {@code JobService/GetJob}
   * @param headers by lower-case name
   */
  public record Request(String method, Map<String, String> headers, byte[] content) {
    /** The message of a unary call, or of a stream inside its envelope. */
    public JsonObject message() {
      boolean enveloped = "application/connect+json".equals(headers.get("content-type"));
      int from = enveloped ? 5 : 0;
      String text = new String(content, from, content.length - from, StandardCharsets.UTF_8);
      try {
        return (JsonObject) Json.parse(text);
      } catch (JsonException wrong) {
        throw new IllegalStateException(text, wrong);
      }
    }
  }

  /** The ways to answer. */
  public static final class Answer {
    private final OutputStream out;
    private final Socket socket;
    private boolean streaming;

    Answer(OutputStream out, Socket socket) {
      this.out = out;
      this.socket = socket;
    }

    /** Sends these very characters, one byte each. */
    public void raw(String text) throws IOException {
      out.write(text.getBytes(StandardCharsets.ISO_8859_1));
      out.flush();
    }

    /** Sends a unary answer. */
    public void json(int status, String body) throws IOException {
      byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
      raw(
          "HTTP/1.1 "
              + status
              + " X\r\nContent-Type: application/json\r\nContent-Length: "
              + bytes.length
              + "\r\n\r\n");
      out.write(bytes);
      out.flush();
    }

    /** Sends the head of a stream, then a message of it. */
    public void message(String json) throws IOException {
      envelope(0, json);
    }

    /** Sends the end of a stream, {@code {}} or {@code {"error":…}}. */
    public void end(String json) throws IOException {
      envelope(2, json);
      raw("0\r\n\r\n");
    }

    private void envelope(int flags, String json) throws IOException {
      if (!streaming) {
        streaming = true;
        raw(
            "HTTP/1.1 200 OK\r\nContent-Type: application/connect+json\r\n"
                + "Transfer-Encoding: chunked\r\n\r\n");
      }
      byte[] message = json.getBytes(StandardCharsets.UTF_8);
      byte[] chunk = new byte[5 + message.length];
      chunk[0] = (byte) flags;
      for (int i = 0; i < 4; i++) {
        chunk[1 + i] = (byte) (message.length >>> (24 - 8 * i));
      }
      System.arraycopy(message, 0, chunk, 5, message.length);
      raw(Integer.toHexString(chunk.length) + "\r\n");
      out.write(chunk);
      raw("\r\n");
    }

    /** Breaks the connection. */
    public void cut() throws IOException {
      socket.close();
    }
  }

  private final ServerSocket listener;
  private final Script script;
  private final List<Request> requests = new CopyOnWriteArrayList<>();
  private final List<Socket> open = new CopyOnWriteArrayList<>();
  private final AtomicInteger connections = new AtomicInteger();

  /** Listens, and answers by this script. */
  public FakeServer(Script script) throws IOException {
    this.script = script;
    this.listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    Thread.ofVirtual().start(this::accept);
  }

  /** Where it listens. */
  public Address address() {
    return new Address(false, "127.0.0.1", listener.getLocalPort());
  }

  /** All requests so far. */
  public List<Request> requests() {
    return new ArrayList<>(requests);
  }

  /** The messages of the requests of one method. */
  public List<JsonObject> messages(String method) {
    List<JsonObject> messages = new ArrayList<>();
    for (Request request : requests) {
      if (request.method().equals(method)) {
        messages.add(request.message());
      }
    }
    return messages;
  }

  /** How many connections were made. */
  public int connections() {
    return connections.get();
  }

  private void accept() {
    try {
      while (true) {
        Socket socket = listener.accept();
        connections.incrementAndGet();
        open.add(socket);
        Thread.ofVirtual().start(() -> serve(socket));
      }
    } catch (IOException closed) {
      // The test is over.
    }
  }

  private void serve(Socket socket) {
    try (socket) {
      InputStream in = new BufferedInputStream(socket.getInputStream());
      OutputStream out = socket.getOutputStream();
      for (Request request = read(in); request != null; request = read(in)) {
        requests.add(request);
        script.answer(request, new Answer(out, socket));
      }
    } catch (IOException broken) {
      // By the script, or by the client.
    }
  }

  private static @Nullable Request read(InputStream in) throws IOException {
    String first = line(in);
    if (first == null) {
      return null;
    }
    Map<String, String> headers = new LinkedHashMap<>();
    for (String line = line(in); line != null && !line.isEmpty(); line = line(in)) {
      int colon = line.indexOf(':');
      headers.put(
          line.substring(0, colon).toLowerCase(Locale.ROOT), line.substring(colon + 1).strip());
    }
    int length = Integer.parseInt(headers.getOrDefault("content-length", "0"));
    String path = first.split(" ", -1)[1];
    return new Request(path.replace("/orch.v1.", ""), headers, in.readNBytes(length));
  }

  private static @Nullable String line(InputStream in) throws IOException {
    StringBuilder line = new StringBuilder();
    for (int c = in.read(); c != '\n'; c = in.read()) {
      if (c < 0) {
        return null;
      }
      if (c != '\r') {
        line.append((char) c);
      }
    }
    return line.toString();
  }

  @Override
  public void close() throws IOException {
    listener.close();
    for (Socket socket : open) {
      socket.close();
    }
  }
}

package orch.ctl.http;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketOption;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;
import org.jspecify.annotations.Nullable;

/** One HTTP/1.1 connection, which carries one request after another. Not for several threads. */
final class HttpConnection implements Closeable {
  private final Address address;
  private final Socket socket;
  private final OutputStream out;
  private final HttpInput in;
  private @Nullable HttpBody body;
  private boolean keepAlive = true;
  private boolean used;

  /** Of the request that is under way. */
  private Silence silence = Silence.of(0);

  /**
   * How long the server may be silent.
   *
   * @param limitMillis at most; 0: for ever
   * @param askMillis after so long it is asked, on another connection, whether it is there, and
   *     must answer within as long; 0: it is not asked. A process that hangs, or a host that is
   *     off, ends no connection
   */
  record Silence(int limitMillis, int askMillis) {
    static Silence of(int limitMillis) {
      return new Silence(limitMillis, 0);
    }
  }

  /**
   * The head of an answer and its body to be read.
   *
   * @param contentType without parameters, in lower case; empty where the server named none
   */
  record Response(int status, String contentType, HttpBody body) {}

  private HttpConnection(Address address, Socket socket) throws IOException {
    this.address = address;
    this.socket = socket;
    this.out = socket.getOutputStream();
    InputStream raw = socket.getInputStream();
    this.in = new HttpInput((target, offset, length) -> receive(raw, target, offset, length));
  }

  /**
   * Connects.
   *
   * @param timeoutMillis longest time for the connection to come about, milliseconds
   */
  static HttpConnection open(Address address, int timeoutMillis) throws IOException {
    Socket socket = connect(address, timeoutMillis);
    try {
      socket.setTcpNoDelay(true);
      if (!socket.getInetAddress().isLoopbackAddress()) {
        noticeDeadPeers(socket);
      }
      if (address.secure()) {
        socket = secured(socket, address, timeoutMillis);
      }
      return new HttpConnection(address, socket);
    } catch (IOException | RuntimeException failure) {
      socket.close();
      throw failure;
    }
  }

  private static Socket connect(Address address, int timeoutMillis) throws IOException {
    if (address.host().equals("localhost")) {
      // The usual case, without asking the resolver.
      try {
        InetAddress loopback = InetAddress.getByAddress("localhost", new byte[] {127, 0, 0, 1});
        return connect(loopback, address.port(), timeoutMillis);
      } catch (IOException notThere) {
        // It may listen on ::1 alone.
      }
    }
    IOException failure = new UnknownHostException(address.host());
    for (InetAddress candidate : InetAddress.getAllByName(address.host())) {
      try {
        return connect(candidate, address.port(), timeoutMillis);
      } catch (IOException tried) {
        failure = tried;
      }
    }
    throw failure;
  }

  private static Socket connect(InetAddress host, int port, int timeoutMillis) throws IOException {
    Socket socket = new Socket();
    try {
      socket.connect(new InetSocketAddress(host, port), timeoutMillis);
      return socket;
    } catch (IOException | RuntimeException failure) {
      socket.close();
      throw failure;
    }
  }

  /** A stream may be silent for hours; the kernel finds out when its other end is gone. */
  private static void noticeDeadPeers(Socket socket) throws IOException {
    socket.setKeepAlive(true);
    for (SocketOption<?> option : socket.supportedOptions()) {
      switch (option.name()) {
        case "TCP_KEEPIDLE" -> set(socket, option, 20);
        case "TCP_KEEPINTERVAL" -> set(socket, option, 5);
        case "TCP_KEEPCOUNT" -> set(socket, option, 4);
        default -> {
          // The others stay as they are.
        }
      }
    }
  }

  @SuppressWarnings("unchecked")
  private static void set(Socket socket, SocketOption<?> option, int value) throws IOException {
    socket.setOption((SocketOption<Integer>) option, value);
  }

  private static Socket secured(Socket plain, Address address, int timeoutMillis)
      throws IOException {
    SSLSocketFactory factory = (SSLSocketFactory) SSLSocketFactory.getDefault();
    SSLSocket socket =
        (SSLSocket) factory.createSocket(plain, address.host(), address.port(), true);
    SSLParameters parameters = socket.getSSLParameters();
    parameters.setEndpointIdentificationAlgorithm("HTTPS");
    socket.setSSLParameters(parameters);
    socket.setSoTimeout(timeoutMillis);
    socket.startHandshake();
    return socket;
  }

  /** Whether another request can be sent on it. */
  boolean reusable() {
    return keepAlive && (body == null || body.ended());
  }

  /**
   * Whether the last request got no single byte of an answer on a connection that was used before.
   */
  boolean brokeWhileIdle() {
    return used && !in.touched();
  }

  /**
   * Sends a request and reads the head of its answer.
   *
   * @param headers lines that each end with CR LF
   */
  Response post(String path, String headers, byte[] content, Silence allowed) throws IOException {
    used = body != null;
    in.forget();
    silence = allowed;
    socket.setSoTimeout(allowed.askMillis() > 0 ? allowed.askMillis() : allowed.limitMillis());
    String head =
        "POST "
            + path
            + " HTTP/1.1\r\nHost: "
            + address.authority()
            + "\r\n"
            + headers
            + "Content-Length: "
            + content.length
            + "\r\n\r\n";
    byte[] headBytes = head.getBytes(StandardCharsets.UTF_8);
    byte[] request = new byte[headBytes.length + content.length];
    System.arraycopy(headBytes, 0, request, 0, headBytes.length);
    System.arraycopy(content, 0, request, headBytes.length, content.length);
    out.write(request);
    out.flush();
    return response();
  }

  /** Reads what comes next; in silence it looks whether the server is there at all. */
  private int receive(InputStream raw, byte[] target, int offset, int length) throws IOException {
    long begin = System.nanoTime();
    while (true) {
      try {
        return raw.read(target, offset, length);
      } catch (SocketTimeoutException silent) {
        long millis = (System.nanoTime() - begin) / 1_000_000;
        boolean over = silence.limitMillis() > 0 && millis >= silence.limitMillis();
        if (silence.askMillis() == 0 || over) {
          throw silent;
        }
        if (!answers(address, silence.askMillis()) && raw.available() == 0) {
          throw new HangsException();
        }
      }
    }
  }

  /** Whether what listens there answers anything at all. */
  private static boolean answers(Address address, int timeoutMillis) {
    try (HttpConnection other = open(address, timeoutMillis)) {
      other.socket.setSoTimeout(timeoutMillis);
      String request =
          "GET /healthz HTTP/1.1\r\nHost: " + address.authority() + "\r\nConnection: close\r\n\r\n";
      other.out.write(request.getBytes(StandardCharsets.UTF_8));
      other.out.flush();
      return !other.in.line().isEmpty();
    } catch (IOException notThere) {
      return false;
    }
  }

  /**
   * Asks for a WebSocket (RFC 6455). When the server agrees, {@link #input} and {@link #output}
   * carry frames.
   *
   * @param headers lines that each end with CR LF
   * @param key of the handshake
   * @return null when it agrees; else its answer
   */
  @Nullable Response upgrade(String path, String headers, String key, String accept)
      throws IOException {
    String head =
        "GET "
            + path
            + " HTTP/1.1\r\nHost: "
            + address.authority()
            + "\r\n"
            + headers
            + "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            + "Sec-WebSocket-Key: "
            + key
            + "\r\n\r\n";
    out.write(head.getBytes(StandardCharsets.UTF_8));
    out.flush();
    String first = in.line();
    if (!first.startsWith("HTTP/1.1 101")) {
      return response(first);
    }
    boolean agreed = false;
    for (String line = in.line(); !line.isEmpty(); line = in.line()) {
      int colon = line.indexOf(':');
      agreed |=
          isHeader(line, colon, "sec-websocket-accept")
              && line.substring(colon + 1).strip().equals(accept);
    }
    if (!agreed) {
      throw new IOException("the handshake of the WebSocket is wrong");
    }
    socket.setSoTimeout(0);
    return null;
  }

  HttpInput input() {
    return in;
  }

  OutputStream output() {
    return out;
  }

  private Response response() throws IOException {
    return response(in.line());
  }

  private Response response(String firstLine) throws IOException {
    String line1 = firstLine;
    int status;
    do {
      status = statusOf(line1);
      if (status < 200) {
        while (!in.line().isEmpty()) {
          // An interim answer has nothing that is of use here.
        }
        line1 = in.line();
      }
    } while (status < 200);
    String contentType = "";
    long length = -1;
    boolean chunked = false;
    for (String line = in.line(); !line.isEmpty(); line = in.line()) {
      int colon = line.indexOf(':');
      String value = colon < 0 ? "" : line.substring(colon + 1).strip();
      if (isHeader(line, colon, "content-type")) {
        int parameters = value.indexOf(';');
        contentType = lowerCase(parameters < 0 ? value : value.substring(0, parameters).strip());
      } else if (isHeader(line, colon, "content-length")) {
        length = lengthOf(value);
      } else if (isHeader(line, colon, "transfer-encoding")) {
        chunked = lowerCase(value).endsWith("chunked");
      } else if (isHeader(line, colon, "connection") && lowerCase(value).contains("close")) {
        keepAlive = false;
      }
    }
    HttpBody read = bodyOf(chunked, length);
    body = read;
    return new Response(status, contentType, read);
  }

  private HttpBody bodyOf(boolean chunked, long length) {
    if (chunked) {
      return HttpBody.chunked(in);
    }
    if (length >= 0) {
      return HttpBody.ofLength(in, length);
    }
    keepAlive = false;
    return HttpBody.untilClose(in);
  }

  private int statusOf(String line) throws IOException {
    // HTTP/1.1 200 OK
    if (line.startsWith("HTTP/1.") && line.length() >= 12) {
      if (line.charAt(7) == '0') {
        keepAlive = false;
      }
      try {
        return Integer.parseInt(line.substring(9, 12));
      } catch (NumberFormatException notANumber) {
        // Said below.
      }
    }
    throw new NotHttpException();
  }

  private static long lengthOf(String value) throws IOException {
    try {
      return Long.parseLong(value);
    } catch (NumberFormatException notANumber) {
      throw new IOException("an answer with the length '" + value + "'", notANumber);
    }
  }

  private static boolean isHeader(String line, int colon, String name) {
    return colon == name.length() && line.regionMatches(true, 0, name, 0, colon);
  }

  private static String lowerCase(String value) {
    return value.toLowerCase(java.util.Locale.ROOT);
  }

  @Override
  public void close() {
    try {
      socket.close();
    } catch (IOException alreadyBroken) {
      // There is nothing left to close.
    }
  }

  /** The server is silent, and answers nobody else either. */
  static final class HangsException extends SocketTimeoutException {
    private static final long serialVersionUID = 1;
  }

  /** What answers speaks no HTTP/1. */
  static final class NotHttpException extends IOException {
    private static final long serialVersionUID = 1;
  }
}

package orch.ctl.http;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import javax.net.ssl.SSLException;
import orch.ctl.json.Json;
import orch.ctl.json.JsonException;
import orch.ctl.json.JsonObject;
import org.jspecify.annotations.Nullable;

/**
 * Calls the services of {@code orch.v1} by the Connect protocol's JSON form, over one connection
 * that is kept. A call that broke is made again where that is safe. Not for several threads.
 *
 * @see <a href="https://connectrpc.com/docs/protocol/">The Connect protocol</a>
 */
public final class ConnectClient implements AutoCloseable {
  /** For how long a call is repeated whose connection broke, milliseconds. */
  public static final long PATIENCE_MILLIS = 300_000;

  /** For how long a call is repeated while the controller says that it is not available. */
  private static final long UNAVAILABLE_PATIENCE_MILLIS = 15_000;

  /** For how long a mere reading is repeated, milliseconds. */
  private static final long READ_PATIENCE_MILLIS = 10_000;

  /** From which trouble on it is told, milliseconds. */
  private static final long NOTE_AFTER_MILLIS = 1_000;

  private static final int CONNECT_TIMEOUT_MILLIS = 5_000;

  /** Of one address of several; a host that is off answers nothing at all. */
  private static final int CONNECT_TIMEOUT_OF_SEVERAL_MILLIS = 2_000;

  private static final int ANSWER_TIMEOUT_MILLIS = 60_000;

  /** A controller that says nothing for so long is asked whether it is there. */
  private static final int ASK_AFTER_MILLIS = 5_000;

  private static final int MAX_ANSWER_BYTES = 256 * 1024 * 1024;
  private static final String PREFIX = "/orch.v1.";

  private final List<Address> addresses;
  private final int connectTimeoutMillis;
  private final int askAfterMillis;
  private final String unaryHeaders;
  private final String streamHeaders;
  private final String conversationHeaders;
  private final Pause pause;
  private final Listener listener;
  private @Nullable HttpConnection connection;
  private int current;
  private boolean wasReached;
  private boolean patient;

  /** Is told of trouble that may pass. */
  public interface Listener {
    /** The controller does not answer for more than a second; it is tried again. */
    void lost(String why);

    /** One at this address answers again. */
    void restored(Address address);
  }

  /**
   * A client that has not connected yet.
   *
   * @param addresses of the controllers, any of which will do; the first that answers is kept until
   *     it fails
   */
  public ConnectClient(List<Address> addresses, Caller caller, Pause pause, Listener listener) {
    this(addresses, caller, pause, listener, ASK_AFTER_MILLIS);
  }

  ConnectClient(
      List<Address> addresses, Caller caller, Pause pause, Listener listener, int askAfterMillis) {
    this.askAfterMillis = askAfterMillis;
    if (addresses.isEmpty()) {
      throw new IllegalArgumentException("no address of a controller");
    }
    this.addresses = List.copyOf(addresses);
    this.connectTimeoutMillis =
        addresses.size() == 1 ? CONNECT_TIMEOUT_MILLIS : CONNECT_TIMEOUT_OF_SEVERAL_MILLIS;
    this.pause = pause;
    this.listener = listener;
    String common = caller.headers() + "Connect-Protocol-Version: 1\r\n";
    this.conversationHeaders = common;
    this.unaryHeaders =
        common
            + "Content-Type: application/json\r\nConnect-Timeout-Ms: "
            + ANSWER_TIMEOUT_MILLIS
            + "\r\n";
    this.streamHeaders = common + "Content-Type: application/connect+json\r\n";
  }

  /** Address of the controller that is asked next. */
  public Address address() {
    return addresses.get(current);
  }

  /** This controller failed: another one is asked next, if there are several. */
  void tryAnother() {
    if (addresses.size() > 1) {
      close();
      current = (current + 1) % addresses.size();
    }
  }

  /** From now on readings are repeated for minutes too: the caller follows something long. */
  public void bePatient() {
    patient = true;
  }

  /**
   * Calls a method that may safely be called twice: a reading, or a change with a request id.
   *
   * @param method for example {@code JobService/GetJob}
   */
  public JsonObject call(String method, JsonObject request) throws CallException {
    boolean change = request.has("requestId");
    Backoff backoff = new Backoff(pause);
    boolean mayHaveHappened = false;
    boolean noted = false;
    while (true) {
      CallException failure;
      long limit = change || patient ? PATIENCE_MILLIS : READ_PATIENCE_MILLIS;
      try {
        JsonObject answer = callOnce(method, request, askAfterMillis);
        if (noted) {
          listener.restored(address());
        }
        return answer;
      } catch (UnreachableException unreachable) {
        if (!wasReached && !mayHaveHappened) {
          throw unreachable;
        }
        failure = unreachable;
      } catch (ConnectionLostException lost) {
        mayHaveHappened = true;
        failure = lost;
        tryAnother();
      } catch (ApiException refused) {
        if (!refused.code().equals("unavailable")) {
          throw refused;
        }
        limit = Math.min(limit, UNAVAILABLE_PATIENCE_MILLIS);
        failure = refused;
        tryAnother();
      }
      if (!noted && backoff.elapsedMillis() >= NOTE_AFTER_MILLIS) {
        noted = true;
        listener.lost(failure.problem());
      }
      if (!backoff.await(limit)) {
        throw change && mayHaveHappened ? outcomeUnknown(failure) : failure;
      }
    }
  }

  private static ConnectionLostException outcomeUnknown(CallException failure) {
    return new ConnectionLostException(
        failure.getMessage()
            + "; whether the request took effect is unknown: look before you repeat it");
  }

  /** Calls a method once; use it for what must not happen twice. */
  public JsonObject callOnce(String method, JsonObject request) throws CallException {
    // Without looking elsewhere nothing is won by giving up early.
    return callOnce(method, request, 0);
  }

  private JsonObject callOnce(String method, JsonObject request, int askMillis)
      throws CallException {
    byte[] content = Json.compact(request).getBytes(StandardCharsets.UTF_8);
    HttpConnection.Silence silence = new HttpConnection.Silence(ANSWER_TIMEOUT_MILLIS, askMillis);
    return unaryAnswer(post(method, unaryHeaders, content, silence));
  }

  private JsonObject unaryAnswer(HttpConnection.Response response) throws CallException {
    byte[] answer;
    try {
      answer = readAll(response.body());
    } catch (IOException broken) {
      close();
      throw lost(broken);
    }
    String text = new String(answer, StandardCharsets.UTF_8);
    if (response.status() == 200 && response.contentType().equals("application/json")) {
      try {
        if (Json.parse(text) instanceof JsonObject object) {
          return object;
        }
      } catch (JsonException wrong) {
        throw notAController("its answer is no JSON: " + wrong.getMessage());
      }
    }
    throw errorAnswer(response, text);
  }

  /**
   * Opens a stream of answers; the client can do nothing else until it has ended. If it fails, the
   * next one is asked of another controller, if there are several.
   */
  public ConnectStream stream(String method, JsonObject request) throws CallException {
    try {
      return open(method, request);
    } catch (ConnectionLostException lost) {
      tryAnother();
      throw lost;
    } catch (ApiException refused) {
      throw streamRefused(refused);
    }
  }

  /** Another controller may serve what this one refuses for now. */
  ApiException streamRefused(ApiException refused) {
    if (refused.code().equals("unavailable")) {
      tryAnother();
    }
    return refused;
  }

  private ConnectStream open(String method, JsonObject request) throws CallException {
    byte[] message = Json.compact(request).getBytes(StandardCharsets.UTF_8);
    byte[] envelope = new byte[5 + message.length];
    for (int i = 0; i < 4; i++) {
      envelope[1 + i] = (byte) (message.length >>> (24 - 8 * i));
    }
    System.arraycopy(message, 0, envelope, 5, message.length);
    HttpConnection.Response response =
        post(method, streamHeaders, envelope, new HttpConnection.Silence(0, askAfterMillis));
    if (response.status() != 200 || !response.contentType().equals("application/connect+json")) {
      unaryAnswer(response);
      throw notAController("it answers a stream with " + response.contentType());
    }
    return new ConnectStream(this, response.body());
  }

  /** Opens a conversation, on a connection of its own. */
  public WebSocket converse(String method) throws CallException {
    SecureRandom random = new SecureRandom();
    byte[] nonce = new byte[16];
    random.nextBytes(nonce);
    String key = Base64.getEncoder().encodeToString(nonce);
    HttpConnection used = newConnection();
    try {
      HttpConnection.Response refused =
          used.upgrade(PREFIX + method, conversationHeaders, key, accept(key));
      if (refused == null) {
        return new WebSocket(this, used, random);
      }
      CallException failure =
          errorAnswer(refused, new String(readAll(refused.body()), StandardCharsets.UTF_8));
      used.close();
      throw failure;
    } catch (HttpConnection.NotHttpException foreign) {
      used.close();
      throw notAController("it does not speak HTTP/1.1");
    } catch (IOException broken) {
      used.close();
      throw lost(broken);
    }
  }

  private static String accept(String key) {
    try {
      byte[] text =
          (key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").getBytes(StandardCharsets.US_ASCII);
      return Base64.getEncoder().encodeToString(MessageDigest.getInstance("SHA-1").digest(text));
    } catch (NoSuchAlgorithmException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  private HttpConnection.Response post(
      String method, String headers, byte[] content, HttpConnection.Silence silence)
      throws CallException {
    while (true) {
      HttpConnection used = connection();
      try {
        HttpConnection.Response response = used.post(PREFIX + method, headers, content, silence);
        wasReached = true;
        return response;
      } catch (HttpConnection.NotHttpException foreign) {
        close();
        throw notAController("it does not speak HTTP/1.1");
      } catch (IOException broken) {
        close();
        // The server may close a connection that was idle at any time: that is no trouble.
        if (!used.brokeWhileIdle() || broken instanceof SocketTimeoutException) {
          throw lost(broken);
        }
      }
    }
  }

  private HttpConnection connection() throws UnreachableException {
    HttpConnection open = connection;
    if (open != null && open.reusable()) {
      return open;
    }
    close();
    open = newConnection();
    connection = open;
    return open;
  }

  private HttpConnection newConnection() throws UnreachableException {
    StringBuilder tried = new StringBuilder();
    for (int i = 0; i < addresses.size(); i++) {
      int index = (current + i) % addresses.size();
      try {
        HttpConnection open = HttpConnection.open(addresses.get(index), connectTimeoutMillis);
        current = index;
        return open;
      } catch (IOException failure) {
        tried
            .append(tried.isEmpty() ? "" : ", ")
            .append(addresses.get(index))
            .append(": ")
            .append(reason(failure));
      }
    }
    throw new UnreachableException(
        (addresses.size() == 1
                ? "cannot reach the controller at "
                : "cannot reach any controller: ")
            + tried
            + "; start one with orch-dev or set ORCH_ADDRESS");
  }

  private static byte[] readAll(InputStream body) throws IOException {
    ByteArrayOutputStream all = new ByteArrayOutputStream(4096);
    byte[] buffer = new byte[8192];
    for (int count = body.read(buffer); count >= 0; count = body.read(buffer)) {
      all.write(buffer, 0, count);
      if (all.size() > MAX_ANSWER_BYTES) {
        throw new IOException("an answer of more than " + MAX_ANSWER_BYTES + " bytes");
      }
    }
    return all.toByteArray();
  }

  private CallException errorAnswer(HttpConnection.Response response, String text) {
    if (response.contentType().equals("application/json")) {
      try {
        if (Json.parse(text) instanceof JsonObject error && error.has("code")) {
          return ErrorDetails.exception(error);
        }
      } catch (JsonException notJson) {
        // Then what stands between us and the controller answered, or no controller at all.
      }
    }
    String code =
        switch (response.status()) {
          case 401 -> "unauthenticated";
          case 403 -> "permission_denied";
          case 429, 502, 503, 504 -> "unavailable";
          default -> "";
        };
    if (!code.isEmpty()) {
      String message = address() + " answers HTTP " + response.status() + " without saying why";
      return new ApiException(code, message, "", List.of());
    }
    return notAController("it answers HTTP " + response.status());
  }

  private UnreachableException notAController(String why) {
    close();
    return new UnreachableException(
        "what listens at " + address() + " is no Orch controller: " + why + "; set ORCH_ADDRESS");
  }

  ConnectionLostException lost(IOException failure) {
    return new ConnectionLostException(
        "lost the connection to the controller at " + address() + ": " + reason(failure));
  }

  private String reason(IOException failure) {
    String message = failure.getMessage() == null ? "" : failure.getMessage();
    if (failure instanceof UnknownHostException) {
      return "there is no host of this name";
    }
    if (failure instanceof HttpConnection.HangsException) {
      return "it does not answer any more";
    }
    if (failure instanceof SocketTimeoutException) {
      return message.startsWith("Connect")
          ? "no connection within " + connectTimeoutMillis / 1000 + " s"
          : "no answer within " + ANSWER_TIMEOUT_MILLIS / 1000 + " s";
    }
    if (failure instanceof NoRouteToHostException) {
      return "no route to host";
    }
    if (failure instanceof SSLException) {
      return "TLS: " + message;
    }
    if (failure instanceof ConnectException && message.contains("refused")) {
      return "connection refused";
    }
    return message.isEmpty()
        ? failure.getClass().getSimpleName()
        : message.substring(0, 1).toLowerCase(Locale.ROOT) + message.substring(1);
  }

  /** Closes the connection; the next call opens another. */
  @Override
  public void close() {
    HttpConnection open = connection;
    connection = null;
    if (open != null) {
      open.close();
    }
  }
}

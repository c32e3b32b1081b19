package orch.controller.http;

import io.grpc.Attributes;
import io.grpc.Grpc;
import io.grpc.Metadata;
import io.grpc.Status;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.ScheduledExecutorService;
import java.util.function.Consumer;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.util.Callback;
import org.eclipse.jetty.websocket.api.Session;
import org.eclipse.jetty.websocket.server.ServerWebSocketContainer;
import org.jspecify.annotations.Nullable;

/**
 * Methods that take a stream and answer with one, as a WebSocket at the method's path: each message
 * is a text with proto3 JSON or a binary with protobuf, answered in the form in which the client
 * began. In the end comes a text {@code {}} or {@code {"error": ...}}, the error as the Connect
 * protocol has it, then the close. A client that closes orderly has no more to say, and wants no
 * more.
 */
final class WebSocketGate {
  /** Of a message from the client. */
  private static final int MAX_MESSAGE_BYTES = 2 * 1024 * 1024;

  /** A connection without a byte in either direction for so long is closed. */
  private static final Duration IDLE = Duration.ofSeconds(75);

  private final ServerWebSocketContainer container;
  private final ScheduledExecutorService timer;
  private final Consumer<Status.Code> ended;

  /**
   * @param timer sends pings
   * @param ended told how each call ended
   */
  WebSocketGate(Server server, ScheduledExecutorService timer, Consumer<Status.Code> ended) {
    this.container = ServerWebSocketContainer.ensure(server);
    this.timer = timer;
    this.ended = ended;
    container.setMaxTextMessageSize(MAX_MESSAGE_BYTES);
    container.setMaxBinaryMessageSize(MAX_MESSAGE_BYTES);
    container.setIdleTimeout(IDLE);
  }

  /** Whether the request asks for a WebSocket. */
  static boolean wanted(Request request) {
    return "websocket".equalsIgnoreCase(request.getHeaders().get(HttpHeader.UPGRADE));
  }

  /**
   * Takes the connection over. False: the request is no proper handshake; neither it nor the
   * callback was answered.
   */
  boolean upgrade(Procedure procedure, Request request, Response response, Callback callback) {
    Metadata metadata = HttpMetadata.of(request.getHeaders());
    String authority = request.getHeaders().get(HttpHeader.HOST);
    Attributes attributes =
        Attributes.newBuilder()
            .set(
                Grpc.TRANSPORT_ATTR_REMOTE_ADDR,
                request.getConnectionMetaData().getRemoteSocketAddress())
            .build();
    return container.upgrade(
        (asked, answered, failed) ->
            new Endpoint(session -> {
              WebSocketCall call =
                  new WebSocketCall(procedure, attributes, authority, session, timer, ended);
              call.start(metadata);
              return call;
            }),
        request,
        response,
        callback);
  }

  private interface Opening {
    WebSocketCall open(Session session);
  }

  /** One connection, which Jetty feeds from one thread at a time. Public for Jetty alone. */
  public static final class Endpoint extends Session.Listener.Abstract {
    private static final int NORMAL = 1000;

    private final Opening opening;
    private @Nullable WebSocketCall call;

    private Endpoint(Opening opening) {
      this.opening = opening;
    }

    @Override
    public void onWebSocketOpen(Session session) {
      super.onWebSocketOpen(session);
      call = opening.open(session);
    }

    @Override
    public void onWebSocketText(String message) {
      if (call != null) {
        call.received(MessageCodec.JSON, ByteBuffer.wrap(message.getBytes(StandardCharsets.UTF_8)));
      }
    }

    @Override
    public void onWebSocketBinary(
        ByteBuffer message, org.eclipse.jetty.websocket.api.Callback done) {
      byte[] copy = new byte[message.remaining()];
      message.get(copy);
      done.succeed();
      if (call != null) {
        call.received(MessageCodec.PROTO, ByteBuffer.wrap(copy));
      }
    }

    @Override
    public void onWebSocketClose(
        int code, String reason, org.eclipse.jetty.websocket.api.Callback done) {
      done.succeed();
      if (call != null) {
        call.clientGone(code == NORMAL);
      }
    }

    @Override
    public void onWebSocketError(Throwable cause) {
      if (call != null) {
        call.clientGone(false);
      }
    }
  }
}

package orch.controller.http;

import com.google.protobuf.Message;
import io.grpc.Attributes;
import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.Grpc;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusException;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import orch.api.model.NearestName;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.io.EofException;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.jspecify.annotations.Nullable;

/** Serves {@code POST /package.Service/Method} by the Connect protocol; blocks its thread. */
final class ConnectHandler {
  /** Of a request; gRPC's own default. */
  static final int MAX_REQUEST_BYTES = 4 * 1024 * 1024;

  /** Of a request that is refused unread; one that is longer costs its client the connection. */
  private static final long MAX_DISCARDED_BYTES = 16 * 1024 * 1024;

  private static final String ACCEPT_POST =
      "application/json, application/proto, application/connect+json, application/connect+proto";
  private static final String UNARY_PREFIX = "application/";
  private static final String STREAM_PREFIX = "application/connect+";
  private static final int MAX_TIMEOUT_DIGITS = 10;

  private final Map<String, Procedure> procedures;
  private final ScheduledExecutorService timer;
  private final Consumer<Status.Code> ended;

  /**
   * @param timer runs deadlines
   * @param ended told how each call ended
   */
  ConnectHandler(
      Map<String, Procedure> procedures,
      ScheduledExecutorService timer,
      Consumer<Status.Code> ended) {
    this.procedures = procedures;
    this.timer = timer;
    this.ended = ended;
  }

  /** The method at this path if it is one for a WebSocket, else null. */
  @Nullable Procedure conversation(String path) {
    Procedure procedure = procedures.get(path.substring(1));
    return procedure != null && procedure.converses() ? procedure : null;
  }

  /**
   * Answers a request for {@code path}, which begins with a slash; fails when the client is gone.
   */
  void handle(String path, Request request, Response response) throws IOException {
    Procedure procedure = procedures.get(path.substring(1));
    if (procedure == null) {
      refuse(request, response, 404, Status.UNIMPLEMENTED.withDescription(unknown(path)));
      return;
    }
    if (!request.getMethod().equals("POST")) {
      response.getHeaders().put(HttpHeader.ALLOW, "POST");
      refuse(
          request,
          response,
          405,
          Status.UNIMPLEMENTED.withDescription(path + " takes POST, not " + request.getMethod()));
      return;
    }
    String type = contentType(request);
    boolean stream = type.startsWith(STREAM_PREFIX);
    MessageCodec codec = codec(type, stream ? STREAM_PREFIX : UNARY_PREFIX);
    if (codec == null || stream != procedure.streams()) {
      response.getHeaders().put("Accept-Post", ACCEPT_POST);
      refuse(
          request,
          response,
          415,
          Status.UNKNOWN.withDescription(
              path
                  + " takes "
                  + (procedure.streams() ? STREAM_PREFIX + "json" : "application/json")
                  + ", not '"
                  + type
                  + "'"));
      return;
    }
    Responder out =
        stream ? new StreamResponder(response, codec) : new UnaryResponder(response, codec);
    if (stream) {
      // See DisconnectWatch.
      response.getHeaders().put(HttpHeader.CONNECTION, "close");
    }
    Status status;
    try {
      status = call(procedure, codec, stream, request, out);
    } catch (StatusException refused) {
      discard(request, response);
      status = refused.getStatus();
      Metadata trailers = refused.getTrailers();
      out.end(status, trailers == null ? new Metadata() : trailers);
    }
    ended.accept(status.getCode());
    if (status.getCode() == Status.Code.CANCELLED) {
      throw new EofException(status.getDescription());
    }
  }

  private Status call(
      Procedure procedure, MessageCodec codec, boolean stream, Request request, Responder out)
      throws StatusException, IOException {
    if (!procedure.type().clientSendsOneMessage()) {
      throw Status.UNIMPLEMENTED
          .withDescription(
              procedure.handler().getMethodDescriptor().getFullMethodName()
                  + " takes a stream of requests: open a WebSocket at this path, or use the gRPC"
                  + " port")
          .asException();
    }
    String version = request.getHeaders().get("Connect-Protocol-Version");
    if (version != null && !version.equals("1")) {
      throw invalid("the Connect protocol's version is 1, not '" + version + "'");
    }
    String encoding =
        request.getHeaders().get(stream ? "Connect-Content-Encoding" : "Content-Encoding");
    if (encoding != null && !encoding.equals("identity")) {
      throw Status.UNIMPLEMENTED
          .withDescription("unknown compression '" + encoding + "'; send identity")
          .asException();
    }
    long timeoutMillis = timeout(request.getHeaders().get("Connect-Timeout-Ms"));
    ByteBuffer body = read(request);
    Message message = codec.decode(stream ? open(body) : body, procedure.request());

    Context.CancellableContext context =
        timeoutMillis < 0
            ? Context.ROOT.withCancellation()
            : Context.ROOT.withDeadline(
                Deadline.after(timeoutMillis, TimeUnit.MILLISECONDS), timer);
    ConnectCall call =
        new ConnectCall(
            procedure,
            Attributes.newBuilder()
                .set(
                    Grpc.TRANSPORT_ATTR_REMOTE_ADDR,
                    request.getConnectionMetaData().getRemoteSocketAddress())
                .build(),
            request.getHeaders().get(HttpHeader.HOST));
    if (timeoutMillis >= 0) {
      context.addListener(
          _ ->
              call.cancel(
                  Status.DEADLINE_EXCEEDED.withDescription(
                      "no answer within the " + timeoutMillis + " ms that the client gave")),
          Runnable::run);
    }
    Metadata metadata = HttpMetadata.of(request.getHeaders());
    if (!stream) {
      return call.run(context, metadata, message, out);
    }
    DisconnectWatch watch =
        new DisconnectWatch(
            request.getConnectionMetaData().getConnection().getEndPoint(),
            () -> call.cancel(Status.CANCELLED.withDescription("the client hung up")));
    watch.start();
    try {
      return call.run(context, metadata, message, out);
    } finally {
      watch.stop();
    }
  }

  private static ByteBuffer read(Request request) throws IOException, StatusException {
    if (request.getLength() <= MAX_REQUEST_BYTES) {
      try {
        // Not closed: that would fail the rest of a request that is too long.
        byte[] body = Content.Source.asInputStream(request).readNBytes(MAX_REQUEST_BYTES + 1);
        if (body.length <= MAX_REQUEST_BYTES) {
          return ByteBuffer.wrap(body);
        }
      } catch (EOFException cut) {
        throw invalid("the request ended before its Content-Length");
      }
    }
    throw Status.RESOURCE_EXHAUSTED
        .withDescription("the request is larger than " + MAX_REQUEST_BYTES + " bytes")
        .asException();
  }

  /** Reads what the client still sends, so that it comes to read the answer. */
  private static void discard(Request request, Response response) throws IOException {
    long left = MAX_DISCARDED_BYTES;
    if (request.getLength() <= left) {
      byte[] buffer = new byte[16 * 1024];
      // Not closed: that would fail the request, and with it the connection.
      InputStream in = Content.Source.asInputStream(request);
      int read = 0;
      while (read >= 0 && left > 0) {
        read = in.read(buffer);
        left -= read;
      }
      if (read < 0) {
        return;
      }
    }
    response.getHeaders().put(HttpHeader.CONNECTION, "close");
  }

  /** The message of the only envelope. */
  private static ByteBuffer open(ByteBuffer body) throws StatusException {
    if (body.remaining() < StreamResponder.PREFIX) {
      throw invalid(
          "the request has no envelope: a byte of flags, four bytes of length, the message");
    }
    int flags = body.get();
    int length = body.getInt();
    if ((flags & StreamResponder.COMPRESSED) != 0) {
      throw invalid("the request's envelope says compressed, but no compression was agreed upon");
    }
    if (flags != 0 || length != body.remaining()) {
      throw invalid(
          "the request is not one envelope: flags "
              + flags
              + ", length "
              + Integer.toUnsignedString(length)
              + ", "
              + body.remaining()
              + " bytes after it");
    }
    return body;
  }

  private static long timeout(@Nullable String header) throws StatusException {
    if (header == null) {
      return -1;
    }
    if (!header.matches("[0-9]{1," + MAX_TIMEOUT_DIGITS + "}")) {
      throw invalid("Connect-Timeout-Ms has 1 to 10 digits, not '" + header + "'");
    }
    return Long.parseLong(header);
  }

  private static String contentType(Request request) {
    String type = request.getHeaders().get(HttpHeader.CONTENT_TYPE);
    if (type == null) {
      return "";
    }
    int parameters = type.indexOf(';');
    return (parameters < 0 ? type : type.substring(0, parameters)).strip().toLowerCase(Locale.ROOT);
  }

  private static @Nullable MessageCodec codec(String type, String prefix) {
    for (MessageCodec codec : MessageCodec.values()) {
      if (type.equals(prefix + codec.subtype())) {
        return codec;
      }
    }
    return null;
  }

  private String unknown(String path) {
    return "there is no method '"
        + path.substring(1)
        + "'"
        + NearestName.hint(path.substring(1), List.copyOf(procedures.keySet()));
  }

  private void refuse(Request request, Response response, int httpStatus, Status status)
      throws IOException {
    discard(request, response);
    UnaryResponder.error(response, httpStatus, status, new Metadata());
    ended.accept(status.getCode());
  }

  private static StatusException invalid(String sentence) {
    return Status.INVALID_ARGUMENT.withDescription(sentence).asException();
  }
}

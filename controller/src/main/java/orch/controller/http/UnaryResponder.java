package orch.controller.http;

import com.google.protobuf.Message;
import io.grpc.Metadata;
import io.grpc.Status;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.server.Response;
import org.jspecify.annotations.Nullable;

/** One message, or an error with the HTTP status that fits. */
final class UnaryResponder implements Responder {
  private final Response response;
  private final MessageCodec codec;
  private @Nullable Message message;

  UnaryResponder(Response response, MessageCodec codec) {
    this.response = response;
    this.codec = codec;
  }

  @Override
  public void headers(Metadata headers) {
    HttpMetadata.each(headers, response.getHeaders()::add);
  }

  @Override
  public void messages(List<Message> messages) {
    message = messages.getLast();
  }

  @Override
  public void end(Status status, Metadata trailers) throws IOException {
    HttpMetadata.each(
        trailers, (name, value) -> response.getHeaders().add("trailer-" + name, value));
    if (!status.isOk()) {
      error(response, ConnectCode.of(status.getCode()).httpStatus(), status, trailers);
    } else if (message == null) {
      Status none = Status.INTERNAL.withDescription("the service answered nothing");
      error(response, ConnectCode.of(none.getCode()).httpStatus(), none, new Metadata());
    } else {
      response.setStatus(200);
      response.getHeaders().put(HttpHeader.CONTENT_TYPE, "application/" + codec.subtype());
      write(response, codec.encode(message));
    }
  }

  /** Answers with an error; {@code status} is not OK. */
  static void error(Response response, int httpStatus, Status status, Metadata trailers)
      throws IOException {
    response.setStatus(httpStatus);
    response.getHeaders().put(HttpHeader.CONTENT_TYPE, "application/json");
    write(
        response,
        ConnectError.toJson(status, trailers).toString().getBytes(StandardCharsets.UTF_8));
  }

  private static void write(Response response, byte[] body) throws IOException {
    response.getHeaders().put(HttpHeader.CONTENT_LENGTH, body.length);
    Content.Sink.write(response, true, ByteBuffer.wrap(body));
  }
}

package orch.controller.http;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.protobuf.Message;
import io.grpc.Metadata;
import io.grpc.Status;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.server.Response;

/**
 * Messages in the Connect protocol's envelope: a byte of flags, four of length (highest first), the
 * message; the last one says how the stream ended.
 */
final class StreamResponder implements Responder {
  static final int PREFIX = 5;
  static final int COMPRESSED = 1;
  static final int END_STREAM = 2;

  private final Response response;
  private final MessageCodec codec;

  StreamResponder(Response response, MessageCodec codec) {
    this.response = response;
    this.codec = codec;
    response.setStatus(200);
    response.getHeaders().put(HttpHeader.CONTENT_TYPE, "application/connect+" + codec.subtype());
  }

  @Override
  public void headers(Metadata headers) {
    HttpMetadata.each(headers, response.getHeaders()::add);
  }

  @Override
  public void messages(List<Message> messages) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (Message message : messages) {
      envelope(out, 0, codec.encode(message));
    }
    Content.Sink.write(response, false, ByteBuffer.wrap(out.toByteArray()));
  }

  @Override
  public void end(Status status, Metadata trailers) throws IOException {
    JsonObject end = new JsonObject();
    if (!status.isOk()) {
      end.add("error", ConnectError.toJson(status, trailers));
    }
    JsonObject metadata = new JsonObject();
    HttpMetadata.each(
        trailers,
        (name, value) -> {
          if (!metadata.has(name)) {
            metadata.add(name, new JsonArray());
          }
          metadata.getAsJsonArray(name).add(value);
        });
    if (!metadata.isEmpty()) {
      end.add("metadata", metadata);
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    envelope(out, END_STREAM, end.toString().getBytes(StandardCharsets.UTF_8));
    Content.Sink.write(response, true, ByteBuffer.wrap(out.toByteArray()));
  }

  private static void envelope(ByteArrayOutputStream out, int flags, byte[] body) {
    out.writeBytes(ByteBuffer.allocate(PREFIX).put((byte) flags).putInt(body.length).array());
    out.writeBytes(body);
  }
}

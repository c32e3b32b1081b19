package orch.controller.http;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.protobuf.Any;
import com.google.protobuf.DynamicMessage;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.TypeRegistry;
import com.google.protobuf.util.JsonFormat;
import com.google.rpc.ErrorDetailsProto;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.protobuf.StatusProto;
import java.util.Base64;
import org.jspecify.annotations.Nullable;

/** An error in the Connect protocol's JSON, with the details of google.rpc. */
final class ConnectError {
  private static final TypeRegistry DETAILS =
      TypeRegistry.newBuilder().add(ErrorDetailsProto.getDescriptor().getMessageTypes()).build();
  private static final JsonFormat.Printer PRINTER =
      JsonFormat.printer().omittingInsignificantWhitespace().usingTypeRegistry(DETAILS);

  private ConnectError() {}

  /** The error object of {@code status}, which is not OK. */
  static JsonObject toJson(Status status, Metadata trailers) {
    JsonObject error = new JsonObject();
    error.addProperty("code", ConnectCode.of(status.getCode()).name());
    String message = status.getDescription();
    if (message != null && !message.isEmpty()) {
      error.addProperty("message", message);
    }
    com.google.rpc.Status rich = StatusProto.fromStatusAndTrailers(status, trailers);
    if (rich != null && rich.getDetailsCount() > 0) {
      JsonArray details = new JsonArray();
      for (Any detail : rich.getDetailsList()) {
        details.add(detail(detail));
      }
      error.add("details", details);
    }
    return error;
  }

  private static JsonObject detail(Any detail) {
    String type = detail.getTypeUrl().substring(detail.getTypeUrl().lastIndexOf('/') + 1);
    JsonObject json = new JsonObject();
    json.addProperty("type", type);
    json.addProperty(
        "value",
        Base64.getEncoder().withoutPadding().encodeToString(detail.getValue().toByteArray()));
    String debug = debug(type, detail);
    if (debug != null) {
      json.add("debug", JsonParser.parseString(debug));
    }
    return json;
  }

  /** Readable form of a detail, null where its type is not known here. */
  private static @Nullable String debug(String type, Any detail) {
    var descriptor = DETAILS.find(type);
    if (descriptor == null) {
      return null;
    }
    try {
      return PRINTER.print(DynamicMessage.parseFrom(descriptor, detail.getValue()));
    } catch (InvalidProtocolBufferException malformed) {
      return null;
    }
  }
}

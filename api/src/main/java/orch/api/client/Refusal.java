package orch.api.client;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.ErrorInfo;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.protobuf.StatusProto;
import org.jspecify.annotations.Nullable;

/**
 * How a call failed, as far as a client that repeats it has to know.
 *
 * @param reason stable word of the API; empty: the connection failed, or something between
 * @param leader where to go instead; null: not said
 */
record Refusal(Status status, String reason, @Nullable String leader) {
  static Refusal of(Status status, @Nullable Metadata trailers) {
    com.google.rpc.Status rich =
        trailers == null ? null : StatusProto.fromStatusAndTrailers(status, trailers);
    if (rich != null) {
      for (Any detail : rich.getDetailsList()) {
        if (detail.is(ErrorInfo.class)) {
          try {
            ErrorInfo info = detail.unpack(ErrorInfo.class);
            return new Refusal(status, info.getReason(), info.getMetadataMap().get("leader"));
          } catch (InvalidProtocolBufferException malformed) {
            return new Refusal(status, "", null);
          }
        }
      }
    }
    return new Refusal(status, "", null);
  }

  /** Whether the same call may succeed later, or at another controller. */
  boolean passes() {
    return switch (status.getCode()) {
      case UNAVAILABLE -> true;
      // A connection that broke off in the middle.
      case CANCELLED, INTERNAL -> reason.isEmpty() && broke();
      case RESOURCE_EXHAUSTED -> reason.equals("OVERLOADED");
      default -> false;
    };
  }

  /** Whether the controller says for certain that it did nothing. */
  boolean nothingWasDone() {
    return switch (reason) {
      case "NOT_LEADER", "NO_LEADER", "LOG_UNAVAILABLE", "OVERLOADED", "STOPPING" -> true;
      default -> false;
    };
  }

  private boolean broke() {
    String description = status.getDescription();
    return description != null && description.contains("RST_STREAM");
  }
}

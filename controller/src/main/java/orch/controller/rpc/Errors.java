package orch.controller.rpc;

import com.google.protobuf.Any;
import com.google.protobuf.Duration;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.rpc.BadRequest;
import com.google.rpc.Code;
import com.google.rpc.ErrorInfo;
import com.google.rpc.ResourceInfo;
import com.google.rpc.RetryInfo;
import com.google.rpc.Status;
import io.grpc.Metadata;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionException;
import orch.api.convert.FieldProblem;
import orch.api.convert.InvalidSpecException;
import orch.controller.core.Rejection;
import orch.controller.port.Member;
import orch.controller.port.UnavailableException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Errors as google.rpc.Status: a code, a sentence, a stable reason and what is at fault. */
final class Errors {
  static final String DOMAIN = "orch";

  private static final RetryInfo RETRY_SOON =
      RetryInfo.newBuilder().setRetryDelay(Duration.newBuilder().setSeconds(1)).build();

  private static final Logger LOG = LoggerFactory.getLogger(Errors.class);

  private Errors() {}

  static StatusRuntimeException of(Rejection rejection) {
    Code code = Code.valueOf(rejection.code().name());
    if (rejection.field().isEmpty()) {
      return error(code, rejection.reason(), rejection.message(), Map.of(), List.of());
    }
    return error(
        code,
        rejection.reason(),
        rejection.message(),
        Map.of(),
        List.of(violations(Map.of(rejection.field(), rejection.message()))));
  }

  /** A field of the request that makes no sense. */
  static StatusRuntimeException invalid(String field, String message) {
    return error(
        Code.INVALID_ARGUMENT,
        "INVALID_FIELD",
        field + ": " + message,
        Map.of(),
        List.of(violations(Map.of(field, message))));
  }

  /** Every problem of a spec at once, fields as in {@code spec.restart.rules[1].exitCodes}. */
  static StatusRuntimeException of(InvalidSpecException invalid) {
    BadRequest.Builder violations = BadRequest.newBuilder();
    for (FieldProblem problem : invalid.problems()) {
      violations.addFieldViolations(
          BadRequest.FieldViolation.newBuilder()
              .setField(problem.fieldPath().isEmpty() ? "spec" : "spec." + problem.fieldPath())
              .setDescription(problem.message()));
    }
    return error(
        Code.INVALID_ARGUMENT,
        "INVALID_SPEC",
        String.valueOf(invalid.getMessage()),
        Map.of(),
        List.of(violations.build()));
  }

  /** {@code type} is job, task, node, ... */
  static StatusRuntimeException notFound(String type, String name, String message) {
    return error(
        Code.NOT_FOUND,
        type.toUpperCase(java.util.Locale.ROOT) + "_NOT_FOUND",
        message,
        Map.of(),
        List.of(
            ResourceInfo.newBuilder()
                .setResourceType("orch.v1/" + type)
                .setResourceName(name)
                .setDescription(message)
                .build()));
  }

  static StatusRuntimeException error(Code code, String reason, String message) {
    return error(code, reason, message, Map.of(), List.of());
  }

  /** What a failed stage of the controller's port means to the caller. */
  static StatusRuntimeException of(Throwable failure) {
    return switch (failure) {
      case CompletionException wrapped when wrapped.getCause() != null -> of(wrapped.getCause());
      case StatusRuntimeException status -> status;
      case UnavailableException unavailable -> unavailable(unavailable);
      case InvalidSpecException invalid -> of(invalid);
      default -> {
        LOG.error("a request failed", failure);
        yield error(
            Code.INTERNAL, "INTERNAL", "the controller failed at this request; its log says more");
      }
    };
  }

  private static StatusRuntimeException unavailable(UnavailableException failure) {
    String message = String.valueOf(failure.getMessage());
    return switch (failure.reason()) {
      case NOT_LEADER -> notLeader(Code.UNAVAILABLE, message, failure.leader());
      case OVERLOADED -> tryAgain(Code.RESOURCE_EXHAUSTED, "OVERLOADED", message);
      case OUTCOME_UNKNOWN -> tryAgain(Code.UNAVAILABLE, "OUTCOME_UNKNOWN", message);
      case LOG_UNAVAILABLE -> tryAgain(Code.UNAVAILABLE, "LOG_UNAVAILABLE", message);
      case STOPPING -> tryAgain(Code.UNAVAILABLE, "STOPPING", message);
    };
  }

  /** As {@link #error}, of what passes: says when to try again. */
  static StatusRuntimeException tryAgain(Code code, String reason, String message) {
    return error(code, reason, message, Map.of(), List.of(RETRY_SOON));
  }

  /** Stable reason of an error of this API; empty: it is none, as when a connection broke. */
  static String reason(io.grpc.Status status, Metadata trailers) {
    Status rich = StatusProto.fromStatusAndTrailers(status, trailers);
    if (rich != null) {
      for (Any detail : rich.getDetailsList()) {
        if (detail.is(ErrorInfo.class)) {
          try {
            return detail.unpack(ErrorInfo.class).getReason();
          } catch (InvalidProtocolBufferException malformed) {
            return "";
          }
        }
      }
    }
    return "";
  }

  /** Says where the leader is, for clients that go there by themselves. */
  static StatusRuntimeException notLeader(Code code, String message, @Nullable Member leader) {
    Map<String, String> metadata =
        leader == null
            ? Map.of()
            : Map.of(
                "leader", leader.grpcAddress(),
                "leaderHttp", leader.httpAddress(),
                "leaderName", leader.name());
    return error(code, "NOT_LEADER", message, metadata, List.of(RETRY_SOON));
  }

  private static BadRequest violations(Map<String, String> fields) {
    BadRequest.Builder request = BadRequest.newBuilder();
    fields.forEach((field, message) ->
        request.addFieldViolations(
            BadRequest.FieldViolation.newBuilder().setField(field).setDescription(message)));
    return request.build();
  }

  private static StatusRuntimeException error(
      Code code,
      String reason,
      String message,
      Map<String, String> metadata,
      List<Message> details) {
    Status.Builder status =
        Status.newBuilder()
            .setCode(code.getNumber())
            .setMessage(message)
            .addDetails(
                Any.pack(
                    ErrorInfo.newBuilder()
                        .setReason(reason)
                        .setDomain(DOMAIN)
                        .putAllMetadata(metadata)
                        .build()));
    for (Message detail : details) {
      status.addDetails(Any.pack(detail));
    }
    return StatusProto.toStatusRuntimeException(status.build());
  }
}

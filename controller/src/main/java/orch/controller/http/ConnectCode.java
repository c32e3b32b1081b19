package orch.controller.http;

import io.grpc.Status;

/** A gRPC code as the Connect protocol names it, and the HTTP status that goes with it. */
record ConnectCode(String name, int httpStatus) {
  /** {@code status} is not OK. */
  static ConnectCode of(Status.Code code) {
    return switch (code) {
      case CANCELLED -> new ConnectCode("canceled", 499);
      case UNKNOWN -> new ConnectCode("unknown", 500);
      case INVALID_ARGUMENT -> new ConnectCode("invalid_argument", 400);
      case DEADLINE_EXCEEDED -> new ConnectCode("deadline_exceeded", 504);
      case NOT_FOUND -> new ConnectCode("not_found", 404);
      case ALREADY_EXISTS -> new ConnectCode("already_exists", 409);
      case PERMISSION_DENIED -> new ConnectCode("permission_denied", 403);
      case RESOURCE_EXHAUSTED -> new ConnectCode("resource_exhausted", 429);
      case FAILED_PRECONDITION -> new ConnectCode("failed_precondition", 400);
      case ABORTED -> new ConnectCode("aborted", 409);
      case OUT_OF_RANGE -> new ConnectCode("out_of_range", 400);
      case UNIMPLEMENTED -> new ConnectCode("unimplemented", 501);
      case INTERNAL -> new ConnectCode("internal", 500);
      case UNAVAILABLE -> new ConnectCode("unavailable", 503);
      case DATA_LOSS -> new ConnectCode("data_loss", 500);
      case UNAUTHENTICATED -> new ConnectCode("unauthenticated", 401);
      case OK -> throw new IllegalArgumentException("OK is no error");
    };
  }
}

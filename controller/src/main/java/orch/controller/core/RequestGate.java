package orch.controller.core;

import java.time.Instant;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Lets a request through once: a repetition gets the answer that the first one got. */
final class RequestGate {
  private static final Pattern UUID_V7 =
      Pattern.compile("[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");

  private final State state;

  RequestGate(State state) {
    this.state = state;
  }

  /** The answer to give at once; null: the request is new and may be handled. */
  @Nullable Answer check(RequestMeta meta, Instant now) {
    if (Limits.utf8Length(meta.principal()) > Limits.MAX_PRINCIPAL_BYTES) {
      return Decider.rejected(
          RejectionCode.INVALID_ARGUMENT,
          "PRINCIPAL_TOO_LONG",
          null,
          "the caller's name is longer than " + Limits.MAX_PRINCIPAL_BYTES + " bytes");
    }
    if (meta.requestId().isEmpty()) {
      return null;
    }
    if (!UUID_V7.matcher(meta.requestId()).matches()) {
      return Decider.rejected(
          RejectionCode.INVALID_ARGUMENT,
          "BAD_REQUEST_ID",
          "request_id",
          "the request id is no UUID version 7 in lower case");
    }
    Requests.Answered before = state.requests.find(meta.requestId());
    return before == null ? checkNew(meta, now) : repeated(meta, before);
  }

  private static Answer repeated(RequestMeta meta, Requests.Answered before) {
    if (before.bodyHash() == meta.bodyHash() && before.principal().equals(meta.principal())) {
      return before.answer();
    }
    return Decider.rejected(
        RejectionCode.ALREADY_EXISTS,
        "REQUEST_ID_REUSED",
        "request_id",
        "another request had this id; every new request needs an id of its own");
  }

  private @Nullable Answer checkNew(RequestMeta meta, Instant now) {
    String id = meta.requestId();
    long made = Long.parseLong(id.substring(0, 8) + id.substring(9, 13), 16);
    if (made < now.toEpochMilli() - Limits.REQUEST_ID_AGE.toMillis()) {
      return Decider.rejected(
          RejectionCode.FAILED_PRECONDITION,
          "REQUEST_ID_EXPIRED",
          "request_id",
          "the request id is older than "
              + Limits.REQUEST_ID_AGE.toMinutes()
              + " minutes, so whether the request was done before is not known;"
              + " look, then ask anew with a new id");
    }
    if (made > now.toEpochMilli() + Limits.REQUEST_ID_AHEAD.toMillis()) {
      return Decider.rejected(
          RejectionCode.INVALID_ARGUMENT,
          "REQUEST_ID_AHEAD",
          "request_id",
          "the request id was made over "
              + Limits.REQUEST_ID_AHEAD.toMinutes()
              + " minutes in the future; set the caller's clock");
    }
    if (state.requests.size() >= Limits.MAX_REQUESTS) {
      return Decider.rejected(
          RejectionCode.RESOURCE_EXHAUSTED,
          "TOO_MANY_REQUESTS",
          null,
          "the answers of "
              + Limits.MAX_REQUESTS
              + " requests are kept at the moment; try again in a minute");
    }
    return null;
  }
}

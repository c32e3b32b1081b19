package orch.controller.core;

/**
 * Who asks, and under which request id.
 *
 * @param requestId UUIDv7 of the caller; empty: the request is not deduplicated
 * @param bodyHash hash over the request's canonical bytes without the request id; the same id with
 *     another hash is a conflict
 * @param principal {@code local}, {@code local:USER}, later a certificate's or token's subject
 */
public record RequestMeta(String requestId, long bodyHash, String principal) {
  /** A request that is not deduplicated. */
  public static RequestMeta of(String principal) {
    return new RequestMeta("", 0, principal);
  }
}

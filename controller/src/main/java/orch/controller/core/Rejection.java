package orch.controller.core;

/**
 * Why an input was refused.
 *
 * @param reason stable word in UPPER_SNAKE_CASE, the {@code reason} of google.rpc.ErrorInfo
 * @param field the request's field at fault, in proto names ({@code spec.depends_on[0].job});
 *     empty: none
 * @param message what failed, why, and the remedy, one sentence
 */
public record Rejection(RejectionCode code, String reason, String field, String message) {}

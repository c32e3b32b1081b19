package orch.controller.store;

/**
 * How a multi ended; it is done whole or not at all.
 *
 * @param failedOperation index of the operation that was refused; -1: none was, or nobody knows
 */
public record MultiResult(ResultCode code, int failedOperation) {
  public static final MultiResult OK = new MultiResult(ResultCode.OK, -1);
}

package orch.controller.core;

/** Google's canonical code of a rejection (google.rpc.Code has the same names). */
public enum RejectionCode {
  INVALID_ARGUMENT,
  NOT_FOUND,
  ALREADY_EXISTS,
  PERMISSION_DENIED,
  RESOURCE_EXHAUSTED,
  FAILED_PRECONDITION,
  ABORTED,
  UNIMPLEMENTED
}

package orch.api.convert;

/**
 * What is wrong with one field of a spec.
 *
 * @param fieldPath in the words of docs/job-spec.md, {@code restart.rules[1].exitCodes}; empty: the
 *     spec as a whole
 * @param message what is wrong and what would be right, without the path
 */
public record FieldProblem(String fieldPath, String message) {
  @Override
  public String toString() {
    return fieldPath.isEmpty() ? message : fieldPath + ": " + message;
  }
}

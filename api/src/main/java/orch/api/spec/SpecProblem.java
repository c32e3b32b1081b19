package orch.api.spec;

/**
 * One problem of a document.
 *
 * @param line from 1
 * @param column from 1
 * @param field path, {@code restart.rules[1].exitCodes}; empty: the document as a whole
 * @param message what is wrong and what would be right
 * @param suggestion nearest right name when a name was wrong, else empty
 */
public record SpecProblem(
    String fileName, int line, int column, String field, String message, String suggestion) {
  /** {@code web.yaml:3:7: resources.memory: ...}. */
  @Override
  public String toString() {
    return (fileName.isEmpty() ? "" : fileName + ":")
        + line
        + ":"
        + column
        + ": "
        + (field.isEmpty() ? "" : field + ": ")
        + message;
  }
}

package orch.ctl.http;

import java.util.List;

/** The controller's refusal of a request, by the words of the Connect protocol. */
public final class ApiException extends CallException {
  private static final long serialVersionUID = 1;

  /**
   * A field at fault.
   *
   * @param field its path in the request
   * @param description what is wrong with it
   */
  public record Violation(String field, String description) {}

  private final String code;
  private final String reason;
  private final transient List<Violation> violations;

  /**
   * @param code the error code in Connect's spelling, for example {@code not_found}
   * @param reason stable word of the error, UPPER_SNAKE_CASE; empty where there is none
   * @param violations the fields at fault
   */
  public ApiException(String code, String message, String reason, List<Violation> violations) {
    super(message);
    this.code = code;
    this.reason = reason;
    this.violations = List.copyOf(violations);
  }

  /** The error code in Connect's spelling, for example {@code not_found}. */
  public String code() {
    return code;
  }

  /** Stable word of the error; empty where there is none. */
  public String reason() {
    return reason;
  }

  /** The fields at fault, if the error is about fields. */
  public List<Violation> violations() {
    return violations;
  }
}

package orch.api.convert;

import java.util.List;
import java.util.stream.Collectors;

/** A spec that breaks rules; carries all that it breaks, in the order of the documentation. */
public final class InvalidSpecException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  private final transient List<FieldProblem> problems;

  InvalidSpecException(List<FieldProblem> problems) {
    super(
        "invalid job spec: "
            + problems.stream().map(FieldProblem::toString).collect(Collectors.joining("; ")));
    this.problems = List.copyOf(problems);
  }

  /** At least one. */
  public List<FieldProblem> problems() {
    return problems;
  }
}

package orch.api.spec.convert;

import java.util.List;
import orch.api.spec.SpecProblem;
import orch.v1.JobSpec;

/**
 * What was read of a text: its specs, or all that is wrong with it, in the order of the lines.
 *
 * @param specs one a document; empty when there are problems
 */
public record SpecDocument(List<JobSpec> specs, List<SpecProblem> problems) {
  public SpecDocument {
    specs = List.copyOf(specs);
    problems = List.copyOf(problems);
  }
}

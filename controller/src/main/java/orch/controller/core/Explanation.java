package orch.controller.core;

import java.util.List;

/** Why something waits, or ended as it did; {@code summary} is one sentence. */
public record Explanation(String summary, List<Reason> reasons) {
  public Explanation {
    reasons = List.copyOf(reasons);
  }

  /**
   * One reason.
   *
   * @param kind stable word: memory, cpu, port, constraint, cordoned, parallelism, dependency, ...
   * @param nodes nodes that fail for it; 0: no matter of nodes
   * @param tasks tasks that wait for it
   */
  public record Reason(String kind, String message, int nodes, int tasks) {}
}

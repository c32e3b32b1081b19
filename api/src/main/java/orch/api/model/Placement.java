package orch.api.model;

import java.util.List;

/**
 * Where tasks may run and are liked to run.
 *
 * @param constraints expressions over node labels and attributes, all of which must hold
 * @param spread attributes over whose values the tasks are spread
 * @param pool node pool
 */
public record Placement(
    List<String> constraints,
    List<Affinity> affinity,
    List<String> spread,
    PlacementStrategy strategy,
    boolean everyNode,
    String pool) {
  public static final Placement DEFAULT =
      new Placement(List.of(), List.of(), List.of(), PlacementStrategy.BINPACK, false, "default");

  public Placement {
    constraints = List.copyOf(constraints);
    affinity = List.copyOf(affinity);
    spread = List.copyOf(spread);
  }
}

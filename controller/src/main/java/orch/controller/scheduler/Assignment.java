package orch.controller.scheduler;

import java.util.List;

/** A task's place; {@code ports} in the order of the spec's names. */
public record Assignment(int node, List<Integer> ports) {
  public Assignment {
    ports = List.copyOf(ports);
  }
}

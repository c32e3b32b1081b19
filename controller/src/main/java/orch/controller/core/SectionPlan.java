package orch.controller.core;

import java.util.List;

/**
 * The sections of a checkpoint in order, and the generation of the state from which on whatever was
 * altered is not in them.
 */
record SectionPlan(List<Section> sections, int generation, long nextId) {
  SectionPlan {
    sections = List.copyOf(sections);
  }

  /** Nothing was written: everything is to be. */
  static SectionPlan none() {
    return new SectionPlan(List.of(), 0, 1);
  }
}

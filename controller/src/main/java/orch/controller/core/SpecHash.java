package orch.controller.core;

import orch.api.model.Execution;
import orch.api.model.JobSpec;

/**
 * A spec's canonical bytes. Records write themselves as text by their components, in their order,
 * which is the same everywhere; what text hides, bytes, is added.
 */
final class SpecHash {
  private SpecHash() {}

  static void write(JobSpec spec, CanonicalWriter to) {
    to.record(spec);
    Execution execution = spec.execution();
    to.bytes(execution.script());
    execution.files().values().forEach(to::bytes);
  }
}

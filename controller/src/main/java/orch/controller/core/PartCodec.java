package orch.controller.core;

import orch.api.model.JobSpec;
import orch.api.model.NodeDescription;

/**
 * Bytes of the large values of the state, as the log has them too. The same bytes for equal values
 * in every JVM; what a version wrote, every later one reads, without judging it by its own rules
 * for new input.
 */
public interface PartCodec {
  byte[] spec(JobSpec spec);

  JobSpec spec(byte[] bytes);

  byte[] description(NodeDescription description);

  NodeDescription description(byte[] bytes);

  byte[] answer(Answer answer);

  Answer answer(byte[] bytes);
}

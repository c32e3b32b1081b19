package orch.controller.rpc;

import orch.v1.JobSpec;
import orch.v1.ParseSpecResponse;

/** The YAML and JSON dialect of job specs; {@code orch.api.spec} has it. */
public interface SpecDialect {
  /** The specs of a document, or its problems with their places. */
  ParseSpecResponse parse(String fileName, String text);

  /** A document that {@link #parse} makes the same spec of. */
  String format(JobSpec spec);
}

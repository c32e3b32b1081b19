package orch.controller.core;

import orch.api.model.JobSpec;

/** A version of a job; {@code timeNanos} by the log's clock. */
public record JobVersionView(long version, JobSpec spec, long timeNanos, String principal) {}

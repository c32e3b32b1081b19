package orch.api.model;

/** A job's spec as the agents get it, once a session before its first use. */
public record SpecDefinition(
    Uid jobUid,
    long version,
    JobSpec spec,
    String namespace,
    String jobName,
    long jobNumber,
    String traceId,
    String traceState,
    int count) {}

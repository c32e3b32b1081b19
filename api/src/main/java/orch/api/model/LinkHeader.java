package orch.api.model;

/** Who speaks: every message of a controller to an agent carries it. */
public record LinkHeader(String clusterId, int incarnation, long epoch, long revision) {}

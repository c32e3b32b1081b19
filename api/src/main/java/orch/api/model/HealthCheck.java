package orch.api.model;

import java.time.Duration;

/** A probe, how often it is asked and how many failures in a row count. */
public record HealthCheck(Probe probe, Duration period, Duration timeout, int failures) {}

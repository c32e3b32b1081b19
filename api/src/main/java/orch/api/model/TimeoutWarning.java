package orch.api.model;

import java.time.Duration;

/** A signal sent {@code before} the timeout, to the leader or to all processes. */
public record TimeoutWarning(int signal, Duration before, boolean toAll) {}

package orch.api.model;

/**
 * A listening socket handed to the task (LISTEN_FDS); {@code listen} is host:port, :port or a path.
 */
public record ListenSocket(String name, String listen) {}

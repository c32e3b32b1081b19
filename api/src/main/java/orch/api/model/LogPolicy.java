package orch.api.model;

/** Bytes of output kept for each attempt (0: the agent's default) and whether journald gets it. */
public record LogPolicy(long maxBytes, boolean journal) {
  public static final LogPolicy DEFAULT = new LogPolicy(0, true);
}

package orch.agent.core;

/**
 * The newest leader that the agent obeyed: durable, so that it never obeys an older one.
 *
 * @param clusterId empty: the agent never belonged to a cluster
 */
public record Obeyed(String clusterId, int incarnation, long epoch) {
  public static final Obeyed NOBODY = new Obeyed("", 0, 0);

  boolean isNewerThan(int otherIncarnation, long otherEpoch) {
    return incarnation != otherIncarnation ? incarnation > otherIncarnation : epoch > otherEpoch;
  }
}

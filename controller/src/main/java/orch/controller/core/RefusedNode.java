package orch.controller.core;

/**
 * An agent that wants to join and may not, until an operator decides.
 *
 * @param clusterId that it belongs to; empty: to none
 * @param incarnation highest that it obeyed
 * @param reason as in {@link Rejection#reason}
 * @param message what failed, why, and the remedy
 */
public record RefusedNode(
    String name,
    String uid,
    String machineId,
    String bootId,
    String clusterId,
    int incarnation,
    String reason,
    String message) {
  /** What tells one from another: a copied uid may come from several machines. */
  public String key() {
    return uid + "/" + machineId + "/" + bootId;
  }
}

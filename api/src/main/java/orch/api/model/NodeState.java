package orch.api.model;

/** State of a node. */
public enum NodeState {
  READY,
  /** Takes nothing new. */
  CORDONED,
  /** Takes nothing new; what runs is moved away. */
  DRAINING,
  /** Does not answer; may run things still. */
  UNREACHABLE,
  /** Proven dead. */
  GONE
}

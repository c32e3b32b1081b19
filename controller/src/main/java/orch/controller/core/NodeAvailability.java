package orch.controller.core;

/** What operators want of a node. */
public enum NodeAvailability {
  READY,
  /** Takes nothing new. */
  CORDONED,
  /** Takes nothing new; what runs is moved away. */
  DRAINING
}

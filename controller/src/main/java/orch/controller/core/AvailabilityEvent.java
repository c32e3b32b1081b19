package orch.controller.core;

/** What moves a node's availability. */
enum AvailabilityEvent {
  CORDON,
  UNCORDON,
  DRAIN
}

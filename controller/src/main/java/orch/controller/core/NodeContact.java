package orch.controller.core;

/** Whether a node answers. */
public enum NodeContact {
  UP,
  /** Does not answer; may run things still. */
  UNREACHABLE,
  /** Proven dead. */
  GONE
}

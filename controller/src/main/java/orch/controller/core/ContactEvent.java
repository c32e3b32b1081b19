package orch.controller.core;

/** What moves a node's contact. */
enum ContactEvent {
  /** Its agent opened a session. */
  HELLO,
  /** Nothing was heard for too long. */
  SILENT,
  /** Heartbeats came again. */
  BACK,
  /** An operator vouched that it is dead. */
  DECLARED_GONE
}

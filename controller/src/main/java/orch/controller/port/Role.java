package orch.controller.port;

/** What a controller does at present. */
public enum Role {
  /** Reads the log and catches up; serves nothing. */
  STANDBY,
  /** Was elected, but its first entry has not committed: serves nothing yet. */
  ELECTED,
  /** Serves. */
  LEADER
}

package orch.api.model;

/** When an ended attempt is run again if no rule matched. */
public enum RestartWhen {
  NEVER,
  ON_FAILURE,
  ALWAYS
}

package orch.controller.core;

/** Whether silent nodes may be given up. */
public enum FleetBrake {
  /** They may, by their jobs' partition modes. */
  OFF,
  /** So much of the fleet fell silent at once that nothing is declared lost. */
  ON,
  /** The same, but an operator said to go on. */
  RELEASED
}

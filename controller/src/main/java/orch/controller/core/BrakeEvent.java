package orch.controller.core;

/** What moves the brake. */
enum BrakeEvent {
  /** Over half of the fleet fell silent at once. */
  HALF_SILENT,
  /** At least half of it answers. */
  HALF_BACK,
  /** An operator said that what is silent may be given up. */
  OPERATOR
}

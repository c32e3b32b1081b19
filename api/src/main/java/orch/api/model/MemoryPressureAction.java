package orch.api.model;

/** What may be done to a task when memory grows short; each includes those before it. */
public enum MemoryPressureAction {
  NONE,
  /** It is told. */
  NOTIFY,
  /** Its memory.high is lowered: the kernel slows its growth down. */
  THROTTLE,
  /** It is frozen while its host is short of memory. */
  FREEZE,
  /** It is stopped. */
  EVICT
}

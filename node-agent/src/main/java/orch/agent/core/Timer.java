package orch.agent.core;

/** What an attempt's timers are for. */
public enum Timer {
  DELAY,
  WARN,
  TIMEOUT,
  GRACE,
  /** It has to be ready. */
  READY,
  /** It has to be heard of. */
  WATCHDOG,
  /** What it says of itself may be told again. */
  TEXT
}

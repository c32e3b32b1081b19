package orch.agent.core;

/** What an attempt's timers are for. */
public enum Timer {
  DELAY,
  WARN,
  TIMEOUT,
  GRACE
}

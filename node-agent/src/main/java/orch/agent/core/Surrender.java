package orch.agent.core;

/** Why the agent itself ends an attempt. */
enum Surrender {
  NOT_READY_IN_TIME,
  WATCHDOG,
  MEMORY_PRESSURE,
  NODE_STOPS
}

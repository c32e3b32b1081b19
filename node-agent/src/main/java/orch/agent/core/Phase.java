package orch.agent.core;

/** Where an attempt stands on its node. */
enum Phase {
  /** Its start delay runs. */
  DELAYED("its start delay runs"),
  /** Waits until the launcher can be asked; nothing was handed out for it. */
  READY("waits for the launcher, or for a lease"),
  /** Handed to the launcher: from here on it may have forked. */
  STARTING("handed to the launcher, no task seen yet"),
  RUNNING("its task executes"),
  /** A stop was ordered after it had been handed to the launcher. */
  STOPPING("a stop is under way"),
  /** Its end is durable; reported until the controller forgets it. */
  ENDED("its end is durable, reported until forgotten");

  private final String meaning;

  Phase(String meaning) {
    this.meaning = meaning;
  }

  String meaning() {
    return meaning;
  }

  /** Whether the launcher may know of it. */
  boolean launched() {
    return this == STARTING || this == RUNNING || this == STOPPING;
  }
}

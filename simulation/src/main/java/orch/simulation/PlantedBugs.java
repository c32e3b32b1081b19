package orch.simulation;

import orch.agent.process.LauncherPort;
import orch.agent.runtime.AgentFiles;
import orch.api.model.ControllerMessage;
import orch.api.model.NodeCapacity;
import orch.controller.core.StateView;
import orch.controller.port.ControllerPort;
import orch.controller.store.ZooKeeperPort;
import org.jspecify.annotations.Nullable;

/**
 * What a test puts between the parts, to see whether the invariants notice. Only tests implement
 * it; everybody else has {@link #NONE}, through which everything passes as it is.
 */
interface PlantedBugs {
  PlantedBugs NONE = new PlantedBugs() {};

  default ZooKeeperPort between(SimulatedController controller, ZooKeeperPort port) {
    return port;
  }

  default ControllerPort between(SimulatedController controller, ControllerPort port) {
    return port;
  }

  default AgentFiles between(SimulatedNode node, AgentFiles files) {
    return files;
  }

  /** May spoil a leader's state. */
  default void leads(StateView view) {}

  /** What an agent says that its host has. */
  default NodeCapacity claimed(NodeCapacity capacity) {
    return capacity;
  }

  /** An end as the journal gets it. */
  default LauncherPort.End end(LauncherPort.End end) {
    return end;
  }

  default boolean losesExitRecord() {
    return false;
  }

  default boolean ignoresStops() {
    return false;
  }

  default boolean forgetsClaims() {
    return false;
  }

  /** Shims let tasks run on when their lease has ended. */
  default boolean forgetsLeases() {
    return false;
  }

  /** What an agent is told in the place of this; null: nothing. */
  default @Nullable ControllerMessage told(ControllerMessage message) {
    return message;
  }
}

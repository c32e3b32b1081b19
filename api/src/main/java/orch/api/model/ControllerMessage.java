package orch.api.model;

import java.time.Duration;
import java.util.List;

/** From the leader to an agent; see {@code orch/agent/v1/agent.proto} for each. */
public sealed interface ControllerMessage {
  /**
   * Answer to the agent's Hello.
   *
   * @param adoptedFrom the cluster that the node belonged to until now; empty: this one, or none
   */
  record Welcome(Duration heartbeatInterval, boolean wantInventory, String adoptedFrom)
      implements ControllerMessage {
    public Welcome(Duration heartbeatInterval, boolean wantInventory) {
      this(heartbeatInterval, wantInventory, "");
    }
  }

  /** What should run: a full set in parts, then deltas. */
  record Desired(
      boolean full, boolean last, List<SpecDefinition> specs, List<DesiredAttempt> attempts)
      implements ControllerMessage {}

  /** These terminal results are committed. */
  record Forget(List<Uid> uids) implements ControllerMessage {}

  /**
   * The attempt was given up while its node did not answer, so what lives of it is to be stopped.
   *
   * @param reason for people
   */
  record StopReplaced(Uid uid, String reason) implements ControllerMessage {}

  record HeartbeatReply(long sequence, boolean lease) implements ControllerMessage {}

  /** The agent is to open a ServeLogs stream with this number. */
  record OpenLogs(
      long stream,
      Uid jobUid,
      int index,
      int attempt,
      boolean follow,
      long tail,
      long sinceNanos,
      int logStream)
      implements ControllerMessage {}

  record CloseLogs(long stream, boolean drain) implements ControllerMessage {}

  /** {@code target}: 0 or 1 the leader, 2 all, 3 the leader's process group. */
  record Signal(long request, Uid uid, int signal, int target) implements ControllerMessage {}
}

package orch.api.model;

import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/** From the leader to an agent; see {@code orch/agent/v1/agent.proto} for each. */
public sealed interface ControllerMessage {
  /**
   * Answer to the agent's Hello.
   *
   * @param adoptedFrom the cluster that the node belonged to until now; empty: this one, or none
   * @param heldBelow attempts of incarnations below this one may be unknown to the controller, as
   *     it was restored from a backup or has adopted the node: what it does not name of them is
   *     held, and what it names and the node does not know may have run
   */
  record Welcome(
      Duration heartbeatInterval, boolean wantInventory, String adoptedFrom, int heldBelow)
      implements ControllerMessage {
    public Welcome(Duration heartbeatInterval, boolean wantInventory, String adoptedFrom) {
      this(heartbeatInterval, wantInventory, adoptedFrom, 0);
    }

    public Welcome(Duration heartbeatInterval, boolean wantInventory) {
      this(heartbeatInterval, wantInventory, "");
    }
  }

  /**
   * What should run: a full set in parts, then deltas.
   *
   * @param unreadable specs that came with it and are not among {@code specs}, as this version
   *     cannot hold them; nobody sends any
   */
  record Desired(
      boolean full,
      boolean last,
      List<SpecDefinition> specs,
      List<DesiredAttempt> attempts,
      List<UnreadableSpec> unreadable)
      implements ControllerMessage {
    public Desired(
        boolean full, boolean last, List<SpecDefinition> specs, List<DesiredAttempt> attempts) {
      this(full, last, specs, attempts, List.of());
    }
  }

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

  /** Asks for an attempt's processes, or with {@code usage} for what it uses. */
  record Inspect(long request, Uid uid, boolean usage) implements ControllerMessage {}

  /**
   * The agent is to run a command inside an attempt and to open a ServeExec stream of this number.
   *
   * @param env in addition to the task's own
   * @param rows of the terminal, with {@code tty}; 0: unknown
   */
  record OpenExec(
      long stream,
      Uid uid,
      List<String> command,
      SortedMap<String, String> env,
      boolean tty,
      int rows,
      int columns)
      implements ControllerMessage {
    public OpenExec {
      command = List.copyOf(command);
      env = Collections.unmodifiableSortedMap(new TreeMap<>(env));
    }
  }

  /**
   * The agent is to serve an attempt's standard streams on a ServeExec stream of this number.
   *
   * @param stdin input is to be written
   * @param tail only so many lines of what was printed before; -1: all
   */
  record OpenAttach(long stream, Uid uid, boolean stdin, long tail, boolean noOutput)
      implements ControllerMessage {}
}

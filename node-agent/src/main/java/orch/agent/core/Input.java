package orch.agent.core;

import java.util.List;
import orch.api.model.ControllerMessage;
import orch.api.model.LinkHeader;
import orch.api.model.StartFailure;
import orch.api.model.Uid;

/** What the agent hears. */
public sealed interface Input {
  /** A message of a controller, on the session that is open. */
  record Received(LinkHeader header, ControllerMessage message) implements Input {}

  /** The session with the controller is gone. */
  record SessionClosed() implements Input {}

  /**
   * The launcher answers, and every start that was handed to it before is either claimed in its
   * journal or will never be. {@code found}: all that is claimed and not acked.
   */
  record LauncherConnected(List<Found> found) implements Input {
    public LauncherConnected {
      found = List.copyOf(found);
    }
  }

  /** The launcher does not answer; nothing is to be handed to it until it does. */
  record LauncherLost() implements Input {}

  record Started(Uid uid, long startNanos) implements Input {}

  /** No task was made; durable, or so early that nothing was claimed. */
  record StartFailed(Uid uid, StartFailure why, long atNanos) implements Input {}

  record Exited(Uid uid, End end) implements Input {}

  /** It was taken back before a shim had it. */
  record TakenBack(Uid uid) implements Input {}

  record Stuck(Uid uid, int processes) implements Input {}

  /** A signal that the controller asked for was sent; {@code error} empty: done. */
  record Signalled(long request, int processes, String error) implements Input {}

  /** What {@link Effect.Freeze} asked for was done; {@code error} not empty: it was not. */
  record Frozen(Uid uid, boolean frozen, String error) implements Input {}

  /** It was made to stand still since memory is short, or goes on again. */
  record FrozenForMemory(Uid uid, boolean frozen) implements Input {}

  /** A task said something of itself; who said it was checked. */
  record Notified(Uid uid, Notification what) implements Input {}

  /** Memory is short, and this attempt has to go. */
  record Evicted(Uid uid, String reason) implements Input {}

  /**
   * Everything is to be stopped in order, and by the given CLOCK_BOOTTIME to be killed. Said again
   * it can make that sooner, not later.
   */
  record ShutDown(long deadlineBootNanos) implements Input {}

  record TimerFired(Uid uid, Timer timer) implements Input {}

  /** A heartbeat is about to leave. */
  record HeartbeatSent(long sequence, long bootNanos) implements Input {}

  /** Comes about every second while {@link AgentCore#leased} says so: leases may be over. */
  record LeaseTick() implements Input {}

  /** Comes every half minute: what was reported and not forgotten is reported again. */
  record Tick() implements Input {}
}

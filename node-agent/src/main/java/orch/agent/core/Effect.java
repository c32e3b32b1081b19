package orch.agent.core;

import java.time.Duration;
import java.util.List;
import orch.api.model.AgentMessage;
import orch.api.model.AttemptStatus;
import orch.api.model.ControllerMessage;
import orch.api.model.DesiredAttempt;
import orch.api.model.SpecDefinition;
import orch.api.model.Uid;
import org.jspecify.annotations.Nullable;

/** What the agent is to do, in this order. */
public sealed interface Effect {
  /**
   * To be durable before any later effect is carried out: the leader that is obeyed from now on.
   */
  record Obey(String clusterId, int incarnation, long epoch) implements Effect {}

  /** The session is to be closed: its controller must not be obeyed, or a resync is needed. */
  record CloseSession(String why) implements Effect {}

  /** To be written before the launcher hears of it. */
  record Remember(KnownAttempt attempt) implements Effect {}

  /** Hands an attempt to the launcher, with the first of its deadlines. */
  record Start(DesiredAttempt order, SpecDefinition definition, Deadline deadline)
      implements Effect {}

  /** Gives later deadlines to the shims of attempts that run under a lease. */
  record Renew(List<Deadline> deadlines) implements Effect {
    public Renew {
      deadlines = List.copyOf(deadlines);
    }
  }

  /** {@code grace} null: that of the start. */
  record Stop(Uid uid, @Nullable Duration grace) implements Effect {}

  /**
   * Has a stop that runs kill later.
   *
   * @param by from now
   * @param most from the stop's beginning
   */
  record ExtendStop(Uid uid, Duration by, Duration most) implements Effect {}

  /** {@code target} as in the API; {@code request} 0: nobody waits for the outcome. */
  record Signal(Uid uid, int signal, int target, long request) implements Effect {}

  /** All of it is to stand still, or to go on; the answer is {@link Input.Frozen}. */
  record Freeze(Uid uid, boolean frozen) implements Effect {}

  /** Goes to the controller, in place of an older status of the same attempt. Never lost. */
  record Report(AttemptStatus status) implements Effect {}

  /** Goes to the controller on the session that is open, else nowhere. */
  record Send(AgentMessage message) implements Effect {}

  /** The journal may forget it once the tombstone is written. */
  record Bury(Buried tombstone) implements Effect {}

  /** One timer for each attempt and purpose: a new one takes the place of the old one. */
  record SetTimer(Uid uid, Timer timer, long atBootNanos) implements Effect {}

  /** Its timers, scratch directory and place among the writing attempts are no longer needed. */
  record Release(Uid uid) implements Effect {}

  /**
   * It runs, and there is something in its spec to watch it by.
   *
   * @param memoryBytes its limit; 0: none
   */
  record Watch(KnownAttempt attempt, SpecDefinition definition, long memoryBytes)
      implements Effect {}

  /** It may write output from now on. */
  record OpenLog(KnownAttempt attempt) implements Effect {}

  /** Output is to be served on a stream of its own. */
  record ServeLogs(ControllerMessage.OpenLogs query) implements Effect {}

  /** No more output is wanted; with {@code drain} what is there goes out first. */
  record EndLogs(long stream, boolean drain) implements Effect {}

  /** What runs of an attempt, or what it uses, is to be looked at and answered. */
  record Inspect(ControllerMessage.Inspect query) implements Effect {}

  /**
   * A command is to be run inside an attempt; it is to be refused when one of the two is null (the
   * attempt does not run here, or the controller has not yet said what it is).
   */
  record RunCommand(
      ControllerMessage.OpenExec query,
      @Nullable DesiredAttempt order,
      @Nullable SpecDefinition definition)
      implements Effect {}

  /**
   * An attempt's streams are to be served.
   *
   * @param attempt null: it does not run here
   * @param terminal its input is a terminal
   */
  record Attach(
      ControllerMessage.OpenAttach query, @Nullable KnownAttempt attempt, boolean terminal)
      implements Effect {}

  /** The leader answered a heartbeat. */
  record HeartbeatAnswered(long sequence, boolean lease) implements Effect {}

  /** The session is open: heartbeats go out at this interval. */
  record SessionOpen(Duration heartbeatInterval) implements Effect {}

  /**
   * Something that people may want to know of.
   *
   * @param type stable word in UPPER_SNAKE_CASE
   */
  record Happened(KnownAttempt attempt, String type, String message) implements Effect {}

  /** Something that cannot happen: for the log. */
  record Complain(String what, List<String> history) implements Effect {
    public Complain {
      history = List.copyOf(history);
    }
  }
}

package orch.agent.core;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import orch.api.model.AttemptState;
import orch.api.model.AttemptStatus;
import orch.api.model.DesiredAttempt;
import orch.api.model.Readiness;
import orch.api.model.Result;
import orch.api.model.ResultKind;
import orch.api.model.SpecDefinition;
import orch.api.model.StageTimes;
import orch.api.model.StartFailure;
import orch.api.model.StopOrder;
import orch.api.model.Uid;
import orch.api.model.UnreadableSpec;
import org.jspecify.annotations.Nullable;

/** One attempt in the memory of {@link AgentCore}. */
final class Attempt {
  private static final int HISTORY = 8;

  KnownAttempt known;
  Phase phase;

  /** What the controller ordered; null after a restart of the agent, until it says it again. */
  @Nullable DesiredAttempt order;

  @Nullable SpecDefinition definition;
  @Nullable StopOrder stop;
  boolean timedOut;

  /** Its stop was drawn out at its own word. */
  boolean drawnOut;

  /** Its lease is over, and it is being stopped for that. */
  boolean unleased;

  /** CLOCK_BOOTTIME of its timeout, as far as it is known; 0: none. */
  long timeoutBootNanos;

  /** Its timer for that is set. */
  boolean timeoutArmed;

  /** The end of the lease or the timeout that its shim was told last; 0: none by this agent. */
  long toldBootNanos;

  /** Whether the controller wants it to stand still; null: it has not said so to this agent. */
  @Nullable Boolean freezeWanted;

  /** What its shim was asked for last; null: not known. */
  @Nullable Boolean freezeAsked;

  /** It stands still as its job is suspended. */
  boolean frozen;

  /** It stands still as memory is short. */
  boolean frozenForMemory;

  /** Since when it stands still, CLOCK_BOOTTIME. */
  long frozenBootNanos;

  /** Some of its processes outlive SIGKILL. */
  boolean stuck;

  /** Null: the agent did not give it up. */
  @Nullable Surrender surrender;

  String surrenderReason = "";
  private @Nullable Service service;
  String reason = "";
  long receivedNanos;
  long launchedNanos;
  long startNanos;

  /** CLOCK_BOOTTIME at which a task of before this agent started; 0: not known. */
  long startBootNanos;

  @Nullable Result result;
  AttemptState endState = AttemptState.DROPPED;
  long endNanos;
  long recordNanos;
  long reportedBootNanos;
  private final ArrayDeque<String> history = new ArrayDeque<>();

  Attempt(KnownAttempt known, Phase phase) {
    this.known = known;
    this.phase = phase;
    if (known.nodeStops()) {
      surrender = Surrender.NODE_STOPS;
      surrenderReason = Shutdown.REASON;
    }
  }

  Uid uid() {
    return known.uid();
  }

  /** Only of one that the controller ordered in this life of the agent. */
  DesiredAttempt requireOrder() {
    if (order == null) {
      throw new IllegalStateException(uid() + " was never ordered");
    }
    return order;
  }

  SpecDefinition requireDefinition() {
    if (definition == null) {
      throw new IllegalStateException(uid() + " has no spec");
    }
    return definition;
  }

  /** What it says of itself. */
  Service service() {
    Service of = service;
    if (of == null) {
      of = new Service();
      service = of;
    }
    return of;
  }

  /** From the stop signal to the kill, as its specification has it; null: that is not known. */
  @Nullable Duration ownGrace() {
    return definition == null ? null : definition.spec().stop().grace();
  }

  /**
   * How long its stop may take if it says that it needs more time ({@code EXTEND_TIMEOUT_USEC});
   * null: no longer than it was given. Only a stop that was ordered, without a grace of its own,
   * can be drawn out: whatever else ends it (a time limit, a lease, memory, the node's own end)
   * does not wait.
   */
  @Nullable Duration longestStop() {
    boolean ordered = stop != null && stop.grace() == null;
    boolean mustEnd = timedOut || unleased || surrender != null;
    if (phase != Phase.STOPPING || !ordered || mustEnd || definition == null) {
      return null;
    }
    return definition.spec().stop().maxGrace();
  }

  boolean standsStill() {
    return frozen || frozenForMemory;
  }

  void note(String event) {
    if (history.size() == HISTORY) {
      history.removeFirst();
    }
    history.addLast(event);
  }

  List<String> history() {
    return new ArrayList<>(history);
  }

  AttemptState state() {
    return switch (phase) {
      case DELAYED, READY -> AttemptState.PLACED;
      case STARTING -> AttemptState.STARTING;
      case RUNNING -> AttemptState.RUNNING;
      case STOPPING -> AttemptState.STOPPING;
      case ENDED -> endState;
    };
  }

  void drop(String why, long nowNanos) {
    phase = Phase.ENDED;
    endState = AttemptState.DROPPED;
    reason = why;
    endNanos = nowNanos;
    recordNanos = nowNanos;
  }

  /** It is never started, as its spec is of a newer version than this agent. */
  void refuse(UnreadableSpec spec, long nowNanos) {
    StartFailure why =
        new StartFailure(
            "spec",
            0,
            "cannot start "
                + known.name()
                + ": this agent is older than what the job asks for ("
                + spec.why()
                + "); upgrade the agent, or place the job on nodes whose agents are newer");
    end(new End(Result.without(ResultKind.START_FAILED, why), 0, nowNanos, nowNanos));
  }

  void end(End end) {
    Result of = end.result();
    // The shim only knows that it was told to stop; that the time was over is known here.
    if (timedOut && of.kind() == ResultKind.STOPPED) {
      of = withKind(of, ResultKind.TIMED_OUT);
    } else if (surrender != null && of.kind() == ResultKind.STOPPED) {
      of =
          withKind(
              of,
              switch (surrender) {
                case MEMORY_PRESSURE, NODE_STOPS -> ResultKind.EVICTED;
                case NOT_READY_IN_TIME, WATCHDOG -> ResultKind.UNHEALTHY;
              });
    }
    if (unleased && of.kind() == ResultKind.STOPPED) {
      of = withKind(of, ResultKind.NO_LEASE);
    }
    phase = Phase.ENDED;
    result = of;
    endState = stateOf(of);
    startNanos = end.startNanos() == 0 ? startNanos : end.startNanos();
    endNanos = end.endNanos();
    recordNanos = end.recordNanos();
    reason = reasonOf(of);
  }

  AttemptStatus status(long reportNanos) {
    StageTimes from = order == null ? StageTimes.NONE : order.stages();
    StageTimes stages =
        new StageTimes(
            from.acceptNanos(),
            from.commitNanos(),
            from.placeNanos(),
            from.sendNanos(),
            receivedNanos,
            launchedNanos,
            startNanos,
            result == null ? 0 : endNanos,
            recordNanos,
            phase == Phase.ENDED ? reportNanos : 0,
            0);
    return new AttemptStatus(
        uid(),
        known.jobUid(),
        known.jobNumber(),
        known.index(),
        known.attempt(),
        state(),
        reason,
        startNanos,
        endNanos,
        result,
        stages,
        phase == Phase.RUNNING && service != null ? service.readiness() : Readiness.UNDECLARED,
        phase.launched() && service != null ? service.text() : "");
  }

  private String reasonOf(Result of) {
    return switch (of.kind()) {
      case EXITED -> "exited with " + of.siStatus();
      case SIGNALED -> "ended by signal " + orch.api.model.Signal.name(of.siStatus());
      case OUT_OF_MEMORY -> "out of memory";
      case TIMED_OUT -> "timed out";
      case START_FAILED ->
          of.startFailure() == null ? "could not be started" : of.startFailure().message();
      case STOPPED -> stop == null || stop.reason().isEmpty() ? "stopped" : stop.reason();
      case UNKNOWN -> "it ended, and nobody can know how";
      case LOST -> "reboot";
      case NO_LEASE -> noLease();
      case UNHEALTHY, EVICTED -> surrenderReason;
    };
  }

  /** Why it was stopped without an order. */
  String noLease() {
    return known.leased()
        ? "no lease for " + seconds(known.stopAfter()) + ": its node could reach no leader"
        : "no lease";
  }

  private static String seconds(Duration of) {
    return of.toMillis() % 1_000 == 0 ? of.toSeconds() + " s" : of.toMillis() + " ms";
  }

  private static AttemptState stateOf(Result result) {
    return switch (result.kind()) {
      case EXITED -> result.siStatus() == 0 ? AttemptState.SUCCEEDED : AttemptState.FAILED;
      case SIGNALED, OUT_OF_MEMORY, TIMED_OUT, START_FAILED, UNHEALTHY, UNKNOWN ->
          AttemptState.FAILED;
      case STOPPED, NO_LEASE, EVICTED -> AttemptState.KILLED;
      case LOST -> AttemptState.LOST;
    };
  }

  private static Result withKind(Result of, ResultKind kind) {
    return new Result(
        kind,
        of.siCode(),
        of.siStatus(),
        of.startFailure(),
        of.oomKilled(),
        of.oomKills(),
        of.cpuUserMicros(),
        of.cpuSystemMicros(),
        of.memoryPeakBytes(),
        of.logBytes(),
        of.logLostBytes());
  }
}

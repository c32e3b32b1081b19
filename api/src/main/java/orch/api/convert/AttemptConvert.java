package orch.api.convert;

import com.google.protobuf.Duration;
import com.google.protobuf.Timestamp;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import orch.agent.v1.AttemptStatus;
import orch.agent.v1.NodeEvent;
import orch.agent.v1.NodeEvents;
import orch.agent.v1.Uid;
import orch.api.model.AgentMessage;
import orch.api.model.AttemptState;
import orch.api.model.NodeCapacity;
import orch.api.model.Readiness;
import orch.api.model.Result;
import orch.api.model.ResultKind;
import orch.api.model.StageTimes;
import orch.api.model.StartFailure;
import org.jspecify.annotations.Nullable;

/**
 * Attempts, their results and identities, as messages and in the model. What comes from a message
 * is checked: IllegalArgumentException with a sentence where it makes no sense.
 */
public final class AttemptConvert {
  private static final long NANOS_PER_SECOND = 1_000_000_000L;

  private AttemptConvert() {}

  public static Uid toProto(orch.api.model.Uid uid) {
    return Uid.newBuilder()
        .setIncarnation(uid.incarnation())
        .setEpoch(uid.epoch())
        .setSequence(uid.sequence())
        .build();
  }

  public static orch.api.model.Uid fromProto(Uid uid) {
    return new orch.api.model.Uid(uid.getIncarnation(), uid.getEpoch(), uid.getSequence());
  }

  public static orch.v1.AttemptState toProto(AttemptState state) {
    return switch (state) {
      case PLACED -> orch.v1.AttemptState.ATTEMPT_STATE_PLACED;
      case STARTING -> orch.v1.AttemptState.ATTEMPT_STATE_STARTING;
      case RUNNING -> orch.v1.AttemptState.ATTEMPT_STATE_RUNNING;
      case STOPPING -> orch.v1.AttemptState.ATTEMPT_STATE_STOPPING;
      case SUCCEEDED -> orch.v1.AttemptState.ATTEMPT_STATE_SUCCEEDED;
      case FAILED -> orch.v1.AttemptState.ATTEMPT_STATE_FAILED;
      case KILLED -> orch.v1.AttemptState.ATTEMPT_STATE_KILLED;
      case DROPPED -> orch.v1.AttemptState.ATTEMPT_STATE_DROPPED;
      case UNREACHABLE -> orch.v1.AttemptState.ATTEMPT_STATE_UNREACHABLE;
      case LOST -> orch.v1.AttemptState.ATTEMPT_STATE_LOST;
    };
  }

  public static AttemptState fromProto(orch.v1.AttemptState state) {
    return switch (state) {
      case ATTEMPT_STATE_PLACED -> AttemptState.PLACED;
      case ATTEMPT_STATE_STARTING -> AttemptState.STARTING;
      case ATTEMPT_STATE_RUNNING -> AttemptState.RUNNING;
      case ATTEMPT_STATE_STOPPING -> AttemptState.STOPPING;
      case ATTEMPT_STATE_SUCCEEDED -> AttemptState.SUCCEEDED;
      case ATTEMPT_STATE_FAILED -> AttemptState.FAILED;
      case ATTEMPT_STATE_KILLED -> AttemptState.KILLED;
      case ATTEMPT_STATE_DROPPED -> AttemptState.DROPPED;
      case ATTEMPT_STATE_UNREACHABLE -> AttemptState.UNREACHABLE;
      case ATTEMPT_STATE_LOST -> AttemptState.LOST;
      case ATTEMPT_STATE_UNSPECIFIED, UNRECOGNIZED ->
          throw new IllegalArgumentException("an attempt without a known state: " + state);
    };
  }

  public static orch.v1.ResultKind toProto(ResultKind kind) {
    return switch (kind) {
      case EXITED -> orch.v1.ResultKind.RESULT_KIND_EXITED;
      case SIGNALED -> orch.v1.ResultKind.RESULT_KIND_SIGNALED;
      case OUT_OF_MEMORY -> orch.v1.ResultKind.RESULT_KIND_OUT_OF_MEMORY;
      case TIMED_OUT -> orch.v1.ResultKind.RESULT_KIND_TIMED_OUT;
      case START_FAILED -> orch.v1.ResultKind.RESULT_KIND_START_FAILED;
      case STOPPED -> orch.v1.ResultKind.RESULT_KIND_STOPPED;
      case UNKNOWN -> orch.v1.ResultKind.RESULT_KIND_UNKNOWN;
      case LOST -> orch.v1.ResultKind.RESULT_KIND_LOST;
      case NO_LEASE -> orch.v1.ResultKind.RESULT_KIND_NO_LEASE;
      case UNHEALTHY -> orch.v1.ResultKind.RESULT_KIND_UNHEALTHY;
      case EVICTED -> orch.v1.ResultKind.RESULT_KIND_EVICTED;
    };
  }

  public static ResultKind fromProto(orch.v1.ResultKind kind) {
    return switch (kind) {
      case RESULT_KIND_EXITED -> ResultKind.EXITED;
      case RESULT_KIND_SIGNALED -> ResultKind.SIGNALED;
      case RESULT_KIND_OUT_OF_MEMORY -> ResultKind.OUT_OF_MEMORY;
      case RESULT_KIND_TIMED_OUT -> ResultKind.TIMED_OUT;
      case RESULT_KIND_START_FAILED -> ResultKind.START_FAILED;
      case RESULT_KIND_STOPPED -> ResultKind.STOPPED;
      case RESULT_KIND_UNKNOWN -> ResultKind.UNKNOWN;
      case RESULT_KIND_LOST -> ResultKind.LOST;
      case RESULT_KIND_NO_LEASE -> ResultKind.NO_LEASE;
      case RESULT_KIND_UNHEALTHY -> ResultKind.UNHEALTHY;
      case RESULT_KIND_EVICTED -> ResultKind.EVICTED;
      case RESULT_KIND_UNSPECIFIED, UNRECOGNIZED ->
          throw new IllegalArgumentException("a result without a known kind: " + kind);
    };
  }

  public static orch.v1.Result toProto(Result result) {
    orch.v1.Result.Builder to =
        orch.v1.Result.newBuilder()
            .setKind(toProto(result.kind()))
            .setSiCode(result.siCode())
            .setSiStatus(result.siStatus())
            .setExitCode(result.exitCode())
            .setOomKilled(result.oomKilled())
            .setOomKills(result.oomKills())
            .setCpuUserMicros(result.cpuUserMicros())
            .setCpuSystemMicros(result.cpuSystemMicros())
            .setMemoryPeakBytes(result.memoryPeakBytes())
            .setLogBytes(result.logBytes())
            .setLogLostBytes(result.logLostBytes());
    StartFailure failure = result.startFailure();
    if (failure != null) {
      to.setStartFailure(
          orch.v1.StartFailure.newBuilder()
              .setStage(failure.stage())
              .setErrno(failure.errno())
              .setMessage(failure.message()));
    }
    return to.build();
  }

  public static Result fromProto(orch.v1.Result result) {
    orch.v1.StartFailure failure = result.getStartFailure();
    return new Result(
        fromProto(result.getKind()),
        result.getSiCode(),
        result.getSiStatus(),
        result.hasStartFailure()
            ? new StartFailure(failure.getStage(), failure.getErrno(), failure.getMessage())
            : null,
        result.getOomKilled(),
        result.getOomKills(),
        result.getCpuUserMicros(),
        result.getCpuSystemMicros(),
        result.getMemoryPeakBytes(),
        result.getLogBytes(),
        result.getLogLostBytes());
  }

  public static orch.v1.StageTimes toProto(StageTimes times) {
    if (times.equals(StageTimes.NONE)) {
      return orch.v1.StageTimes.getDefaultInstance();
    }
    return orch.v1.StageTimes.newBuilder()
        .setAcceptNanos(times.acceptNanos())
        .setCommitNanos(times.commitNanos())
        .setPlaceNanos(times.placeNanos())
        .setSendNanos(times.sendNanos())
        .setReceiveNanos(times.receiveNanos())
        .setLaunchNanos(times.launchNanos())
        .setExecNanos(times.execNanos())
        .setExitNanos(times.exitNanos())
        .setRecordNanos(times.recordNanos())
        .setReportNanos(times.reportNanos())
        .setAckNanos(times.ackNanos())
        .build();
  }

  public static StageTimes fromProto(orch.v1.StageTimes times) {
    if (times.equals(orch.v1.StageTimes.getDefaultInstance())) {
      return StageTimes.NONE;
    }
    return new StageTimes(
        times.getAcceptNanos(),
        times.getCommitNanos(),
        times.getPlaceNanos(),
        times.getSendNanos(),
        times.getReceiveNanos(),
        times.getLaunchNanos(),
        times.getExecNanos(),
        times.getExitNanos(),
        times.getRecordNanos(),
        times.getReportNanos(),
        times.getAckNanos());
  }

  public static AttemptStatus toProto(orch.api.model.AttemptStatus status) {
    AttemptStatus.Builder to =
        AttemptStatus.newBuilder()
            .setUid(toProto(status.uid()))
            .setJobUid(toProto(status.jobUid()))
            .setJobNumber(status.jobNumber())
            .setIndex(status.index())
            .setAttempt(status.attempt())
            .setState(toProto(status.state()))
            .setReason(status.reason())
            .setStartNanos(status.startNanos())
            .setEndNanos(status.endNanos())
            .setReadiness(toProto(status.readiness()))
            .setStatusText(status.statusText());
    Result result = status.result();
    if (result != null) {
      to.setResult(toProto(result));
    }
    if (!status.stages().equals(StageTimes.NONE)) {
      to.setStages(toProto(status.stages()));
    }
    return to.build();
  }

  public static orch.api.model.AttemptStatus fromProto(AttemptStatus status) {
    return new orch.api.model.AttemptStatus(
        fromProto(status.getUid()),
        fromProto(status.getJobUid()),
        status.getJobNumber(),
        status.getIndex(),
        status.getAttempt(),
        fromProto(status.getState()),
        status.getReason(),
        status.getStartNanos(),
        status.getEndNanos(),
        status.hasResult() ? fromProto(status.getResult()) : null,
        fromProto(status.getStages()),
        fromProto(status.getReadiness()),
        status.getStatusText());
  }

  public static orch.v1.Readiness toProto(Readiness readiness) {
    return switch (readiness) {
      case UNDECLARED -> orch.v1.Readiness.READINESS_UNSPECIFIED;
      case NOT_READY -> orch.v1.Readiness.READINESS_NOT_READY;
      case READY -> orch.v1.Readiness.READINESS_READY;
    };
  }

  /** What a newer peer says that is not known here counts as nothing said. */
  static Readiness fromProto(orch.v1.Readiness readiness) {
    return switch (readiness) {
      case READINESS_NOT_READY -> Readiness.NOT_READY;
      case READINESS_READY -> Readiness.READY;
      case READINESS_UNSPECIFIED, UNRECOGNIZED -> Readiness.UNDECLARED;
    };
  }

  static NodeEvents toProto(AgentMessage.Events message) {
    NodeEvents.Builder to = NodeEvents.newBuilder().setLife(message.life());
    for (orch.api.model.NodeEvent event : message.events()) {
      to.addEventsBuilder()
          .setSequence(event.sequence())
          .setTimeNanos(event.timeNanos())
          .setJobNumber(event.jobNumber())
          .setIndex(event.index())
          .setAttempt(event.attempt())
          .setType(event.type())
          .setMessage(event.message())
          .putAllFigures(event.figures());
    }
    return to.build();
  }

  static AgentMessage.Events fromProto(NodeEvents message) {
    List<orch.api.model.NodeEvent> events = new ArrayList<>(message.getEventsCount());
    for (NodeEvent event : message.getEventsList()) {
      events.add(
          new orch.api.model.NodeEvent(
              event.getSequence(),
              event.getTimeNanos(),
              event.getJobNumber(),
              event.getIndex(),
              event.getAttempt(),
              event.getType(),
              event.getMessage(),
              new TreeMap<>(event.getFiguresMap())));
    }
    return new AgentMessage.Events(message.getLife(), events);
  }

  public static orch.v1.NodeCapacity toProto(NodeCapacity capacity) {
    return orch.v1.NodeCapacity.newBuilder()
        .setCpuMillis(capacity.cpuMillis())
        .setMemoryBytes(capacity.memoryBytes())
        .setAttempts(capacity.attempts())
        .putAllDevices(capacity.devices())
        .build();
  }

  /** A moment as nanoseconds since the epoch, as agents give it. */
  public static Timestamp timestamp(long epochNanos) {
    return Timestamp.newBuilder()
        .setSeconds(Math.floorDiv(epochNanos, NANOS_PER_SECOND))
        .setNanos((int) Math.floorMod(epochNanos, NANOS_PER_SECOND))
        .build();
  }

  public static Timestamp timestamp(Instant instant) {
    return Timestamp.newBuilder()
        .setSeconds(instant.getEpochSecond())
        .setNanos(instant.getNano())
        .build();
  }

  /** The moment in nanoseconds since the epoch, within what a long holds (1677 to 2262). */
  public static long epochNanos(Timestamp timestamp) {
    try {
      return Math.addExact(
          Math.multiplyExact(timestamp.getSeconds(), NANOS_PER_SECOND), timestamp.getNanos());
    } catch (ArithmeticException tooFar) {
      return timestamp.getSeconds() < 0 ? Long.MIN_VALUE : Long.MAX_VALUE;
    }
  }

  static Duration toProto(java.time.Duration duration) {
    return Duration.newBuilder()
        .setSeconds(duration.getSeconds())
        .setNanos(duration.getNano())
        .build();
  }

  static java.time.Duration fromProto(Duration duration) {
    return java.time.Duration.ofSeconds(duration.getSeconds(), duration.getNanos());
  }

  static java.time.@Nullable Duration orNull(boolean set, Duration duration) {
    return set ? fromProto(duration) : null;
  }
}

package orch.controller.convert;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import orch.api.convert.AttemptConvert;
import orch.api.convert.InvalidSpecException;
import orch.api.convert.SpecConvert;
import orch.api.model.IndexRange;
import orch.api.model.JobSpec;
import orch.api.model.JobState;
import orch.api.model.NodeCapacity;
import orch.api.model.NodeDescription;
import orch.api.model.StageTimes;
import orch.api.model.TaskState;
import orch.controller.core.Answer;
import orch.controller.core.AttemptRef;
import orch.controller.core.Change;
import orch.controller.core.FleetBrake;
import orch.controller.core.JobEnding;
import orch.controller.core.Next;
import orch.controller.core.NodeAvailability;
import orch.controller.core.NodeContact;
import orch.controller.core.RefusedNode;
import orch.controller.core.Rejection;
import orch.controller.core.RejectionCode;
import orch.controller.core.StopCause;
import orch.controller.core.SubmitOutcome;
import orch.controller.core.TaskRef;
import orch.log.v1.AttemptsEnded;

/** From the log's messages to the core's changes. */
final class ChangeReader {
  private ChangeReader() {}

  static Change read(orch.log.v1.Change from) {
    switch (from.getKindCase()) {
      // There are many of these, and each message in them is looked at where it is read.
      case ATTEMPTS_PLACED, ATTEMPTS_RUNNING, ATTEMPTS_ENDED -> KnownFields.require(from);
      case KIND_NOT_SET -> {}
      default -> KnownFields.requireAll(from);
    }
    return switch (from.getKindCase()) {
      case CLUSTER_CREATED ->
          new Change.ClusterCreated(
              from.getClusterCreated().getClusterId(), from.getClusterCreated().getIncarnation());
      case EPOCH_STARTED ->
          new Change.EpochStarted(
              from.getEpochStarted().getEpoch(),
              from.getEpochStarted().getLeader(),
              from.getEpochStarted().getFormatLevel());
      case FORMAT_RAISED -> new Change.FormatRaised(from.getFormatRaised().getLevel());
      case INCARNATION_RAISED -> RestoreConvert.read(from.getIncarnationRaised());
      case NUMBERS_RAISED -> new Change.NumbersRaised(from.getNumbersRaised().getNextNumber());
      case NODE_RECONCILED -> new Change.NodeReconciled(from.getNodeReconciled().getNode());
      case RESTORE_SETTLED -> new Change.RestoreSettled();
      case ATTEMPTS_HELD -> RestoreConvert.read(from.getAttemptsHeld());
      case HELD_STOPPING -> RestoreConvert.read(from.getHeldStopping());
      case HELD_GONE -> RestoreConvert.read(from.getHeldGone());
      case ATTEMPT_ADOPTED -> RestoreConvert.read(from.getAttemptAdopted());
      case NODE_ADOPTED -> RestoreConvert.read(from.getNodeAdopted());
      case REQUEST_ANSWERED ->
          new Change.RequestAnswered(
              from.getRequestAnswered().getRequestId(),
              from.getRequestAnswered().getPrincipal(),
              from.getRequestAnswered().getBodyHash(),
              answer(from.getRequestAnswered().getAnswer()));
      case REQUESTS_EXPIRED ->
          new Change.RequestsExpired(from.getRequestsExpired().getBeforeMillis());
      case JOB_SUBMITTED -> submitted(from.getJobSubmitted());
      case JOB_VERSIONED ->
          new Change.JobVersioned(
              from.getJobVersioned().getNumber(),
              from.getJobVersioned().getVersion(),
              spec(from.getJobVersioned().getSpec()),
              from.getJobVersioned().getPrincipal(),
              from.getJobVersioned().getRestart());
      case JOB_UNBLOCKED -> new Change.JobUnblocked(from.getJobUnblocked().getNumber());
      case JOB_HELD ->
          new Change.JobHeld(from.getJobHeld().getNumber(), from.getJobHeld().getPrincipal());
      case JOB_RELEASED ->
          new Change.JobReleased(
              from.getJobReleased().getNumber(), from.getJobReleased().getPrincipal());
      case JOB_SUSPENDED ->
          new Change.JobSuspended(
              from.getJobSuspended().getNumber(), from.getJobSuspended().getPrincipal());
      case JOB_RESUMED ->
          new Change.JobResumed(
              from.getJobResumed().getNumber(), from.getJobResumed().getPrincipal());
      case JOB_STOPPING ->
          new Change.JobStopping(
              from.getJobStopping().getNumber(),
              named(JobEnding.class, from.getJobStopping().getEnding()),
              from.getJobStopping().getReason());
      case JOB_ENDED ->
          new Change.JobEnded(
              from.getJobEnded().getNumber(),
              named(JobState.class, from.getJobEnded().getState()),
              from.getJobEnded().getReason(),
              from.getJobEnded().getExitCode());
      case JOB_RETRIED ->
          new Change.JobRetried(
              from.getJobRetried().getNumber(),
              ranges(from.getJobRetried().getIndexesList()),
              from.getJobRetried().getPrincipal());
      case JOB_DELETED -> new Change.JobDeleted(from.getJobDeleted().getNumber());
      case TASKS_CANCELLED ->
          new Change.TasksCancelled(
              from.getTasksCancelled().getNumber(),
              ranges(from.getTasksCancelled().getIndexesList()),
              from.getTasksCancelled().getReason());
      case TASKS_DROPPED ->
          new Change.TasksDropped(
              from.getTasksDropped().getNumber(),
              ranges(from.getTasksDropped().getIndexesList()),
              from.getTasksDropped().getReason());
      case ATTEMPTS_PLACED -> placed(from.getAttemptsPlaced());
      case ATTEMPTS_RUNNING -> running(from.getAttemptsRunning());
      case ATTEMPTS_READINESS ->
          new Change.AttemptsReadiness(
              attempts(from.getAttemptsReadiness().getReadyList()),
              attempts(from.getAttemptsReadiness().getNotReadyList()));
      case ATTEMPTS_STOPPING -> stopping(from.getAttemptsStopping());
      case ATTEMPTS_ENDED -> ended(from.getAttemptsEnded());
      case NODE_REGISTERED ->
          new Change.NodeRegistered(
              from.getNodeRegistered().getNode(),
              description(from.getNodeRegistered().getDescription()));
      case NODE_UPDATED ->
          new Change.NodeUpdated(
              from.getNodeUpdated().getNode(), description(from.getNodeUpdated().getDescription()));
      case NODE_SETTLED -> new Change.NodeSettled(from.getNodeSettled().getNode());
      case NODE_CONTACT_CHANGED ->
          new Change.NodeContactChanged(
              from.getNodeContactChanged().getNode(),
              named(NodeContact.class, from.getNodeContactChanged().getContact()),
              from.getNodeContactChanged().getReason());
      case NODE_AVAILABILITY_CHANGED -> availability(from.getNodeAvailabilityChanged());
      case NODE_LABELLED ->
          new Change.NodeLabelled(
              from.getNodeLabelled().getNode(),
              new TreeMap<>(from.getNodeLabelled().getLabelsMap()));
      case FLEET_BRAKE_CHANGED ->
          new Change.FleetBrakeChanged(
              named(FleetBrake.class, from.getFleetBrakeChanged().getBrake()),
              from.getFleetBrakeChanged().getReason());
      case NODE_REFUSED -> new Change.NodeRefused(refused(from.getNodeRefused().getNode()));
      case NODE_REFUSALS_FORGOTTEN ->
          new Change.NodeRefusalsForgotten(from.getNodeRefusalsForgotten().getKeysList());
      case NODE_REPLACED ->
          new Change.NodeReplaced(
              from.getNodeReplaced().getNode(),
              from.getNodeReplaced().getNewUid(),
              from.getNodeReplaced().getReason());
      case NODE_ADMITTED ->
          new Change.NodeAdmitted(
              from.getNodeAdmitted().getUid(),
              from.getNodeAdmitted().getClusterId(),
              from.getNodeAdmitted().getIncarnation());
      case KIND_NOT_SET ->
          throw new UnknownChangeException(
              "the log holds a change of a kind that this version does not know (fields "
                  + from.getUnknownFields().asMap().keySet()
                  + "); upgrade this controller");
    };
  }

  private static RefusedNode refused(orch.log.v1.RefusedNode from) {
    return new RefusedNode(
        from.getName(),
        from.getUid(),
        from.getMachineId(),
        from.getBootId(),
        from.getClusterId(),
        from.getIncarnation(),
        from.getReason(),
        from.getMessage());
  }

  private static Change submitted(orch.log.v1.JobSubmitted from) {
    return new Change.JobSubmitted(
        from.getNumber(),
        from.getNamespace(),
        from.getName(),
        spec(from.getSpec()),
        from.getOwner(),
        from.getTraceId(),
        from.getTraceState(),
        from.getDependsOnList(),
        from.getAfterJob());
  }

  private static Change placed(orch.log.v1.AttemptsPlaced from) {
    List<Change.Placed> attempts = new ArrayList<>(from.getAttemptsCount());
    KnownFields.require(from);
    for (orch.log.v1.AttemptsPlaced.Placed attempt : from.getAttemptsList()) {
      KnownFields.require(attempt);
      attempts.add(
          new Change.Placed(
              attempt.getNumber(), attempt.getIndex(), attempt.getNode(), attempt.getPortsList()));
    }
    return new Change.AttemptsPlaced(attempts);
  }

  private static Change running(orch.log.v1.AttemptsRunning from) {
    List<Change.Started> attempts = new ArrayList<>(from.getAttemptsCount());
    KnownFields.require(from);
    for (orch.log.v1.AttemptsRunning.Started attempt : from.getAttemptsList()) {
      KnownFields.require(attempt);
      attempts.add(new Change.Started(ref(attempt.getAttempt()), attempt.getStartNanos()));
    }
    return new Change.AttemptsRunning(attempts);
  }

  private static List<AttemptRef> attempts(List<orch.log.v1.AttemptRef> from) {
    return from.stream().map(ChangeReader::ref).toList();
  }

  private static Change stopping(orch.log.v1.AttemptsStopping from) {
    return new Change.AttemptsStopping(
        from.getAttemptsList().stream().map(ChangeReader::ref).toList(),
        named(StopCause.class, from.getCause()),
        from.hasGraceMillis() ? Duration.ofMillis(from.getGraceMillis()) : null,
        from.getReason());
  }

  private static Change ended(AttemptsEnded from) {
    List<Change.Ended> attempts = new ArrayList<>(from.getAttemptsCount());
    KnownFields.require(from);
    for (AttemptsEnded.Ended attempt : from.getAttemptsList()) {
      KnownFields.require(attempt);
      KnownFields.require(attempt.getResult());
      KnownFields.require(attempt.getResult().getStartFailure());
      KnownFields.require(attempt.getStages());
      attempts.add(
          new Change.Ended(
              ref(attempt.getAttempt()),
              AttemptConvert.fromProto(attempt.getState()),
              attempt.hasResult() ? AttemptConvert.fromProto(attempt.getResult()) : null,
              attempt.getReason(),
              attempt.getStartNanos(),
              attempt.getEndNanos(),
              attempt.hasStages() ? AttemptConvert.fromProto(attempt.getStages()) : StageTimes.NONE,
              next(attempt)));
    }
    return new Change.AttemptsEnded(attempts);
  }

  private static Next next(AttemptsEnded.Ended from) {
    KnownFields.require(from.getEnds());
    KnownFields.require(from.getWaits());
    return switch (from.getNextCase()) {
      case ENDS ->
          new Next.Ends(
              named(
                  TaskState.class,
                  from.getEnds().getState().name().substring("TASK_STATE_".length())),
              from.getEnds().getReason());
      case WAITS -> {
        AttemptsEnded.Waits waits = from.getWaits();
        yield new Next.Waits(
            waits.getDelayMillis(),
            waits.getCounted(),
            waits.getStep(),
            waits.getAnew(),
            waits.getElsewhere(),
            waits.getMemoryBytes());
      }
      case NEXT_NOT_SET ->
          throw new UnknownChangeException(
              "the log says of an ended attempt what this version does not know; upgrade this"
                  + " controller");
    };
  }

  private static Change availability(orch.log.v1.NodeAvailabilityChanged from) {
    return new Change.NodeAvailabilityChanged(
        from.getNode(),
        named(NodeAvailability.class, from.getAvailability()),
        from.hasGraceMillis() ? Duration.ofMillis(from.getGraceMillis()) : null,
        from.getReason());
  }

  static NodeDescription description(orch.log.v1.NodeDescription from) {
    return new NodeDescription(
        from.getUid(),
        from.getName(),
        from.getMachineId(),
        from.getBootId(),
        from.getAgentVersion(),
        new TreeMap<>(from.getLabelsMap()),
        new TreeMap<>(from.getAttributesMap()),
        new NodeCapacity(
            from.getCpuMillis(),
            from.getMemoryBytes(),
            from.getAttempts(),
            new TreeMap<>(from.getDevicesMap())),
        from.getMissingLimitsList(),
        from.getUser());
  }

  static Answer answer(orch.log.v1.Answer from) {
    return switch (from.getKindCase()) {
      case DONE -> new Answer.Done();
      case SUBMITTED ->
          new Answer.Submitted(
              from.getSubmitted().getNumber(),
              named(SubmitOutcome.class, from.getSubmitted().getOutcome()));
      case VALIDATED ->
          new Answer.Validated(
              named(SubmitOutcome.class, from.getValidated().getOutcome()),
              from.getValidated().getNumber(),
              from.getValidated().getName());
      case JOBS ->
          new Answer.Jobs(from.getJobs().getNumbersList(), from.getJobs().getMissingList());
      case TASKS ->
          new Answer.Tasks(
              refs(from.getTasks().getTasksList()), refs(from.getTasks().getMissingList()));
      case NODE -> new Answer.Node(from.getNode());
      case REJECTED ->
          new Answer.Rejected(
              new Rejection(
                  named(RejectionCode.class, from.getRejected().getCode()),
                  from.getRejected().getReason(),
                  from.getRejected().getField(),
                  from.getRejected().getMessage()));
      case KIND_NOT_SET ->
          throw new UnknownChangeException(
              "the log holds an answer of a kind that this version does not know; upgrade this"
                  + " controller");
    };
  }

  static JobSpec spec(orch.v1.JobSpec from) {
    try {
      return SpecConvert.fromStored(from);
    } catch (InvalidSpecException e) {
      throw new UnknownChangeException(
          "the log holds a spec that this version cannot hold: "
              + e.getMessage()
              + "; upgrade this controller");
    }
  }

  private static AttemptRef ref(orch.log.v1.AttemptRef from) {
    KnownFields.require(from);
    KnownFields.require(from.getUid());
    return new AttemptRef(
        from.getJobNumber(), from.getIndex(), AttemptConvert.fromProto(from.getUid()));
  }

  private static List<TaskRef> refs(List<orch.log.v1.TaskRef> from) {
    return from.stream().map(ref -> new TaskRef(ref.getJobNumber(), ref.getIndex())).toList();
  }

  private static List<IndexRange> ranges(List<orch.v1.IndexRange> from) {
    return from.stream()
        .map(range -> new IndexRange(range.getFirst(), range.getLast(), range.getStep()))
        .toList();
  }

  private static <E extends Enum<E>> E named(Class<E> type, String name) {
    for (E value : type.getEnumConstants()) {
      if (value.name().equals(name)) {
        return value;
      }
    }
    throw new UnknownChangeException(
        "the log says "
            + name
            + " where this version knows other kinds of "
            + type.getSimpleName()
            + "; upgrade this controller");
  }
}

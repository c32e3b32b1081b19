package orch.controller.convert;

import java.time.Duration;
import java.util.List;
import orch.api.convert.AttemptConvert;
import orch.api.convert.SpecConvert;
import orch.api.model.IndexRange;
import orch.api.model.NodeCapacity;
import orch.api.model.NodeDescription;
import orch.controller.core.Answer;
import orch.controller.core.AttemptRef;
import orch.controller.core.Change;
import orch.controller.core.Next;
import orch.controller.core.RefusedNode;
import orch.controller.core.Rejection;
import orch.controller.core.TaskRef;
import orch.log.v1.AttemptsEnded;
import orch.log.v1.AttemptsPlaced;
import orch.log.v1.AttemptsReadiness;
import orch.log.v1.AttemptsRunning;
import orch.log.v1.AttemptsStopping;
import orch.log.v1.ClusterCreated;
import orch.log.v1.EpochStarted;
import orch.log.v1.FleetBrakeChanged;
import orch.log.v1.FormatRaised;
import orch.log.v1.JobDeleted;
import orch.log.v1.JobEnded;
import orch.log.v1.JobHeld;
import orch.log.v1.JobReleased;
import orch.log.v1.JobResumed;
import orch.log.v1.JobRetried;
import orch.log.v1.JobStopping;
import orch.log.v1.JobSubmitted;
import orch.log.v1.JobSuspended;
import orch.log.v1.JobUnblocked;
import orch.log.v1.JobVersioned;
import orch.log.v1.NodeAdmitted;
import orch.log.v1.NodeAvailabilityChanged;
import orch.log.v1.NodeContactChanged;
import orch.log.v1.NodeLabelled;
import orch.log.v1.NodeReconciled;
import orch.log.v1.NodeRefusalsForgotten;
import orch.log.v1.NodeRefused;
import orch.log.v1.NodeRegistered;
import orch.log.v1.NodeReplaced;
import orch.log.v1.NodeSettled;
import orch.log.v1.NodeUpdated;
import orch.log.v1.NumbersRaised;
import orch.log.v1.RequestAnswered;
import orch.log.v1.RequestsExpired;
import orch.log.v1.RestoreSettled;
import orch.log.v1.TasksCancelled;
import orch.log.v1.TasksDropped;
import org.jspecify.annotations.Nullable;

/** From the core's changes to the log's messages. */
final class ChangeWriter {
  private ChangeWriter() {}

  static orch.log.v1.Change write(Change change) {
    orch.log.v1.Change.Builder to = orch.log.v1.Change.newBuilder();
    switch (change) {
      case Change.ClusterCreated of ->
          to.setClusterCreated(
              ClusterCreated.newBuilder()
                  .setClusterId(of.clusterId())
                  .setIncarnation(of.incarnation()));
      case Change.EpochStarted of ->
          to.setEpochStarted(
              EpochStarted.newBuilder()
                  .setEpoch(of.epoch())
                  .setLeader(of.leader())
                  .setFormatLevel(of.formatLevel()));
      case Change.FormatRaised of ->
          to.setFormatRaised(FormatRaised.newBuilder().setLevel(of.level()));
      case Change.IncarnationRaised of -> to.setIncarnationRaised(RestoreConvert.write(of));
      case Change.NumbersRaised of ->
          to.setNumbersRaised(NumbersRaised.newBuilder().setNextNumber(of.nextNumber()));
      case Change.NodeReconciled of ->
          to.setNodeReconciled(NodeReconciled.newBuilder().setNode(of.node()));
      case Change.RestoreSettled _ -> to.setRestoreSettled(RestoreSettled.getDefaultInstance());
      case Change.AttemptsHeld of -> to.setAttemptsHeld(RestoreConvert.write(of));
      case Change.HeldStopping of -> to.setHeldStopping(RestoreConvert.write(of));
      case Change.HeldGone of -> to.setHeldGone(RestoreConvert.write(of));
      case Change.AttemptAdopted of -> to.setAttemptAdopted(RestoreConvert.write(of));
      case Change.NodeAdopted of -> to.setNodeAdopted(RestoreConvert.write(of));
      case Change.RequestAnswered of ->
          to.setRequestAnswered(
              RequestAnswered.newBuilder()
                  .setRequestId(of.requestId())
                  .setPrincipal(of.principal())
                  .setBodyHash(of.bodyHash())
                  .setAnswer(answer(of.answer())));
      case Change.RequestsExpired of ->
          to.setRequestsExpired(RequestsExpired.newBuilder().setBeforeMillis(of.beforeMillis()));
      case Change.JobSubmitted of -> to.setJobSubmitted(submitted(of));
      case Change.JobVersioned of ->
          to.setJobVersioned(
              JobVersioned.newBuilder()
                  .setNumber(of.number())
                  .setVersion(of.version())
                  .setSpec(SpecConvert.toProto(of.spec()))
                  .setPrincipal(of.principal())
                  .setRestart(of.restart()));
      case Change.JobUnblocked of ->
          to.setJobUnblocked(JobUnblocked.newBuilder().setNumber(of.number()));
      case Change.JobHeld of ->
          to.setJobHeld(JobHeld.newBuilder().setNumber(of.number()).setPrincipal(of.principal()));
      case Change.JobReleased of ->
          to.setJobReleased(
              JobReleased.newBuilder().setNumber(of.number()).setPrincipal(of.principal()));
      case Change.JobSuspended of ->
          to.setJobSuspended(
              JobSuspended.newBuilder().setNumber(of.number()).setPrincipal(of.principal()));
      case Change.JobResumed of ->
          to.setJobResumed(
              JobResumed.newBuilder().setNumber(of.number()).setPrincipal(of.principal()));
      case Change.JobStopping of ->
          to.setJobStopping(
              JobStopping.newBuilder()
                  .setNumber(of.number())
                  .setEnding(of.ending().name())
                  .setReason(of.reason()));
      case Change.JobEnded of ->
          to.setJobEnded(
              JobEnded.newBuilder()
                  .setNumber(of.number())
                  .setState(of.state().name())
                  .setReason(of.reason())
                  .setExitCode(of.exitCode()));
      case Change.JobRetried of ->
          to.setJobRetried(
              JobRetried.newBuilder()
                  .setNumber(of.number())
                  .addAllIndexes(ranges(of.indexes()))
                  .setPrincipal(of.principal()));
      case Change.JobDeleted of -> to.setJobDeleted(JobDeleted.newBuilder().setNumber(of.number()));
      case Change.TasksCancelled of ->
          to.setTasksCancelled(
              TasksCancelled.newBuilder()
                  .setNumber(of.number())
                  .addAllIndexes(ranges(of.indexes()))
                  .setReason(of.reason()));
      case Change.TasksDropped of ->
          to.setTasksDropped(
              TasksDropped.newBuilder()
                  .setNumber(of.number())
                  .addAllIndexes(ranges(of.indexes()))
                  .setReason(of.reason()));
      case Change.AttemptsPlaced of -> to.setAttemptsPlaced(placed(of));
      case Change.AttemptsRunning of -> to.setAttemptsRunning(running(of));
      case Change.AttemptsReadiness of ->
          to.setAttemptsReadiness(
              AttemptsReadiness.newBuilder()
                  .addAllReady(of.ready().stream().map(ChangeWriter::ref).toList())
                  .addAllNotReady(of.notReady().stream().map(ChangeWriter::ref).toList()));
      case Change.AttemptsStopping of -> to.setAttemptsStopping(stopping(of));
      case Change.AttemptsEnded of -> to.setAttemptsEnded(ended(of));
      case Change.NodeRegistered of ->
          to.setNodeRegistered(
              NodeRegistered.newBuilder()
                  .setNode(of.node())
                  .setDescription(description(of.description())));
      case Change.NodeUpdated of ->
          to.setNodeUpdated(
              NodeUpdated.newBuilder()
                  .setNode(of.node())
                  .setDescription(description(of.description())));
      case Change.NodeSettled of -> to.setNodeSettled(NodeSettled.newBuilder().setNode(of.node()));
      case Change.NodeContactChanged of ->
          to.setNodeContactChanged(
              NodeContactChanged.newBuilder()
                  .setNode(of.node())
                  .setContact(of.contact().name())
                  .setReason(of.reason()));
      case Change.NodeAvailabilityChanged of -> to.setNodeAvailabilityChanged(availability(of));
      case Change.NodeLabelled of ->
          to.setNodeLabelled(
              NodeLabelled.newBuilder().setNode(of.node()).putAllLabels(of.labels()));
      case Change.FleetBrakeChanged of ->
          to.setFleetBrakeChanged(
              FleetBrakeChanged.newBuilder().setBrake(of.brake().name()).setReason(of.reason()));
      case Change.NodeRefused of ->
          to.setNodeRefused(NodeRefused.newBuilder().setNode(refused(of.node())));
      case Change.NodeRefusalsForgotten of ->
          to.setNodeRefusalsForgotten(NodeRefusalsForgotten.newBuilder().addAllKeys(of.keys()));
      case Change.NodeReplaced of ->
          to.setNodeReplaced(
              NodeReplaced.newBuilder()
                  .setNode(of.node())
                  .setNewUid(of.newUid())
                  .setReason(of.reason()));
      case Change.NodeAdmitted of ->
          to.setNodeAdmitted(
              NodeAdmitted.newBuilder()
                  .setUid(of.uid())
                  .setClusterId(of.clusterId())
                  .setIncarnation(of.incarnation()));
    }
    return to.build();
  }

  private static orch.log.v1.RefusedNode refused(RefusedNode of) {
    return orch.log.v1.RefusedNode.newBuilder()
        .setName(of.name())
        .setUid(of.uid())
        .setMachineId(of.machineId())
        .setBootId(of.bootId())
        .setClusterId(of.clusterId())
        .setIncarnation(of.incarnation())
        .setReason(of.reason())
        .setMessage(of.message())
        .build();
  }

  private static JobSubmitted submitted(Change.JobSubmitted of) {
    return JobSubmitted.newBuilder()
        .setNumber(of.number())
        .setNamespace(of.namespace())
        .setName(of.name())
        .setSpec(SpecConvert.toProto(of.spec()))
        .setOwner(of.owner())
        .setTraceId(of.traceId())
        .setTraceState(of.traceState())
        .addAllDependsOn(of.dependsOn())
        .setAfterJob(of.afterJob())
        .build();
  }

  private static AttemptsPlaced placed(Change.AttemptsPlaced of) {
    AttemptsPlaced.Builder to = AttemptsPlaced.newBuilder();
    for (Change.Placed attempt : of.attempts()) {
      to.addAttempts(
          AttemptsPlaced.Placed.newBuilder()
              .setNumber(attempt.number())
              .setIndex(attempt.index())
              .setNode(attempt.node())
              .addAllPorts(attempt.ports()));
    }
    return to.build();
  }

  private static AttemptsRunning running(Change.AttemptsRunning of) {
    AttemptsRunning.Builder to = AttemptsRunning.newBuilder();
    for (Change.Started attempt : of.attempts()) {
      to.addAttempts(
          AttemptsRunning.Started.newBuilder()
              .setAttempt(ref(attempt.attempt()))
              .setStartNanos(attempt.startNanos()));
    }
    return to.build();
  }

  private static AttemptsStopping stopping(Change.AttemptsStopping of) {
    AttemptsStopping.Builder to =
        AttemptsStopping.newBuilder().setCause(of.cause().name()).setReason(of.reason());
    of.attempts().forEach(attempt -> to.addAttempts(ref(attempt)));
    Duration grace = of.grace();
    if (grace != null) {
      to.setGraceMillis(grace.toMillis());
    }
    return to.build();
  }

  private static AttemptsEnded ended(Change.AttemptsEnded of) {
    AttemptsEnded.Builder to = AttemptsEnded.newBuilder();
    for (Change.Ended attempt : of.attempts()) {
      AttemptsEnded.Ended.Builder ended =
          AttemptsEnded.Ended.newBuilder()
              .setAttempt(ref(attempt.attempt()))
              .setState(AttemptConvert.toProto(attempt.state()))
              .setReason(attempt.reason())
              .setStartNanos(attempt.startNanos())
              .setEndNanos(attempt.endNanos());
      if (attempt.result() != null) {
        ended.setResult(AttemptConvert.toProto(attempt.result()));
      }
      if (!attempt.stages().equals(orch.api.model.StageTimes.NONE)) {
        ended.setStages(AttemptConvert.toProto(attempt.stages()));
      }
      switch (attempt.next()) {
        case Next.Ends next ->
            ended.setEnds(
                AttemptsEnded.Ends.newBuilder()
                    .setState(orch.v1.TaskState.valueOf("TASK_STATE_" + next.state().name()))
                    .setReason(next.reason()));
        case Next.Waits next ->
            ended.setWaits(
                AttemptsEnded.Waits.newBuilder()
                    .setDelayMillis(next.delayMillis())
                    .setCounted(next.counted())
                    .setStep(next.step())
                    .setAnew(next.anew())
                    .setElsewhere(next.elsewhere())
                    .setMemoryBytes(next.memoryBytes()));
      }
      to.addAttempts(ended);
    }
    return to.build();
  }

  private static NodeAvailabilityChanged availability(Change.NodeAvailabilityChanged of) {
    NodeAvailabilityChanged.Builder to =
        NodeAvailabilityChanged.newBuilder()
            .setNode(of.node())
            .setAvailability(of.availability().name())
            .setReason(of.reason());
    @Nullable Duration grace = of.grace();
    if (grace != null) {
      to.setGraceMillis(grace.toMillis());
    }
    return to.build();
  }

  static orch.log.v1.NodeDescription description(NodeDescription of) {
    NodeCapacity capacity = of.capacity();
    return orch.log.v1.NodeDescription.newBuilder()
        .setUid(of.uid())
        .setName(of.name())
        .setMachineId(of.machineId())
        .setBootId(of.bootId())
        .setAgentVersion(of.agentVersion())
        .putAllLabels(of.labels())
        .putAllAttributes(of.attributes())
        .setCpuMillis(capacity.cpuMillis())
        .setMemoryBytes(capacity.memoryBytes())
        .setAttempts(capacity.attempts())
        .putAllDevices(capacity.devices())
        .addAllMissingLimits(of.missingLimits())
        .setUser(of.user())
        .build();
  }

  static orch.log.v1.Answer answer(Answer of) {
    orch.log.v1.Answer.Builder to = orch.log.v1.Answer.newBuilder();
    switch (of) {
      case Answer.Done done -> to.setDone(orch.log.v1.Answer.Done.getDefaultInstance());
      case Answer.Submitted submitted ->
          to.setSubmitted(
              orch.log.v1.Answer.Submitted.newBuilder()
                  .setNumber(submitted.number())
                  .setOutcome(submitted.outcome().name()));
      case Answer.Validated validated ->
          to.setValidated(
              orch.log.v1.Answer.Validated.newBuilder()
                  .setOutcome(validated.outcome().name())
                  .setNumber(validated.number())
                  .setName(validated.name()));
      case Answer.Jobs jobs ->
          to.setJobs(
              orch.log.v1.Answer.Jobs.newBuilder()
                  .addAllNumbers(jobs.numbers())
                  .addAllMissing(jobs.missing()));
      case Answer.Tasks tasks ->
          to.setTasks(
              orch.log.v1.Answer.Tasks.newBuilder()
                  .addAllTasks(refs(tasks.tasks()))
                  .addAllMissing(refs(tasks.missing())));
      case Answer.Node node -> to.setNode(node.nodeUid());
      case Answer.Rejected rejected -> {
        Rejection why = rejected.rejection();
        to.setRejected(
            orch.log.v1.Answer.Rejected.newBuilder()
                .setCode(why.code().name())
                .setReason(why.reason())
                .setField(why.field())
                .setMessage(why.message()));
      }
    }
    return to.build();
  }

  private static orch.log.v1.AttemptRef ref(AttemptRef of) {
    return orch.log.v1.AttemptRef.newBuilder()
        .setJobNumber(of.jobNumber())
        .setIndex(of.index())
        .setUid(AttemptConvert.toProto(of.uid()))
        .build();
  }

  private static List<orch.log.v1.TaskRef> refs(List<TaskRef> refs) {
    return refs.stream()
        .map(ref ->
            orch.log.v1.TaskRef.newBuilder()
                .setJobNumber(ref.jobNumber())
                .setIndex(ref.index())
                .build())
        .toList();
  }

  private static List<orch.v1.IndexRange> ranges(List<IndexRange> ranges) {
    return ranges.stream()
        .map(range ->
            orch.v1.IndexRange.newBuilder()
                .setFirst(range.first())
                .setLast(range.last())
                .setStep(range.step())
                .build())
        .toList();
  }
}

package orch.api.convert;

import static java.util.stream.Collectors.joining;
import static orch.api.convert.AttemptConvert.toProto;

import com.google.protobuf.ByteString;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;
import orch.agent.v1.AgentHello;
import orch.agent.v1.AttemptReports;
import orch.agent.v1.CloseLogs;
import orch.agent.v1.Desired;
import orch.agent.v1.Forget;
import orch.agent.v1.HeartbeatReply;
import orch.agent.v1.InspectAttempt;
import orch.agent.v1.Inventory;
import orch.agent.v1.OpenLogs;
import orch.agent.v1.SignalAttempt;
import orch.agent.v1.Welcome;
import orch.api.model.AgentMessage;
import orch.api.model.Blob;
import orch.api.model.ControllerMessage;
import orch.api.model.DesiredAttempt;
import orch.api.model.LinkHeader;
import orch.api.model.LogRecord;
import orch.api.model.NodeCapacity;
import orch.api.model.NodeDescription;
import orch.api.model.SpecDefinition;
import orch.api.model.StageTimes;
import orch.api.model.StopOrder;
import orch.api.model.UnreadableSpec;

/**
 * The messages between agents and controllers, as protobuf and in the model. From a message of a
 * newer peer whose kind is not known here comes an empty Optional: skip it. A spec that this
 * version cannot hold comes as {@link UnreadableSpec}. What is malformed throws
 * IllegalArgumentException with a sentence.
 */
public final class LinkConvert {
  /**
   * Header of an agent's session: {@code host:port} of the controller that it could not reach
   * before. A standby that knows no other leader keeps the call waiting for one, for a bounded
   * time.
   */
  public static final String UNREACHED_HEADER = "orch-unreached";

  private LinkConvert() {}

  // ---- from agents

  public static orch.agent.v1.AgentMessage toMessage(AgentMessage message) {
    orch.agent.v1.AgentMessage.Builder to = orch.agent.v1.AgentMessage.newBuilder();
    switch (message) {
      case AgentMessage.Hello hello -> to.setHello(hello(hello));
      case AgentMessage.Inventory inventory ->
          to.setInventory(
              Inventory.newBuilder()
                  .addAllAttempts(map(inventory.attempts(), AttemptConvert::toProto))
                  .setLast(inventory.last()));
      case AgentMessage.Reports reports ->
          to.setReports(
              AttemptReports.newBuilder()
                  .addAllAttempts(map(reports.attempts(), AttemptConvert::toProto)));
      case AgentMessage.Heartbeat(long sequence, long sentBoottimeNanos) ->
          to.setHeartbeat(
              orch.agent.v1.Heartbeat.newBuilder()
                  .setSequence(sequence)
                  .setSentBoottimeNanos(sentBoottimeNanos));
      case AgentMessage.SignalOutcome(long request, int processes, String error) ->
          to.setSignalOutcome(
              orch.agent.v1.SignalOutcome.newBuilder()
                  .setRequest(request)
                  .setProcesses(processes)
                  .setError(error));
      case AgentMessage.Events events -> to.setEvents(AttemptConvert.toProto(events));
      case AgentMessage.Inspected inspected ->
          to.setInspectOutcome(InspectConvert.toProto(inspected));
    }
    return to.build();
  }

  public static Optional<AgentMessage> fromMessage(orch.agent.v1.AgentMessage message) {
    return switch (message.getKindCase()) {
      case HELLO -> Optional.of(hello(message.getHello()));
      case INVENTORY ->
          Optional.of(
              new AgentMessage.Inventory(
                  map(message.getInventory().getAttemptsList(), AttemptConvert::fromProto),
                  message.getInventory().getLast()));
      case REPORTS ->
          Optional.of(
              new AgentMessage.Reports(
                  map(message.getReports().getAttemptsList(), AttemptConvert::fromProto)));
      case HEARTBEAT ->
          Optional.of(
              new AgentMessage.Heartbeat(
                  message.getHeartbeat().getSequence(),
                  message.getHeartbeat().getSentBoottimeNanos()));
      case SIGNAL_OUTCOME ->
          Optional.of(
              new AgentMessage.SignalOutcome(
                  message.getSignalOutcome().getRequest(),
                  message.getSignalOutcome().getProcesses(),
                  message.getSignalOutcome().getError()));
      case EVENTS -> Optional.of(AttemptConvert.fromProto(message.getEvents()));
      case INSPECT_OUTCOME -> Optional.of(InspectConvert.fromProto(message.getInspectOutcome()));
      case KIND_NOT_SET -> Optional.empty();
    };
  }

  private static AgentHello hello(AgentMessage.Hello hello) {
    NodeDescription node = hello.node();
    return AgentHello.newBuilder()
        .setProtocolVersion(hello.protocolVersion())
        .setClusterId(hello.clusterId())
        .setIncarnation(hello.incarnation())
        .setEpoch(hello.epoch())
        .setAppliedRevision(hello.appliedRevision())
        .setNodeUid(node.uid())
        .setNodeName(node.name())
        .setMachineId(node.machineId())
        .setBootId(node.bootId())
        .setAgentVersion(node.agentVersion())
        .putAllLabels(node.labels())
        .putAllAttributes(node.attributes())
        .setCapacity(toProto(node.capacity()))
        .addAllMissingLimits(node.missingLimits())
        .setInventoryCount(hello.inventoryCount())
        .setInventoryHash(hello.inventoryHash())
        .setHighestJobNumber(hello.highestJobNumber())
        .setUser(node.user())
        .setInstance(hello.instance())
        .build();
  }

  private static AgentMessage.Hello hello(AgentHello hello) {
    orch.v1.NodeCapacity capacity = hello.getCapacity();
    return new AgentMessage.Hello(
        hello.getProtocolVersion(),
        hello.getClusterId(),
        hello.getIncarnation(),
        hello.getEpoch(),
        hello.getAppliedRevision(),
        new NodeDescription(
            hello.getNodeUid(),
            hello.getNodeName(),
            hello.getMachineId(),
            hello.getBootId(),
            hello.getAgentVersion(),
            new TreeMap<>(hello.getLabelsMap()),
            new TreeMap<>(hello.getAttributesMap()),
            new NodeCapacity(
                capacity.getCpuMillis(),
                capacity.getMemoryBytes(),
                capacity.getAttempts(),
                new TreeMap<>(capacity.getDevicesMap())),
            hello.getMissingLimitsList(),
            hello.getUser()),
        hello.getInventoryCount(),
        hello.getInventoryHash(),
        hello.getHighestJobNumber(),
        hello.getInstance());
  }

  // ---- from controllers

  public static orch.agent.v1.ControllerMessage toMessage(
      LinkHeader header, ControllerMessage message) {
    orch.agent.v1.ControllerMessage.Builder to =
        orch.agent.v1.ControllerMessage.newBuilder()
            .setClusterId(header.clusterId())
            .setIncarnation(header.incarnation())
            .setEpoch(header.epoch())
            .setRevision(header.revision());
    switch (message) {
      case ControllerMessage.Welcome welcome ->
          to.setWelcome(
              Welcome.newBuilder()
                  .setHeartbeatInterval(toProto(welcome.heartbeatInterval()))
                  .setWantInventory(welcome.wantInventory())
                  .setAdoptedFrom(welcome.adoptedFrom())
                  .setHeldBelow(welcome.heldBelow()));
      case ControllerMessage.Desired desired ->
          to.setDesired(
              Desired.newBuilder()
                  .setFull(desired.full())
                  .setLast(desired.last())
                  .addAllSpecs(map(desired.specs(), LinkConvert::definition))
                  .addAllAttempts(map(desired.attempts(), LinkConvert::desired)));
      case ControllerMessage.Forget(List<orch.api.model.Uid> uids) ->
          to.setForget(Forget.newBuilder().addAllUids(map(uids, AttemptConvert::toProto)));
      case ControllerMessage.StopReplaced(orch.api.model.Uid uid, String reason) ->
          to.setStopReplaced(
              orch.agent.v1.StopReplaced.newBuilder()
                  .setUid(AttemptConvert.toProto(uid))
                  .setReason(reason));
      case ControllerMessage.HeartbeatReply(long sequence, boolean lease) ->
          to.setHeartbeatReply(HeartbeatReply.newBuilder().setSequence(sequence).setLease(lease));
      case ControllerMessage.OpenLogs open -> to.setOpenLogs(openLogs(open));
      case ControllerMessage.CloseLogs(long stream, boolean drain) ->
          to.setCloseLogs(CloseLogs.newBuilder().setStream(stream).setDrain(drain));
      case ControllerMessage.Signal signal ->
          to.setSignal(
              SignalAttempt.newBuilder()
                  .setRequest(signal.request())
                  .setUid(toProto(signal.uid()))
                  .setSignal(signal.signal())
                  .setTargetValue(signal.target()));
      case ControllerMessage.Inspect(long request, orch.api.model.Uid uid, boolean usage) ->
          to.setInspect(
              InspectAttempt.newBuilder().setRequest(request).setUid(toProto(uid)).setStats(usage));
      case ControllerMessage.OpenExec open -> to.setOpenExec(ExecConvert.toProto(open));
      case ControllerMessage.OpenAttach open -> to.setOpenAttach(ExecConvert.toProto(open));
    }
    return to.build();
  }

  public static LinkHeader header(orch.agent.v1.ControllerMessage message) {
    return new LinkHeader(
        message.getClusterId(),
        message.getIncarnation(),
        message.getEpoch(),
        message.getRevision());
  }

  public static Optional<ControllerMessage> fromMessage(orch.agent.v1.ControllerMessage message) {
    return switch (message.getKindCase()) {
      case WELCOME ->
          Optional.of(
              new ControllerMessage.Welcome(
                  AttemptConvert.fromProto(message.getWelcome().getHeartbeatInterval()),
                  message.getWelcome().getWantInventory(),
                  message.getWelcome().getAdoptedFrom(),
                  message.getWelcome().getHeldBelow()));
      case DESIRED -> Optional.of(desired(message.getDesired()));
      case FORGET ->
          Optional.of(
              new ControllerMessage.Forget(
                  map(message.getForget().getUidsList(), AttemptConvert::fromProto)));
      case STOP_REPLACED ->
          Optional.of(
              new ControllerMessage.StopReplaced(
                  AttemptConvert.fromProto(message.getStopReplaced().getUid()),
                  message.getStopReplaced().getReason()));
      case HEARTBEAT_REPLY ->
          Optional.of(
              new ControllerMessage.HeartbeatReply(
                  message.getHeartbeatReply().getSequence(),
                  message.getHeartbeatReply().getLease()));
      case OPEN_LOGS -> Optional.of(openLogs(message.getOpenLogs()));
      case CLOSE_LOGS ->
          Optional.of(
              new ControllerMessage.CloseLogs(
                  message.getCloseLogs().getStream(), message.getCloseLogs().getDrain()));
      case SIGNAL ->
          Optional.of(
              new ControllerMessage.Signal(
                  message.getSignal().getRequest(),
                  AttemptConvert.fromProto(message.getSignal().getUid()),
                  message.getSignal().getSignal(),
                  message.getSignal().getTargetValue()));
      case INSPECT ->
          Optional.of(
              new ControllerMessage.Inspect(
                  message.getInspect().getRequest(),
                  AttemptConvert.fromProto(message.getInspect().getUid()),
                  message.getInspect().getStats()));
      case OPEN_EXEC -> Optional.of(ExecConvert.fromProto(message.getOpenExec()));
      case OPEN_ATTACH -> Optional.of(ExecConvert.fromProto(message.getOpenAttach()));
      case KIND_NOT_SET -> Optional.empty();
    };
  }

  private static orch.agent.v1.SpecDefinition definition(SpecDefinition definition) {
    return orch.agent.v1.SpecDefinition.newBuilder()
        .setJobUid(toProto(definition.jobUid()))
        .setVersion(definition.version())
        .setSpec(SpecConvert.toProto(definition.spec()))
        .setNamespace(definition.namespace())
        .setJobName(definition.jobName())
        .setJobNumber(definition.jobNumber())
        .setTraceId(definition.traceId())
        .setTraceState(definition.traceState())
        .setCount(definition.count())
        .build();
  }

  private static ControllerMessage.Desired desired(Desired desired) {
    List<SpecDefinition> specs = new ArrayList<>();
    List<UnreadableSpec> unreadable = new ArrayList<>();
    for (orch.agent.v1.SpecDefinition definition : desired.getSpecsList()) {
      try {
        specs.add(definition(definition));
      } catch (InvalidSpecException e) {
        unreadable.add(
            new UnreadableSpec(
                AttemptConvert.fromProto(definition.getJobUid()),
                definition.getVersion(),
                definition.getNamespace(),
                definition.getJobName(),
                definition.getJobNumber(),
                e.problems().stream().map(FieldProblem::toString).collect(joining("; "))));
      }
    }
    return new ControllerMessage.Desired(
        desired.getFull(),
        desired.getLast(),
        specs,
        map(desired.getAttemptsList(), LinkConvert::desired),
        unreadable);
  }

  private static SpecDefinition definition(orch.agent.v1.SpecDefinition definition) {
    return new SpecDefinition(
        AttemptConvert.fromProto(definition.getJobUid()),
        definition.getVersion(),
        SpecConvert.fromStored(definition.getSpec()),
        definition.getNamespace(),
        definition.getJobName(),
        definition.getJobNumber(),
        definition.getTraceId(),
        definition.getTraceState(),
        definition.getCount());
  }

  private static orch.agent.v1.DesiredAttempt desired(DesiredAttempt attempt) {
    orch.agent.v1.DesiredAttempt.Builder to =
        orch.agent.v1.DesiredAttempt.newBuilder()
            .setUid(toProto(attempt.uid()))
            .setJobUid(toProto(attempt.jobUid()))
            .setSpecVersion(attempt.specVersion())
            .setIndex(attempt.index())
            .setAttempt(attempt.attempt())
            .setBootId(attempt.bootId())
            .putAllPorts(attempt.ports())
            .setFencingToken(attempt.fencingToken())
            .setSpanId(attempt.spanId())
            .setItem(attempt.item())
            .setMemoryBytes(attempt.memoryBytes())
            .setFrozen(attempt.frozen());
    StopOrder stop = attempt.stop();
    if (stop != null) {
      orch.agent.v1.StopOrder.Builder order =
          orch.agent.v1.StopOrder.newBuilder().setReason(stop.reason());
      if (stop.grace() != null) {
        order.setGrace(toProto(stop.grace()));
      }
      to.setStop(order);
    }
    if (!attempt.startDelay().isZero()) {
      to.setStartDelay(toProto(attempt.startDelay()));
    }
    if (!attempt.stages().equals(StageTimes.NONE)) {
      to.setStages(toProto(attempt.stages()));
    }
    return to.build();
  }

  private static DesiredAttempt desired(orch.agent.v1.DesiredAttempt attempt) {
    orch.agent.v1.StopOrder stop = attempt.getStop();
    return new DesiredAttempt(
        AttemptConvert.fromProto(attempt.getUid()),
        AttemptConvert.fromProto(attempt.getJobUid()),
        attempt.getSpecVersion(),
        attempt.getIndex(),
        attempt.getAttempt(),
        attempt.getBootId(),
        attempt.hasStop()
            ? new StopOrder(
                AttemptConvert.orNull(stop.hasGrace(), stop.getGrace()), stop.getReason())
            : null,
        AttemptConvert.fromProto(attempt.getStartDelay()),
        new TreeMap<>(attempt.getPortsMap()),
        attempt.getFencingToken(),
        attempt.getSpanId(),
        attempt.getItem(),
        attempt.getMemoryBytes(),
        AttemptConvert.fromProto(attempt.getStages()),
        attempt.getFrozen());
  }

  private static OpenLogs openLogs(ControllerMessage.OpenLogs open) {
    return OpenLogs.newBuilder()
        .setStream(open.stream())
        .setJobUid(toProto(open.jobUid()))
        .setIndex(open.index())
        .setAttempt(open.attempt())
        .setFollow(open.follow())
        .setTail(open.tail())
        .setSinceNanos(open.sinceNanos())
        .setLogStreamValue(open.logStream())
        .build();
  }

  private static ControllerMessage.OpenLogs openLogs(OpenLogs open) {
    return new ControllerMessage.OpenLogs(
        open.getStream(),
        AttemptConvert.fromProto(open.getJobUid()),
        open.getIndex(),
        open.getAttempt(),
        open.getFollow(),
        open.getTail(),
        open.getSinceNanos(),
        open.getLogStreamValue());
  }

  // ---- output

  public static orch.v1.LogRecord toMessage(LogRecord record) {
    return orch.v1.LogRecord.newBuilder()
        .setJobNumber(record.jobNumber())
        .setIndex(record.index())
        .setAttempt(record.attempt())
        .setStreamValue(record.stream())
        .setTime(AttemptConvert.timestamp(record.timeNanos()))
        .setData(ByteString.copyFrom(record.data().toByteArray()))
        .setPartial(record.partial())
        .setLostBytes(record.lostBytes())
        .build();
  }

  public static LogRecord fromMessage(orch.v1.LogRecord record) {
    return new LogRecord(
        record.getJobNumber(),
        record.getIndex(),
        record.getAttempt(),
        record.getStreamValue(),
        AttemptConvert.epochNanos(record.getTime()),
        Blob.of(record.getData().toByteArray()),
        record.getPartial(),
        record.getLostBytes());
  }

  private static <A, B> List<B> map(List<A> from, Function<A, B> convert) {
    List<B> to = new ArrayList<>(from.size());
    for (A item : from) {
      to.add(convert.apply(item));
    }
    return to;
  }
}

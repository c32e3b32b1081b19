package orch.controller.rpc;

import static orch.api.convert.AttemptConvert.timestamp;

import orch.api.convert.AttemptConvert;
import orch.api.convert.SpecConvert;
import orch.api.model.JobState;
import orch.api.model.NodeState;
import orch.api.model.Result;
import orch.api.model.StageTimes;
import orch.api.model.TaskState;
import orch.controller.core.AttemptView;
import orch.controller.core.ClusterView;
import orch.controller.core.Explanation;
import orch.controller.core.HeldAttempt;
import orch.controller.core.JobVersionView;
import orch.controller.core.JobView;
import orch.controller.core.NodeView;
import orch.controller.core.SubmitOutcome;
import orch.controller.core.TaskCounts;
import orch.controller.core.TaskView;
import orch.v1.Attempt;
import orch.v1.Cluster;
import orch.v1.ExplanationReason;
import orch.v1.Job;
import orch.v1.JobVersion;
import orch.v1.Node;
import orch.v1.NodeCapacitySummary;
import orch.v1.Task;

/** What the core shows, as messages of the public API. */
final class Messages {
  private Messages() {}

  static Job job(JobView job, long revision, boolean withSpec) {
    Job.Builder to =
        Job.newBuilder()
            .setName(Names.ofJob(job.namespace(), job.number()))
            .setNumber(job.number())
            .setJobName(job.name())
            .setNamespace(job.namespace())
            .setUid(job.uid().toString())
            .setVersion(job.version())
            .setState(state(job.state()))
            .setReason(job.reason())
            .setOwner(job.owner())
            .setTasks(counts(job.tasks()))
            .setTraceId(job.traceId())
            .setRevision(revision)
            .setCancelRequested(job.cancelRequested())
            .setSuspended(job.suspended());
    if (withSpec) {
      to.setSpec(SpecConvert.toProto(job.spec()));
    }
    if (job.submitNanos() != 0) {
      to.setSubmitTime(timestamp(job.submitNanos()));
    }
    if (job.startNanos() != 0) {
      to.setStartTime(timestamp(job.startNanos()));
    }
    if (job.endNanos() != 0) {
      to.setEndTime(timestamp(job.endNanos()));
    }
    Integer exitCode = job.exitCode();
    if (exitCode != null) {
      to.setExitCode(exitCode);
    }
    return to.build();
  }

  static JobVersion version(JobVersionView version) {
    return JobVersion.newBuilder()
        .setVersion(version.version())
        .setSpec(SpecConvert.toProto(version.spec()))
        .setCreateTime(timestamp(version.timeNanos()))
        .setPrincipal(version.principal())
        .build();
  }

  static orch.v1.TaskCounts counts(TaskCounts counts) {
    return orch.v1.TaskCounts.newBuilder()
        .setTotal(counts.total())
        .setWaiting(counts.waiting())
        .setPlaced(counts.placed())
        .setRunning(counts.running())
        .setStopping(counts.stopping())
        .setSucceeded(counts.succeeded())
        .setFailed(counts.failed())
        .setKilled(counts.killed())
        .setCancelled(counts.cancelled())
        .setDropped(counts.dropped())
        .setReady(counts.ready())
        .build();
  }

  static Task task(TaskView task, long revision) {
    Task.Builder to =
        Task.newBuilder()
            .setName(Names.ofTask(task.namespace(), task.jobNumber(), task.index()))
            .setTask(task.jobName() + "/" + task.index())
            .setIndex(task.index())
            .setJobNumber(task.jobNumber())
            .setState(state(task.state()))
            .setReason(task.reason())
            .setAttempts(task.attempts())
            .setRevision(revision)
            .setItem(task.item());
    AttemptView attempt = task.attempt();
    if (attempt != null) {
      to.setAttempt(attempt(task, attempt));
    }
    return to.build();
  }

  private static Attempt attempt(TaskView task, AttemptView attempt) {
    Attempt.Builder to =
        Attempt.newBuilder()
            .setName(
                Names.ofAttempt(task.namespace(), task.jobNumber(), task.index(), attempt.number()))
            .setNumber(attempt.number())
            .setUid(attempt.uid().toString())
            .setState(AttemptConvert.toProto(attempt.state()))
            .setReason(attempt.reason())
            .setNode(attempt.node())
            .setNodeUid(attempt.nodeUid())
            .setFencingToken(attempt.fencingToken())
            .setSpanId(attempt.spanId())
            .setReadiness(AttemptConvert.toProto(attempt.readiness()));
    if (attempt.placeNanos() != 0) {
      to.setPlaceTime(timestamp(attempt.placeNanos()));
    }
    if (attempt.startNanos() != 0) {
      to.setStartTime(timestamp(attempt.startNanos()));
    }
    if (attempt.endNanos() != 0) {
      to.setEndTime(timestamp(attempt.endNanos()));
    }
    Result result = attempt.result();
    if (result != null) {
      to.setResult(AttemptConvert.toProto(result));
    }
    if (!attempt.stages().equals(StageTimes.NONE)) {
      to.setStages(AttemptConvert.toProto(attempt.stages()));
    }
    return to.build();
  }

  static Node node(NodeView node, long revision) {
    Node.Builder to = Node.newBuilder().setAwaited(!node.reconciled());
    for (HeldAttempt held : node.held()) {
      orch.v1.HeldAttempt.Builder one =
          orch.v1.HeldAttempt.newBuilder()
              .setAttemptUid(held.uid().toString())
              .setJobNumber(held.jobNumber())
              .setIndex(held.index())
              .setAttempt(held.attempt())
              .setFindTime(timestamp(held.sinceNanos()))
              .setStopping(held.stopping());
      if (held.startNanos() > 1) {
        one.setStartTime(timestamp(held.startNanos()));
      }
      to.addHeldAttempts(one);
    }
    return to.setName("nodes/" + node.name())
        .setUid(node.uid())
        .setState(state(node.state()))
        .setReason(node.reason())
        .putAllLabels(node.labels())
        .putAllAttributes(node.description().attributes())
        .setCapacity(AttemptConvert.toProto(node.description().capacity()))
        .setAllocated(AttemptConvert.toProto(node.allocated()))
        .addAllMissingLimits(node.description().missingLimits())
        .setBootId(node.description().bootId())
        .setAgentVersion(node.description().agentVersion())
        .setRegisterTime(timestamp(node.registerNanos()))
        .setLastSeenTime(timestamp(node.contactNanos()))
        .setAttempts(node.attempts())
        .setRevision(revision)
        .build();
  }

  static Cluster cluster(ClusterView cluster, long revision) {
    Cluster.Builder to =
        Cluster.newBuilder()
            .setClusterId(cluster.clusterId())
            .setIncarnation(cluster.incarnation())
            .setEpoch(cluster.epoch())
            .setRevision(revision)
            .setFormatLevel(cluster.formatLevel())
            .setLeader(cluster.leader())
            .setTasks(counts(cluster.tasks()))
            .setCapacity(
                NodeCapacitySummary.newBuilder()
                    .setCpuMillis(cluster.cpuMillis())
                    .setCpuAllocatedMillis(cluster.cpuAllocatedMillis())
                    .setMemoryBytes(cluster.memoryBytes())
                    .setMemoryAllocatedBytes(cluster.memoryAllocatedBytes()))
            .addAllWarnings(cluster.warnings());
    cluster.nodes().forEach((state, count) -> to.putNodes(word(state), count));
    cluster.jobs().forEach((state, count) -> to.putJobs(word(state), count));
    if (cluster.createNanos() != 0) {
      to.setStartTime(timestamp(cluster.createNanos()));
    }
    return to.build();
  }

  static orch.v1.Explanation explanation(Explanation explanation) {
    orch.v1.Explanation.Builder to =
        orch.v1.Explanation.newBuilder().setSummary(explanation.summary());
    for (Explanation.Reason reason : explanation.reasons()) {
      to.addReasons(
          ExplanationReason.newBuilder()
              .setKind(reason.kind())
              .setMessage(reason.message())
              .setNodes(reason.nodes())
              .setTasks(reason.tasks()));
    }
    return to.build();
  }

  static orch.v1.SubmitOutcome outcome(SubmitOutcome outcome) {
    return switch (outcome) {
      case CREATED -> orch.v1.SubmitOutcome.SUBMIT_OUTCOME_CREATED;
      case UPDATED -> orch.v1.SubmitOutcome.SUBMIT_OUTCOME_UPDATED;
      case UNCHANGED -> orch.v1.SubmitOutcome.SUBMIT_OUTCOME_UNCHANGED;
    };
  }

  static orch.v1.JobState state(JobState state) {
    return orch.v1.JobState.valueOf("JOB_STATE_" + state.name());
  }

  static JobState state(String field, orch.v1.JobState state) {
    return constant(field, state, "JOB_STATE_", JobState.class);
  }

  static orch.v1.TaskState state(TaskState state) {
    return orch.v1.TaskState.valueOf("TASK_STATE_" + state.name());
  }

  static TaskState state(String field, orch.v1.TaskState state) {
    return constant(field, state, "TASK_STATE_", TaskState.class);
  }

  static orch.v1.NodeState state(NodeState state) {
    return orch.v1.NodeState.valueOf("NODE_STATE_" + state.name());
  }

  static NodeState state(String field, orch.v1.NodeState state) {
    return constant(field, state, "NODE_STATE_", NodeState.class);
  }

  private static <E extends Enum<E>> E constant(
      String field, Enum<?> value, String prefix, Class<E> type) {
    for (E constant : type.getEnumConstants()) {
      if (value.name().equals(prefix + constant.name())) {
        return constant;
      }
    }
    throw Errors.invalid(field, value.name() + " selects nothing; name a state or leave it out");
  }

  private static String word(Enum<?> constant) {
    return constant.name().toLowerCase(java.util.Locale.ROOT);
  }
}

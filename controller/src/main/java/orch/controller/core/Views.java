package orch.controller.core;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import orch.api.model.AttemptState;
import orch.api.model.DesiredAttempt;
import orch.api.model.JobState;
import orch.api.model.NodeState;
import orch.api.model.PartitionPolicy;
import orch.api.model.Readiness;
import orch.api.model.Resources;
import orch.api.model.Result;
import orch.api.model.SpecDefinition;
import orch.api.model.StageTimes;
import orch.api.model.StopOrder;
import orch.api.model.TaskState;
import orch.api.model.Uid;
import org.jspecify.annotations.Nullable;

/** Makes immutable views of what is in the state. */
final class Views {
  private static final int MAX_REFUSED_SHOWN = 10;

  private final State state;

  Views(State state) {
    this.state = state;
  }

  // ---- cluster and nodes

  ClusterView cluster() {
    TreeMap<NodeState, Integer> nodes = new TreeMap<>();
    long cpu = 0;
    long cpuAllocated = 0;
    long memory = 0;
    long memoryAllocated = 0;
    for (Node node : state.nodes) {
      nodes.merge(node.state(), 1, Integer::sum);
      if (node.contact != NodeContact.GONE) {
        cpu += node.description.capacity().cpuMillis();
        memory += node.description.capacity().memoryBytes();
      }
      cpuAllocated += node.slot.cpuMillis();
      memoryAllocated += node.slot.memoryBytes();
    }
    TreeMap<JobState, Long> jobs = new TreeMap<>();
    state.jobCounts.forEach((jobState, count) -> {
      if (count > 0) {
        jobs.put(jobState, count);
      }
    });
    return new ClusterView(
        state.clusterId,
        state.incarnation,
        state.epoch,
        state.leader,
        state.formatLevel,
        nodes,
        jobs,
        liveTasks(),
        cpu,
        cpuAllocated,
        memory,
        memoryAllocated,
        state.createNanos,
        warnings());
  }

  private TaskCounts liveTasks() {
    int[] sums = new int[Codes.TASK_STATES];
    int total = 0;
    for (Job job : state.liveJobs.values()) {
      total += job.tasks.size();
      for (TaskState of : TaskState.values()) {
        sums[Codes.of(of)] += job.tasks.count(of);
      }
    }
    return new TaskCounts(
        total, sums[0], sums[1], sums[2], sums[3], sums[4], sums[5], sums[6], sums[7], sums[8], 0);
  }

  private List<String> warnings() {
    List<String> warnings = new ArrayList<>();
    List<String> unreachable = new ArrayList<>();
    int counted = 0;
    for (Node node : state.nodesByName.values()) {
      counted += node.contact == NodeContact.GONE ? 0 : 1;
      if (node.contact == NodeContact.UNREACHABLE) {
        unreachable.add(node.name());
      }
    }
    if (counted == 0) {
      warnings.add("no node has joined: start an orch-agent");
    }
    if (!unreachable.isEmpty()) {
      warnings.add(
          Sentences.count(unreachable.size(), "node")
              + " of "
              + counted
              + " cannot be reached: "
              + Limits.cut(String.join(", ", unreachable)));
    }
    switch (state.brake) {
      case OFF -> {}
      case ON ->
          warnings.add(
              state.brakeReason
                  + ", so nothing is given up as lost until half of the fleet is back; if the"
                  + " silent hosts are dead for sure: orchctl cluster release-brake");
      case RELEASED ->
          warnings.add(
              "over half of the fleet is silent, and attempts there are given up by their jobs'"
                  + " partition modes: the brake was "
                  + state.brakeReason);
    }
    int refused = 0;
    for (RefusedNode node : state.refused.values()) {
      if (refused++ == MAX_REFUSED_SHOWN) {
        warnings.add(state.refused.size() + " agents were refused in all");
        break;
      }
      warnings.add(
          "an agent was refused (uid "
              + node.uid()
              + ", boot "
              + node.bootId()
              + "): "
              + node.message());
    }
    restored(warnings);
    return warnings;
  }

  private void restored(List<String> warnings) {
    List<String> awaited = new ArrayList<>();
    int held = 0;
    for (Node node : state.nodesByName.values()) {
      held += node.held.size();
      if (!node.reconciled && node.contact != NodeContact.GONE) {
        awaited.add(node.name());
      }
    }
    if (state.restoreNanos != 0) {
      warnings.add(
          "the cluster was restored from a backup: tasks of its jobs wait until "
              + Sentences.count(awaited.size(), "node")
              + " came back, for "
              + RestoreInputs.PATIENCE.toMinutes()
              + " min at most: "
              + Limits.cut(String.join(", ", awaited)));
    }
    if (held > 0) {
      warnings.add(
          Sentences.count(held, "attempt")
              + " that this cluster does not know "
              + (held == 1 ? "runs" : "run")
              + " on its nodes: see orchctl node held, and stop them or let them end");
    }
  }

  NodeView node(Node node) {
    return new NodeView(
        node.number,
        node.uid(),
        node.name(),
        node.state(),
        node.contact,
        node.availability,
        reason(node),
        node.allLabels(),
        node.description,
        node.slot.allocated(),
        node.live.size(),
        node.registerNanos,
        node.contactNanos,
        node.reconciled,
        List.copyOf(node.held.values()));
  }

  private String reason(Node node) {
    String reason = node.reason();
    return switch (node.state()) {
      case UNREACHABLE ->
          state.brake == FleetBrake.ON
              ? reason + "; nothing is given up: " + state.brakeReason
              : reason;
      case DRAINING ->
          node.live.size() == 0
              ? reason
              : Sentences.count(node.live.size(), "attempt") + " to be moved away";
      case READY, CORDONED, GONE -> reason;
    };
  }

  // ---- jobs

  JobView job(Job job) {
    return new JobView(
        job.number,
        job.uid,
        job.namespace,
        job.name,
        job.current().number,
        job.spec(),
        job.state,
        reason(job),
        job.owner,
        job.tasks.counts(job.spec().health().saysReadiness()),
        job.submitNanos,
        job.startNanos,
        job.endNanos,
        job.live() ? null : job.exitCode,
        job.traceId,
        job.traceState,
        job.ending == JobEnding.CANCELLED || job.ending == JobEnding.REPLACED,
        job.suspended());
  }

  private String reason(Job job) {
    if (!job.reason.isEmpty()) {
      return job.reason;
    }
    if (!job.endingReason.isEmpty()) {
      return job.endingReason;
    }
    if (job.suspended()) {
      return job.suspendReason;
    }
    return job.live() && job.blocked ? waitsFor(job) : "";
  }

  /** The first thing that the job as a whole waits for. */
  String waitsFor(Job job) {
    if (Dependencies.waitsForPredecessor(state, job)) {
      return "waits for job " + job.afterJob + " of the same name to end";
    }
    for (int i = 0; i < job.dependsOn.size(); i++) {
      var dependency = job.spec().dependsOn().get(i);
      if (!dependency.sameIndex()
          && Dependencies.ofJob(state, job, i) != Dependencies.Verdict.MET) {
        return "waits for " + Sentences.waitsFor(dependency, job.dependsOn.get(i));
      }
    }
    return "";
  }

  List<JobVersionView> versions(long number) {
    Job job = state.jobs.get(number);
    if (job == null) {
      return List.of();
    }
    return job.versions.reversed().stream()
        .map(v -> new JobVersionView(v.number, v.spec, v.nanos, v.principal))
        .toList();
  }

  Optional<SpecDefinition> spec(Uid jobUid, long version) {
    Job job = state.jobsBySequence.get(jobUid.sequence());
    Job.Version found = job == null ? null : job.version(version);
    if (job == null || found == null || !job.uid.equals(jobUid)) {
      return Optional.empty();
    }
    return Optional.of(
        new SpecDefinition(
            job.uid,
            version,
            found.spec,
            job.namespace,
            job.name,
            job.number,
            job.traceId,
            job.traceState,
            found.spec.tasks().size()));
  }

  // ---- tasks and attempts

  TaskView task(Job job, int ordinal) {
    TaskState taskState = job.tasks.state(ordinal);
    return new TaskView(
        job.number,
        job.name,
        job.namespace,
        job.indexOf(ordinal),
        taskState,
        reason(job, ordinal, taskState),
        attempt(job, ordinal),
        job.tasks.attempts(ordinal),
        item(job, ordinal));
  }

  private static String item(Job job, int ordinal) {
    List<String> items = job.spec().tasks().items();
    return ordinal < items.size() ? items.get(ordinal) : "";
  }

  private String reason(Job job, int ordinal, TaskState taskState) {
    return switch (taskState) {
      case WAITING -> waitReason(job, ordinal);
      case PLACED -> unreachable(job, ordinal);
      case RUNNING -> runReason(job, ordinal);
      case STOPPING -> stopReason(job, ordinal);
      case SUCCEEDED, FAILED, KILLED, CANCELLED, DROPPED -> endReason(job, ordinal);
    };
  }

  private String runReason(Job job, int ordinal) {
    String unreachable = unreachable(job, ordinal);
    if (!unreachable.isEmpty()) {
      return unreachable;
    }
    if (job.suspended()) {
      return "frozen: the job is " + job.suspendReason;
    }
    return switch (job.tasks.readiness(ordinal)) {
      case UNDECLARED -> "";
      case NOT_READY -> "not ready yet";
      case READY -> "ready";
    };
  }

  private String unreachable(Job job, int ordinal) {
    Node node = state.nodeOf(job, ordinal);
    if (node.contact == NodeContact.UP) {
      return "";
    }
    String where = "node " + node.name() + " is " + node.closedFor() + "; ";
    if (node.contact == NodeContact.GONE) {
      return where + "the task is given up";
    }
    if (state.brake == FleetBrake.ON) {
      return where + "the task may run still, and nothing is given up: " + state.brakeReason;
    }
    PartitionPolicy policy = job.versionOf(ordinal).spec.partition();
    return where
        + switch (policy.mode()) {
          case KEEP ->
              "the task may run still, and is replaced after "
                  + policy.lostAfter().toSeconds()
                  + " s of silence (partition: keep)";
          case STOP ->
              "the task ends itself after "
                  + policy.stopAfter().toSeconds()
                  + " s without a lease and is replaced then (partition: stop)";
          case NEVER ->
              "the task may run still, and is replaced only once the host is proven dead: orchctl"
                  + " node gone "
                  + node.name()
                  + " --i-verified (partition: never)";
        };
  }

  private String waitReason(Job job, int ordinal) {
    if (job.held()) {
      return "the job is " + job.reason;
    }
    if (job.suspended()) {
      return "the job is " + job.suspendReason;
    }
    if (job.blocked) {
      return waitsFor(job);
    }
    if (job.allowance() == 0) {
      return "the job runs at most "
          + Sentences.count(job.spec().tasks().parallelism(), "task")
          + " at a time";
    }
    if (job.tasks.attempts(ordinal) > 0) {
      String last = endOfAttempt(job, ordinal);
      return last.isEmpty() ? "waits for another attempt" : "waits for another attempt: " + last;
    }
    return "waits for a place";
  }

  static String endReason(Job job, int ordinal) {
    Extra extra = job.tasks.extraOrNull(ordinal);
    String own = extra == null ? "" : extra.taskReason;
    String attempts = job.tasks.attempts(ordinal) == 0 ? "" : endOfAttempt(job, ordinal);
    if (own.isEmpty() && attempts.isEmpty()) {
      return job.tasks.state(ordinal) == TaskState.SUCCEEDED ? "" : job.endingReason;
    }
    return own.isEmpty() ? attempts : attempts.isEmpty() ? own : attempts + "; " + own;
  }

  private static String endOfAttempt(Job job, int ordinal) {
    Chunk chunk = job.tasks.readable(ordinal);
    if (chunk == null) {
      return "";
    }
    int at = TaskStore.at(ordinal);
    Extra extra = chunk.extraOrNull(at);
    return attemptReason(extra == null ? "" : extra.attemptReason, chunk.result(at));
  }

  private static String attemptReason(String reason, @Nullable Result result) {
    return !reason.isEmpty() || result == null ? reason : Sentences.of(result);
  }

  /** The newest attempt; null: there was none. */
  @Nullable AttemptView attempt(Job job, int ordinal) {
    Chunk chunk = job.tasks.readable(ordinal);
    int at = TaskStore.at(ordinal);
    AttemptState attempt = chunk == null ? null : chunk.attemptState(at);
    if (chunk == null || attempt == null) {
      return null;
    }
    Uid uid = state.uidOf(job, ordinal);
    Node node = state.nodeOf(chunk.node[at]);
    Extra extra = chunk.extraOrNull(at);
    Job.Version version = job.version(extra == null ? 1 : extra.version);
    String reason =
        attempt.ended()
            ? attemptReason(extra == null ? "" : extra.attemptReason, chunk.result(at))
            : attempt == AttemptState.STOPPING
                ? stopReason(job, ordinal)
                : unreachable(job, ordinal);
    return new AttemptView(
        chunk.attempts[at],
        uid,
        !attempt.ended() && node.contact == NodeContact.UNREACHABLE
            ? AttemptState.UNREACHABLE
            : attempt,
        reason,
        node.name(),
        node.uid(),
        chunk.placeNanos[at],
        chunk.startNanos[at],
        chunk.endNanos[at],
        chunk.result(at),
        extra == null ? 1 : extra.version,
        ports(version, extra == null ? List.of() : AttemptChanges.boxed(extra.ports)),
        uid.fencingToken(),
        TraceIds.spanOf(state.clusterId, uid),
        chunk.stages(at),
        extra == null || attempt != AttemptState.RUNNING ? Readiness.UNDECLARED : extra.readiness);
  }

  List<AttemptView> attempts(Job job, int ordinal) {
    List<AttemptView> attempts = new ArrayList<>();
    Extra extra = job.tasks.extraOrNull(ordinal);
    if (extra != null) {
      extra.history.forEach(past -> attempts.add(past(job, past)));
    }
    AttemptView newest = attempt(job, ordinal);
    if (newest != null) {
      attempts.add(newest);
    }
    return attempts;
  }

  private AttemptView past(Job job, PastAttempt past) {
    Node node = state.nodeOf(past.node());
    return new AttemptView(
        past.number(),
        past.uid(),
        past.state(),
        attemptReason(past.reason(), past.result()),
        node.name(),
        node.uid(),
        past.placeNanos(),
        past.startNanos(),
        past.endNanos(),
        past.result(),
        past.version(),
        ports(job.version(past.version()), past.ports()),
        past.uid().fencingToken(),
        TraceIds.spanOf(state.clusterId, past.uid()),
        past.stages(),
        Readiness.UNDECLARED);
  }

  /** Without names when the version is not kept any more. */
  private static SortedMap<String, Integer> ports(Job.@Nullable Version version, List<Integer> of) {
    TreeMap<String, Integer> ports = new TreeMap<>();
    if (version != null) {
      Resources resources = version.spec.resources();
      for (int i = 0; i < of.size(); i++) {
        ports.put(resources.ports().get(i), of.get(i));
      }
    }
    return ports;
  }

  // ---- what agents should run

  List<DesiredAttempt> desiredOf(Node node) {
    List<DesiredAttempt> desired = new ArrayList<>(node.live.size());
    node.live.each((job, ordinal, sequence) -> {
      if (node.ofThisBoot(sequence)) {
        desired.add(desired(job, ordinal, node));
      }
      return true;
    });
    for (HeldAttempt held : node.held.values()) {
      if (held.stopping()) {
        desired.add(stopOf(held, node));
      }
    }
    return desired;
  }

  /** An order to stop what the state does not know; the agent has the spec, or needs none. */
  private static DesiredAttempt stopOf(HeldAttempt held, Node node) {
    return new DesiredAttempt(
        held.uid(),
        held.jobUid(),
        0,
        held.index(),
        held.attempt(),
        node.description.bootId(),
        new StopOrder(null, "stopped by an operator; made before the restore"),
        Duration.ZERO,
        new TreeMap<>(),
        held.uid().fencingToken(),
        "",
        "",
        0,
        StageTimes.NONE);
  }

  Optional<DesiredAttempt> desired(AttemptRef ref) {
    Job job = state.jobOf(ref.jobNumber());
    int ordinal = job.ordinalOf(ref.index());
    Node node = state.nodeOf(job, ordinal);
    return node.ofThisBoot(ref.uid().sequence())
        ? Optional.of(desired(job, ordinal, node))
        : Optional.empty();
  }

  private DesiredAttempt desired(Job job, int ordinal, Node node) {
    Uid uid = state.uidOf(job, ordinal);
    Extra extra = job.tasks.extraOrNull(ordinal);
    long placeNanos = state.placeNanosOf(job, ordinal);
    Job.Version version = job.versionOf(ordinal);
    return new DesiredAttempt(
        uid,
        job.uid,
        version.number,
        job.indexOf(ordinal),
        job.tasks.attempts(ordinal),
        node.description.bootId(),
        stopOrder(job, ordinal, node),
        Duration.ofMillis(extra == null ? 0 : extra.delayMillis),
        ports(version, extra == null ? List.of() : AttemptChanges.boxed(extra.ports)),
        uid.fencingToken(),
        TraceIds.spanOf(state.clusterId, uid),
        item(job, ordinal),
        extra == null ? 0 : extra.memoryBytes,
        new StageTimes(job.submitNanos, 0, placeNanos, 0, 0, 0, 0, 0, 0, 0, 0),
        job.suspended());
  }

  private @Nullable StopOrder stopOrder(Job job, int ordinal, Node node) {
    if (job.tasks.attemptState(ordinal) != AttemptState.STOPPING) {
      return null;
    }
    Extra extra = job.tasks.extraOrNull(ordinal);
    boolean drained = job.ending == null && extra != null && extra.stopCause == StopCause.DRAIN;
    Duration grace = extra == null ? null : drained ? node.drainGrace : extra.stopGrace;
    return new StopOrder(grace, stopReason(job, ordinal));
  }

  private static String stopReason(Job job, int ordinal) {
    if (job.ending != null) {
      return job.endingReason;
    }
    Extra extra = job.tasks.extraOrNull(ordinal);
    return extra == null ? "" : extra.stopReason;
  }
}

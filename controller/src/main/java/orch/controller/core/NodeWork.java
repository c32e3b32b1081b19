package orch.controller.core;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import orch.api.model.AttemptState;
import orch.api.model.JobSpec;
import orch.api.model.PartitionPolicy;
import orch.api.model.Result;
import orch.api.model.ResultKind;
import orch.api.model.StageTimes;

/**
 * What nodes leave to be done attempt by attempt, in slices of bounded size: attempts of a gone
 * node or of an older boot are lost, those of a draining node are stopped, those of a node that has
 * been silent for longer than their {@code lostAfter} are given up.
 */
final class NodeWork {
  private static final int MAX_ATTEMPTS = Limits.MAX_REPORTS;

  private final State state;
  private final Settler settler;
  private final Silences silences;
  private final TreeSet<Integer> pending = new TreeSet<>();

  private record Doomed(Job job, int ordinal, String why) {}

  NodeWork(State state, Settler settler, Silences silences) {
    this.state = state;
    this.silences = silences;
    this.settler = settler;
  }

  void begin() {
    pending.clear();
    state.nodes.forEach(this::look);
  }

  /** Something happened to the node. */
  void look(Node node) {
    pending.add(node.number);
  }

  boolean pending() {
    return !pending.isEmpty();
  }

  void slice(Draft draft) {
    int budget = MAX_ATTEMPTS;
    while (budget > 0 && !pending.isEmpty()) {
      Node node = state.nodeOf(pending.first());
      int used = drain(draft, node, budget);
      used += lose(draft, node, budget - used);
      budget -= used;
      if (budget > 0) {
        pending.remove(node.number);
      }
    }
  }

  private int drain(Draft draft, Node node, int budget) {
    if (node.availability != NodeAvailability.DRAINING || node.contact != NodeContact.UP) {
      return 0;
    }
    List<AttemptRef> running = new ArrayList<>();
    node.live.each((job, ordinal, _) -> {
      if (job.tasks.attemptState(ordinal) != AttemptState.STOPPING) {
        running.add(state.refOf(job, ordinal));
      }
      return running.size() < budget;
    });
    if (!running.isEmpty()) {
      draft.emit(
          new Change.AttemptsStopping(
              running, StopCause.DRAIN, node.drainGrace, "node " + node.name() + " is drained"));
      for (AttemptRef ref : running) {
        Job job = state.jobOf(ref.jobNumber());
        draft.send(job, job.ordinalOf(ref.index()));
      }
    }
    return running.size();
  }

  private int lose(Draft draft, Node node, int budget) {
    List<Doomed> doomed = new ArrayList<>();
    node.live.each((job, ordinal, sequence) -> {
      if (doomed.size() == budget) {
        return false;
      }
      String why = whyLost(node, job, ordinal, sequence);
      if (!why.isEmpty()) {
        doomed.add(new Doomed(job, ordinal, why));
      }
      return true;
    });
    if (!doomed.isEmpty()) {
      List<Change.Ended> ends = new ArrayList<>();
      for (Doomed one : doomed) {
        ends.add(lost(one));
      }
      draft.emit(new Change.AttemptsEnded(ends));
      doomed.forEach(one -> settler.touch(one.job(), one.ordinal()));
    }
    return doomed.size();
  }

  /** Why an attempt on the node is lost; empty: it is not. */
  private String whyLost(Node node, Job job, int ordinal, long sequence) {
    if (node.contact == NodeContact.GONE) {
      return "node " + node.name() + " is gone";
    }
    if (node.settled && !node.ofThisBoot(sequence)) {
      return "node " + node.name() + " was rebooted";
    }
    if (node.contact != NodeContact.UNREACHABLE || state.brake == FleetBrake.ON) {
      return "";
    }
    // What the attempt was started with; a later version binds only later attempts.
    JobSpec spec = job.versionOf(ordinal).spec;
    PartitionPolicy policy = spec.partition();
    String silent =
        "node "
            + node.name()
            + " has been unreachable for "
            + silences.silence(node).toSeconds()
            + " s";
    return switch (policy.mode()) {
      case KEEP ->
          silences.longerThan(node, policy.lostAfter())
              ? silent + "; this attempt may run there still (partition: keep)"
              : "";
      case STOP ->
          silences.leaseOver(node, policy.stopAfter(), spec.stop().grace())
              ? silent + "; without a lease this attempt has ended itself (partition: stop)"
              : "";
      case NEVER -> "";
    };
  }

  private Change.Ended lost(Doomed one) {
    Job job = one.job();
    Result result = Result.without(ResultKind.LOST, null);
    long startNanos = state.startNanosOf(job, one.ordinal());
    return new Change.Ended(
        state.refOf(job, one.ordinal()),
        AttemptState.LOST,
        result,
        one.why(),
        startNanos,
        0,
        StageTimes.NONE,
        Ends.next(state, job, one.ordinal(), AttemptState.LOST, result, startNanos, 0).next());
  }

  /** Whether nodes that are silent hold attempts whose time may have come. */
  void lookAtSilent() {
    for (Node node : state.nodes) {
      if (node.contact == NodeContact.UNREACHABLE && node.live.size() > 0) {
        look(node);
      }
    }
  }
}

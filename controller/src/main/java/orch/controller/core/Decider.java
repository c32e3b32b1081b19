package orch.controller.core;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * Decides on the leader: validation, scheduling, restart policy.
 *
 * <p>A decision builds upon itself (an end leads to a restart, to the job's end, to the start of a
 * job that waited for it), so each change is applied to the state as it is made; the outcome is
 * that of a pure function of state, input and time, and a second state to which the changes are
 * applied is equal. What the decider remembers beside the state (which jobs to look at, which nodes
 * said hello, what was infeasible when) is made anew by {@link Input.BecameLeader} and never more
 * than a saving or a grace.
 */
public final class Decider {
  private final State state;
  private final RequestGate gate;
  private final Settler settler;
  private final Placer placer;
  private final JobRequests jobs;
  private final NodeRequests nodes;
  private final AgentInputs agents;
  private final Silences silences;
  private final FleetLoss fleetLoss;
  private final RefusedNodes refusals;
  private final RestoreInputs restore;
  private final NodeWork nodeWork;
  private final Timekeeper timekeeper;

  /** A decider for a state, which it alone alters while it is used. */
  public Decider(State state) {
    this.state = state;
    this.gate = new RequestGate(state);
    this.settler = new Settler(state);
    this.placer = new Placer(state);
    this.silences = new Silences();
    this.fleetLoss = new FleetLoss(state, silences);
    this.nodeWork = new NodeWork(state, settler, silences);
    this.jobs = new JobRequests(state, settler);
    this.refusals = new RefusedNodes(state);
    this.nodes = new NodeRequests(state, nodeWork, refusals);
    this.restore = new RestoreInputs(state);
    this.agents = new AgentInputs(state, settler, placer, nodeWork, silences, refusals, restore);
    this.timekeeper = new Timekeeper(state, settler, nodeWork, fleetLoss, refusals);
  }

  /**
   * Decides and applies.
   *
   * @param now {@code max(clock, last)}; goes into the entry that holds the changes
   * @throws InvariantError when the state is broken: the process must stop
   */
  public Decision decide(Input input, Instant now) {
    state.decisionNanos = State.nanos(now);
    Draft draft = new Draft(state, now);
    Answer answer = null;
    switch (input) {
      case Input.Request request -> answer = answer(draft, request, now);
      case Input.NodeHello hello -> agents.hello(draft, hello);
      case Input.NodeInventory inventory -> agents.inventory(draft, inventory);
      case Input.AttemptReports reports -> agents.reports(draft, reports);
      case Input.NodeSilent silent -> agents.silent(draft, silent);
      case Input.NodeBack back -> agents.back(draft, back.nodeUid());
      case Input.Tick tick -> {
        silences.at(tick.bootNanos());
        restore.tick(draft);
        timekeeper.tick(draft, now);
      }
      case Input.FormatReadable readable -> {
        if (readable.level() > state.formatLevel) {
          draft.emit(new Change.FormatRaised(readable.level()));
        }
      }
      case Input.Schedule _ -> schedule(draft);
      case Input.BecameLeader leader -> lead(draft, leader);
    }
    if (!(input instanceof Input.Schedule)) {
      settler.settle(draft);
    }
    return draft.finish(answer, more());
  }

  private boolean more() {
    return settler.pending() || nodeWork.pending() || placer.wanted();
  }

  /** Lost and drained attempts first, for they make jobs' ends and room; then places. */
  private void schedule(Draft draft) {
    if (nodeWork.pending()) {
      nodeWork.slice(draft);
    }
    settler.settle(draft);
    if (!nodeWork.pending() && !settler.pending()) {
      placer.slice(draft);
    }
  }

  private void lead(Draft draft, Input.BecameLeader leader) {
    if (state.clusterId.isEmpty()) {
      draft.emit(new Change.ClusterCreated(leader.newClusterId(), 1));
    }
    int formatLevel = Math.max(state.formatLevel, leader.formatLevel());
    draft.emit(
        new Change.EpochStarted(
            leader.epoch(),
            Limits.cut(leader.leaderName(), Limits.MAX_PRINCIPAL_BYTES),
            formatLevel));
    settler.begin();
    silences.begin();
    refusals.begin();
    nodeWork.begin();
    agents.begin();
    placer.begin();
    timekeeper.begin();
  }

  private Answer answer(Draft draft, Input.Request request, Instant now) {
    RequestMeta meta = request.meta();
    Answer known = gate.check(meta, now);
    if (known != null) {
      return known;
    }
    Answer answer = handle(draft, request);
    if (!meta.requestId().isEmpty() && !(answer instanceof Answer.Validated)) {
      draft.emit(
          new Change.RequestAnswered(meta.requestId(), meta.principal(), meta.bodyHash(), answer));
    }
    return answer;
  }

  private Answer handle(Draft draft, Input.Request request) {
    return switch (request) {
      case Input.SubmitJob submit -> jobs.submit(draft, submit);
      case Input.CancelJobs cancel -> jobs.cancel(draft, cancel);
      case Input.CancelTasks cancel -> jobs.cancelTasks(draft, cancel);
      case Input.DeleteJob delete -> jobs.delete(draft, delete);
      case Input.RetryJob retry -> jobs.retry(draft, retry);
      case Input.HoldJob hold -> jobs.hold(draft, hold);
      case Input.ReleaseJob release -> jobs.release(draft, release);
      case Input.SuspendJob suspend -> jobs.suspend(draft, suspend);
      case Input.ResumeJob resume -> jobs.resume(draft, resume);
      case Input.ScaleJob scale -> jobs.scale(draft, scale);
      case Input.RestartJob restart -> jobs.restart(draft, restart);
      case Input.CordonNode cordon -> nodes.cordon(draft, cordon);
      case Input.UncordonNode uncordon -> nodes.uncordon(draft, uncordon);
      case Input.DrainNode drain -> nodes.drain(draft, drain);
      case Input.UpdateNodeLabels labels -> nodes.labels(draft, labels);
      case Input.DeclareNodeGone gone -> nodes.gone(draft, gone);
      case Input.ReplaceNode replace -> nodes.replace(draft, replace);
      case Input.AdoptNode adopt -> nodes.adopt(draft, adopt);
      case Input.ReleaseBrake release -> {
        Rejection why = fleetLoss.release(draft, release.meta().principal());
        if (why == null) {
          nodeWork.lookAtSilent();
        }
        yield why == null ? new Answer.Done() : new Answer.Rejected(why);
      }
      case Input.ResolveHeld resolve -> restore.resolveHeld(draft, resolve);
    };
  }

  static Answer.Rejected rejected(
      RejectionCode code, String reason, @Nullable String field, String message) {
    return new Answer.Rejected(new Rejection(code, reason, field == null ? "" : field, message));
  }
}

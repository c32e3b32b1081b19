package orch.controller.core;

import java.util.List;
import orch.api.model.AttemptState;
import orch.api.model.StageTimes;
import orch.api.model.TaskState;
import orch.api.model.Uid;

/** Applies what follows from a restore from a backup, or from the adoption of a node. */
final class RestoreChanges {
  private final State state;
  private final AttemptChanges attempts;

  RestoreChanges(State state, AttemptChanges attempts) {
    this.state = state;
    this.attempts = attempts;
  }

  void raised(Change.IncarnationRaised of) {
    if (of.incarnation() <= state.incarnation) {
      throw new InvariantError("the incarnation is " + state.incarnation + " already");
    }
    state.incarnation = of.incarnation();
    state.nextSequence = Math.max(state.nextSequence, of.nextSequence());
    state.nextNumber = Math.max(state.nextNumber, of.nextNumber());
    if (state.epoch > 0) {
      state.terms.add(new State.Term(state.incarnation, state.epoch));
    }
    if (of.restored()) {
      state.restoreNanos = state.nowNanos;
      state.restoredIncarnation = of.incarnation();
      for (Node node : state.nodes) {
        if (node.contact != NodeContact.GONE) {
          state.freeze.open(node);
          node.reconciled = false;
        }
      }
      touchAll();
    }
  }

  /** Whether tasks of the live jobs may have places has changed. */
  private void touchAll() {
    state.liveJobs.values().forEach(state::touched);
  }

  void numbers(Change.NumbersRaised of) {
    if (of.nextNumber() <= state.nextNumber) {
      throw new InvariantError("the next job is number " + state.nextNumber + " already");
    }
    state.nextNumber = of.nextNumber();
  }

  void reconciled(Change.NodeReconciled of) {
    state.nodeOf(of.node()).reconciled = true;
  }

  void settled() {
    state.restoreNanos = 0;
    touchAll();
  }

  void adopted(Change.NodeAdopted of) {
    state.nodeOf(of.node()).foreignBelow = state.incarnation;
  }

  void held(Change.AttemptsHeld of) {
    Node node = state.nodeOf(of.node());
    for (HeldAttempt attempt : of.attempts()) {
      node.held.put(attempt.uid(), attempt);
    }
  }

  void stopping(Change.HeldStopping of) {
    Node node = state.nodeOf(of.node());
    for (Uid uid : of.attempts()) {
      node.held.put(uid, heldOn(node, uid).stopped());
    }
  }

  void gone(Change.HeldGone of) {
    Node node = state.nodeOf(of.node());
    for (Uid uid : of.attempts()) {
      HeldAttempt _ = heldOn(node, uid);
      node.held.remove(uid);
    }
  }

  private static HeldAttempt heldOn(Node node, Uid uid) {
    HeldAttempt held = node.held.get(uid);
    if (held == null) {
      throw new InvariantError("attempt " + uid + " is not held on " + node.name());
    }
    return held;
  }

  void adopted(Change.AttemptAdopted of) {
    Node node = state.nodeOf(of.node());
    HeldAttempt held = heldOn(node, of.attempt());
    Job job = state.jobOf(held.jobNumber());
    state.freeze.open(job);
    int ordinal = job.ordinalOf(held.index());
    if (ordinal < 0 || job.tasks.state(ordinal) != TaskState.WAITING) {
      throw new InvariantError("task " + held.index() + " of job " + job.number + " does not wait");
    }
    node.held.remove(held.uid());
    attempts.remember(job, ordinal);
    TaskState _ = job.tasks.move(ordinal, TaskEvent.PLACED, job.taskName(ordinal));
    Chunk chunk = job.tasks.writable(ordinal);
    int at = TaskStore.at(ordinal);
    chunk.attempts[at] = Math.max(chunk.attempts[at] + 1, held.attempt());
    chunk.attemptState[at] = Codes.of(AttemptState.PLACED);
    chunk.term[at] = state.termOf(held.uid());
    chunk.sequence[at] = held.uid().sequence();
    chunk.node[at] = node.number;
    chunk.placeNanos[at] = state.nowNanos;
    chunk.startNanos[at] = 0;
    chunk.endNanos[at] = 0;
    chunk.setResult(at, null);
    chunk.setStages(at, StageTimes.NONE);
    chunk.live++;
    AttemptChanges.placedAnew(job, ordinal, node);
    node.live.insert(job, ordinal, held.uid().sequence());
    state.fleet.reserve(node.slot, job.needOf(ordinal), List.of());
    state.touched(job);
  }
}

package orch.controller.core;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import orch.api.model.AgentMessage;
import orch.api.model.AttemptState;
import orch.api.model.AttemptStatus;
import orch.api.model.TaskState;
import orch.api.model.Uid;

/**
 * Decides on what agents run and the state does not know, after a restore from a backup or the
 * adoption of a node: it is held, and nobody stops it but an operator. An attempt whose task waits
 * for one is the task's newest, and becomes it again.
 */
final class RestoreInputs {
  /** How long tasks of restored jobs wait for the nodes. */
  static final Duration PATIENCE = Duration.ofMinutes(10);

  /** Held attempts of a node; more are left alone unlisted. */
  private static final int MAX_HELD = 10_000;

  private final State state;

  RestoreInputs(State state) {
    this.state = state;
  }

  /** An agent's first words, before it is welcomed. */
  void hello(Draft draft, AgentMessage.Hello hello) {
    String cluster = hello.clusterId();
    boolean foreign = !cluster.isEmpty() && !cluster.equals(state.clusterId);
    if (foreign && hello.incarnation() >= state.incarnation) {
      // Admitting it has raised ours above its own; it was raised there too since. Otherwise uids
      // that are made here may be those of what it runs.
      int above = Math.addExact(hello.incarnation(), 1);
      draft.emit(new Change.IncarnationRaised(above, state.nextSequence, state.nextNumber, false));
    }
    if (hello.highestJobNumber() >= state.nextNumber) {
      draft.emit(new Change.NumbersRaised(hello.highestJobNumber() + 1));
    }
  }

  /** Whether the attempt may have been placed without the state knowing it. */
  boolean mayBeUnknown(Node node, AttemptStatus status) {
    return status.uid().incarnation() < heldBelow(node);
  }

  /** Attempts on the node of older incarnations than this may be unknown to the state. */
  int heldBelow(Node node) {
    return Math.max(state.restoredIncarnation, node.foreignBelow);
  }

  /** Attempts that the state does not know and that run, or have run. */
  void unknown(Draft draft, Node node, List<AttemptStatus> statuses) {
    List<HeldAttempt> held = new ArrayList<>();
    List<Uid> gone = new ArrayList<>();
    for (AttemptStatus status : statuses) {
      boolean known = node.held.containsKey(status.uid());
      if (status.state().ended()) {
        if (known) {
          gone.add(status.uid());
        }
        draft.forget(node.uid(), status.uid());
      } else if (!known && node.held.size() + held.size() < MAX_HELD) {
        held.add(
            new HeldAttempt(
                status.uid(),
                status.jobUid(),
                status.jobNumber(),
                status.index(),
                status.attempt(),
                status.state() == AttemptState.RUNNING ? Math.max(1, status.startNanos()) : 0,
                state.decisionNanos,
                false));
      }
    }
    if (!held.isEmpty()) {
      draft.emit(new Change.AttemptsHeld(node.number, held));
    }
    if (!gone.isEmpty()) {
      draft.emit(new Change.HeldGone(node.number, gone));
    }
    raiseNumbers(draft, held);
  }

  private void raiseNumbers(Draft draft, List<HeldAttempt> held) {
    long highest = 0;
    for (HeldAttempt attempt : held) {
      highest = Math.max(highest, attempt.jobNumber());
    }
    if (highest >= state.nextNumber) {
      draft.emit(new Change.NumbersRaised(highest + 1));
    }
  }

  /** The node has named everything that it runs. */
  void inventoried(Draft draft, Node node, LinkedHashSet<Uid> named) {
    List<Uid> gone = new ArrayList<>();
    for (Uid uid : node.held.keySet()) {
      if (!named.contains(uid)) {
        gone.add(uid);
      }
    }
    if (!gone.isEmpty()) {
      draft.emit(new Change.HeldGone(node.number, gone));
    }
    adopt(draft, node);
    if (!node.reconciled) {
      draft.emit(new Change.NodeReconciled(node.number));
    }
  }

  /** Held attempts of every node whose tasks wait become theirs. */
  void adoptAll(Draft draft) {
    for (Node node : state.nodes) {
      if (!node.held.isEmpty()) {
        adopt(draft, node);
      }
    }
  }

  private void adopt(Draft draft, Node node) {
    for (HeldAttempt held : List.copyOf(node.held.values())) {
      if (adoptable(node, held)) {
        adopt(draft, node, held);
      }
    }
  }

  private boolean adoptable(Node node, HeldAttempt held) {
    if (node.isForeign(held.uid())) {
      // Its job is another cluster's, though ours may have the same uid.
      return false;
    }
    Job job = state.jobs.get(held.jobNumber());
    int ordinal = job == null ? -1 : job.ordinalOf(held.index());
    return job != null
        && ordinal >= 0
        && job.uid.equals(held.jobUid())
        && job.live()
        && job.ending == null
        && !held.stopping()
        && job.tasks.state(ordinal) == TaskState.WAITING;
  }

  private void adopt(Draft draft, Node node, HeldAttempt held) {
    draft.emit(new Change.AttemptAdopted(node.number, held.uid()));
    if (held.startNanos() != 0) {
      AttemptRef ref = new AttemptRef(held.jobNumber(), held.index(), held.uid());
      draft.emit(new Change.AttemptsRunning(List.of(new Change.Started(ref, held.startNanos()))));
    }
    draft.sendAll(node.uid());
  }

  /** After a restore: once every node has spoken, or for too long has not, work goes on. */
  void tick(Draft draft) {
    if (state.restoreNanos == 0) {
      return;
    }
    boolean awaited = false;
    for (Node node : state.nodes) {
      awaited |= !node.reconciled && node.contact != NodeContact.GONE;
    }
    boolean late = state.decisionNanos - state.restoreNanos >= PATIENCE.toNanos();
    if (awaited && !late) {
      return;
    }
    // What ended on one node meanwhile may make room for what runs on another.
    adoptAll(draft);
    draft.emit(new Change.RestoreSettled());
  }

  // ---- what operators want

  Answer resolveHeld(Draft draft, Input.ResolveHeld input) {
    Node node = state.nodesByName.get(input.nodeName());
    HeldAttempt held = node == null ? null : node.held.get(input.attempt());
    if (node == null || held == null) {
      return Decider.rejected(
          RejectionCode.NOT_FOUND,
          "ATTEMPT_NOT_HELD",
          "attempt",
          "attempt "
              + input.attempt()
              + " is not held on node '"
              + Limits.cut(input.nodeName())
              + "'; orchctl node held lists those that are");
    }
    if (input.stop()) {
      if (!held.stopping()) {
        draft.emit(new Change.HeldStopping(node.number, List.of(held.uid())));
      }
      draft.sendAll(node.uid());
      return new Answer.Node(node.uid());
    }
    if (!adoptable(node, held)) {
      return Decider.rejected(
          RejectionCode.FAILED_PRECONDITION,
          "CANNOT_ADOPT",
          "attempt",
          "job "
              + held.jobNumber()
              + " is unknown here, or its task "
              + held.index()
              + " does not wait for an attempt: let this one run to its end, or stop it");
    }
    adopt(draft, node, held);
    return new Answer.Node(node.uid());
  }
}

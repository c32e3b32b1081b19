package orch.controller.core;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import orch.api.model.AgentMessage;
import orch.api.model.AttemptState;
import orch.api.model.AttemptStatus;
import orch.api.model.InventoryHash;
import orch.api.model.Readiness;
import orch.api.model.Result;
import orch.api.model.ResultKind;
import orch.api.model.StageTimes;
import orch.api.model.StartFailure;
import orch.api.model.TaskState;
import orch.api.model.Uid;
import org.jspecify.annotations.Nullable;

/** Handles what agents say of themselves and their attempts. */
final class AgentInputs {
  private static final int MAX_FORGOTTEN = Limits.MAX_REPORTS;

  private final State state;
  private final Settler settler;
  private final Placer placer;
  private final NodeWork work;
  private final Silences silences;
  private final RefusedNodes refusals;
  private final RestoreInputs restore;

  /** Attempts named in the parts of an inventory so far, by node uid. */
  private final TreeMap<String, LinkedHashSet<Uid>> inventories = new TreeMap<>();

  private record Due(Job job, int ordinal, Change.Ended ended, boolean here) {}

  AgentInputs(
      State state,
      Settler settler,
      Placer placer,
      NodeWork work,
      Silences silences,
      RefusedNodes refusals,
      RestoreInputs restore) {
    this.restore = restore;
    this.silences = silences;
    this.refusals = refusals;
    this.state = state;
    this.settler = settler;
    this.placer = placer;
    this.work = work;
  }

  void begin() {
    inventories.clear();
  }

  // ---- sessions

  void hello(Draft draft, Input.NodeHello input) {
    AgentMessage.Hello hello = input.hello();
    Rejection refusal = HelloRules.refusal(state, hello, input.doubled());
    if (refusal != null) {
      refusals.refused(draft, hello, refusal);
      draft.effect(new Effect.Refuse(hello.node().uid(), input.session(), refusal));
      return;
    }
    restore.hello(draft, hello);
    Node node = state.nodesByUid.get(hello.node().uid());
    if (node == null) {
      draft.emit(new Change.NodeRegistered(state.nodes.size(), hello.node()));
      node = state.nodesByUid.get(hello.node().uid());
      if (node == null) {
        throw new InvariantError("node " + hello.node().uid() + " was registered and is not there");
      }
    } else if (!node.description.equals(hello.node())) {
      draft.emit(new Change.NodeUpdated(node.number, hello.node()));
    }
    String adoptedFrom = hello.clusterId().equals(state.clusterId) ? "" : hello.clusterId();
    if (!adoptedFrom.isEmpty()) {
      draft.emit(new Change.NodeAdopted(node.number));
    }
    refusals.welcomed(draft, hello);
    silences.spoke(node);
    if (Tables.CONTACT.moves(node.contact, ContactEvent.HELLO)) {
      draft.emit(new Change.NodeContactChanged(node.number, NodeContact.UP, ""));
    }
    InventoryHash known = node.inventory(state);
    boolean same =
        known.count() == hello.inventoryCount() && known.value() == hello.inventoryHash();
    boolean wantInventory =
        !same
            || !node.settled
            || !node.reconciled
            || !node.held.isEmpty()
            || !adoptedFrom.isEmpty();
    inventories.remove(node.uid());
    draft.effect(
        new Effect.Welcome(
            node.uid(), input.session(), wantInventory, adoptedFrom, restore.heldBelow(node)));
    if (!wantInventory) {
      draft.sendAll(node.uid());
    }
    work.look(node);
  }

  void silent(Draft draft, Input.NodeSilent input) {
    Node node = state.nodesByUid.get(input.nodeUid());
    if (node != null) {
      silences.fellSilent(node, input.heardNanos(), input.leaseNanos());
    }
    if (node != null && Tables.CONTACT.moves(node.contact, ContactEvent.SILENT)) {
      draft.emit(
          new Change.NodeContactChanged(
              node.number, NodeContact.UNREACHABLE, "its agent does not answer"));
    }
  }

  void back(Draft draft, String nodeUid) {
    Node node = state.nodesByUid.get(nodeUid);
    if (node != null) {
      silences.spoke(node);
    }
    if (node != null && Tables.CONTACT.moves(node.contact, ContactEvent.BACK)) {
      draft.emit(new Change.NodeContactChanged(node.number, NodeContact.UP, ""));
      draft.sendAll(nodeUid);
      work.look(node);
    }
  }

  void inventory(Draft draft, Input.NodeInventory input) {
    Node node = state.nodesByUid.get(input.nodeUid());
    if (node == null) {
      return;
    }
    LinkedHashSet<Uid> named =
        inventories.computeIfAbsent(input.nodeUid(), _ -> new LinkedHashSet<>());
    input.attempts().forEach(status -> named.add(status.uid()));
    take(draft, node, input.attempts());
    if (!input.last()) {
      return;
    }
    inventories.remove(input.nodeUid());
    forgotten(draft, node, named);
    restore.inventoried(draft, node, named);
    if (!node.settled) {
      draft.emit(new Change.NodeSettled(node.number));
    }
    work.look(node);
    draft.sendAll(node.uid());
  }

  /**
   * Attempts that ran in this boot and that the agent does not know any more: they ended, and
   * nobody can know how. One that never ran is simply sent again.
   */
  private void forgotten(Draft draft, Node node, LinkedHashSet<Uid> named) {
    List<Due> due = new ArrayList<>();
    node.live.each((job, ordinal, sequence) -> {
      Chunk chunk = job.tasks.readable(ordinal);
      boolean ran = chunk != null && chunk.startNanos[TaskStore.at(ordinal)] != 0;
      Uid uid = state.uidOf(job, ordinal);
      // Of one from before a restore it may have the result still: it is asked for it.
      boolean older = uid.incarnation() < state.restoredIncarnation;
      boolean forgotten = ran && !older && node.ofThisBoot(sequence) && !named.contains(uid);
      if (forgotten && due.size() < MAX_FORGOTTEN) {
        due.add(
            ended(
                job,
                ordinal,
                AttemptState.FAILED,
                Result.without(ResultKind.UNKNOWN, null),
                "its agent does not know it any more",
                null));
      }
      return true;
    });
    emit(draft, node, due);
  }

  // ---- attempts

  void reports(Draft draft, Input.AttemptReports input) {
    Node node = state.nodesByUid.get(input.nodeUid());
    if (node != null) {
      take(draft, node, input.attempts());
    }
  }

  private void take(Draft draft, Node node, List<AttemptStatus> statuses) {
    List<Change.Started> started = new ArrayList<>();
    LinkedHashSet<Uid> running = new LinkedHashSet<>();
    List<Due> due = new ArrayList<>();
    LinkedHashSet<Uid> over = new LinkedHashSet<>();
    LinkedHashMap<AttemptRef, Readiness> said = new LinkedHashMap<>();
    List<AttemptStatus> unknown = new ArrayList<>();
    for (AttemptStatus status : statuses) {
      Uid uid = status.uid();
      if (over.contains(uid)) {
        continue;
      }
      AttemptRef ref = new AttemptRef(status.jobNumber(), status.index(), uid);
      if (!state.isLive(ref) || onOtherNode(ref, node)) {
        if (restore.mayBeUnknown(node, status) && replaced(node, status).isEmpty()) {
          unknown.add(status);
        } else {
          unknown(draft, node, status);
        }
        continue;
      }
      Job job = state.jobOf(ref.jobNumber());
      int ordinal = job.ordinalOf(ref.index());
      if (status.state() == AttemptState.RUNNING && status.readiness() != Readiness.UNDECLARED) {
        said.put(ref, status.readiness());
      }
      if (status.state().ended()) {
        over.add(uid);
        due.add(ended(job, ordinal, status));
      } else if (status.state() == AttemptState.RUNNING
          && job.tasks.attemptState(ordinal) == AttemptState.PLACED
          && running.add(uid)) {
        started.add(new Change.Started(ref, Math.max(1, status.startNanos())));
      }
    }
    if (!started.isEmpty()) {
      draft.emit(new Change.AttemptsRunning(started));
      for (Change.Started one : started) {
        Job job = state.jobOf(one.attempt().jobNumber());
        settler.touch(job, job.ordinalOf(one.attempt().index()));
      }
    }
    readiness(draft, said);
    if (!unknown.isEmpty()) {
      restore.unknown(draft, node, unknown);
    }
    emit(draft, node, due);
  }

  /** The newest that was said of attempts that run. */
  private void readiness(Draft draft, Map<AttemptRef, Readiness> said) {
    List<AttemptRef> ready = new ArrayList<>();
    List<AttemptRef> notReady = new ArrayList<>();
    said.forEach((ref, readiness) -> {
      Job job = state.jobOf(ref.jobNumber());
      int ordinal = job.ordinalOf(ref.index());
      if (job.tasks.attemptState(ordinal) == AttemptState.RUNNING
          && job.tasks.readiness(ordinal) != readiness) {
        boolean _ = (readiness == Readiness.READY ? ready : notReady).add(ref);
      }
    });
    if (!ready.isEmpty() || !notReady.isEmpty()) {
      draft.emit(new Change.AttemptsReadiness(ready, notReady));
    }
  }

  private boolean onOtherNode(AttemptRef ref, Node node) {
    Job job = state.jobOf(ref.jobNumber());
    return state.nodeOf(job, job.ordinalOf(ref.index())) != node;
  }

  /** Late, repeated or never wanted: a result may be forgotten, what lives is to be stopped. */
  private void unknown(Draft draft, Node node, AttemptStatus status) {
    if (status.state().ended()) {
      draft.forget(node.uid(), status.uid());
      return;
    }
    String replaced = replaced(node, status);
    if (!replaced.isEmpty()) {
      draft.effect(new Effect.StopReplaced(node.uid(), status.uid(), replaced));
    }
    draft.sendAll(node.uid());
  }

  /** What took the place of an attempt that ended for this controller; empty: it is unknown. */
  private String replaced(Node node, AttemptStatus status) {
    if (node.isForeign(status.uid())) {
      return "";
    }
    Job job = state.jobs.get(status.jobNumber());
    int ordinal = job == null ? -1 : job.ordinalOf(status.index());
    if (job == null || ordinal < 0 || job.tasks.attempts(ordinal) == 0) {
      return "";
    }
    Extra extra = job.tasks.extraOrNull(ordinal);
    boolean newest = state.uidOf(job, ordinal).equals(status.uid());
    boolean known =
        newest
            || (extra != null
                && extra.history.stream().anyMatch(past -> past.uid().equals(status.uid())));
    if (!known) {
      return "";
    }
    return !newest && job.tasks.live(ordinal)
        ? "given up while this node was away: attempt "
            + job.tasks.attempts(ordinal)
            + " runs on node "
            + state.nodeOf(job, ordinal).name()
        : "given up while this node was away";
  }

  private Due ended(Job job, int ordinal, AttemptStatus status) {
    Result result = status.result();
    AttemptState end = status.state();
    Chunk chunk = job.tasks.readable(ordinal);
    boolean ran = chunk != null && chunk.startNanos[TaskStore.at(ordinal)] != 0;
    if (end == AttemptState.DROPPED && ran) {
      // It did run, so what its agent says is no truth about its end.
      end = AttemptState.FAILED;
      result = Result.without(ResultKind.UNKNOWN, null);
    } else if (end == AttemptState.LOST) {
      result = Result.without(ResultKind.LOST, null);
    } else if (end != AttemptState.DROPPED) {
      result = result == null ? Result.without(ResultKind.UNKNOWN, null) : bounded(result);
      end = endOf(result);
    } else {
      result = null;
    }
    return ended(job, ordinal, end, result, status.reason(), status);
  }

  /** The end by the kernel's word, not by the agent's. */
  private static AttemptState endOf(Result result) {
    return switch (result.kind()) {
      case STOPPED, NO_LEASE, EVICTED -> AttemptState.KILLED;
      case LOST -> AttemptState.LOST;
      case EXITED -> result.success() ? AttemptState.SUCCEEDED : AttemptState.FAILED;
      case SIGNALED, OUT_OF_MEMORY, TIMED_OUT, START_FAILED, UNHEALTHY, UNKNOWN ->
          AttemptState.FAILED;
    };
  }

  private static Result bounded(Result result) {
    StartFailure failure = result.startFailure();
    if (failure == null) {
      return result;
    }
    return new Result(
        result.kind(),
        result.siCode(),
        result.siStatus(),
        new StartFailure(
            Limits.cut(failure.stage(), 64), failure.errno(), Limits.cut(failure.message())),
        result.oomKilled(),
        result.oomKills(),
        result.cpuUserMicros(),
        result.cpuSystemMicros(),
        result.memoryPeakBytes(),
        result.logBytes(),
        result.logLostBytes());
  }

  private Due ended(
      Job job,
      int ordinal,
      AttemptState end,
      @Nullable Result result,
      String reason,
      @Nullable AttemptStatus status) {
    long known = state.startNanosOf(job, ordinal);
    long startNanos = status == null || status.startNanos() == 0 ? known : status.startNanos();
    long endNanos = status == null ? 0 : status.endNanos();
    Ends.Outcome outcome = Ends.next(state, job, ordinal, end, result, startNanos, endNanos);
    // The result's own words need not be stored a second time.
    String words = result == null || !reason.equals(Sentences.of(result)) ? Limits.cut(reason) : "";
    Change.Ended ended =
        new Change.Ended(
            state.refOf(job, ordinal),
            end,
            result,
            words,
            startNanos,
            endNanos,
            status == null ? StageTimes.NONE : status.stages(),
            outcome.next());
    return new Due(job, ordinal, ended, outcome.here());
  }

  private void emit(Draft draft, Node node, List<Due> due) {
    if (due.isEmpty()) {
      return;
    }
    draft.emit(new Change.AttemptsEnded(due.stream().map(Due::ended).toList()));
    for (Due one : due) {
      draft.forget(node.uid(), one.ended().attempt().uid());
      settler.touch(one.job(), one.ordinal());
    }
    // Limits of failures go before restarts: an ending job starts nothing.
    settler.settle(draft);
    // Of a task that waits now a later attempt than the backup knows may run already.
    if (due.stream().anyMatch(one -> one.job().uid.incarnation() < state.restoredIncarnation)) {
      restore.adoptAll(draft);
    }
    for (Due one : due) {
      if (one.here()
          && one.job().tasks.state(one.ordinal()) == TaskState.WAITING
          && !state.awaitsNodes(one.job())) {
        placer.restartHere(draft, one.job(), one.ordinal());
      }
    }
  }
}

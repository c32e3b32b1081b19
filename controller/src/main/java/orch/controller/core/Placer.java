package orch.controller.core;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import orch.api.model.AttemptState;
import orch.api.model.TaskState;
import orch.controller.scheduler.Ask;
import orch.controller.scheduler.Assignment;
import orch.controller.scheduler.Scheduler;
import org.jspecify.annotations.Nullable;

/**
 * Gives places to waiting tasks, a slice at a time: jobs by priority and age, each with as many
 * tasks as its parallelism allows. A pass goes over all jobs that want places; a job whose tasks
 * fitted nowhere is passed over until a node gets room.
 */
final class Placer {
  /** Jobs looked at in one slice. */
  private static final int MAX_JOBS = 2_000;

  private final State state;

  /** Where the pass goes on; null: it begins. */
  private @Nullable Job resume;

  private long fleetStampSeen = -1;
  private long workStampSeen = -1;

  Placer(State state) {
    this.state = state;
  }

  void begin() {
    resume = null;
    fleetStampSeen = -1;
    workStampSeen = -1;
  }

  /** Whether a slice may find something. */
  boolean wanted() {
    return !state.runnable.isEmpty()
        && (resume != null
            || fleetStampSeen != state.fleet.stamp()
            || workStampSeen != state.workStamp);
  }

  void slice(Draft draft) {
    int placements = Limits.MAX_PLACEMENTS;
    int looked = 0;
    Job job = resume == null ? first() : atOrAfter(resume);
    resume = null;
    while (job != null) {
      int placed = place(draft, job, placements);
      placements -= placed;
      looked++;
      boolean unfinished = job.runnable() && job.infeasibleAt < 0;
      if (placements == 0 || looked == MAX_JOBS || (unfinished && placed == 0)) {
        resume = unfinished ? job : state.runnable.higher(job);
        break;
      }
      job = state.runnable.higher(job);
    }
    fleetStampSeen = state.fleet.stamp();
    workStampSeen = state.workStamp;
  }

  private @Nullable Job first() {
    return state.runnable.isEmpty() ? null : state.runnable.first();
  }

  private @Nullable Job atOrAfter(Job job) {
    return state.runnable.ceiling(job);
  }

  /** Places tasks of one job; returns how many. */
  private int place(Draft draft, Job job, int budget) {
    if (job.infeasibleAt == state.fleet.stamp()) {
      return 0;
    }
    if (job.spec().tasks().gang()) {
      return placeGang(draft, job, budget);
    }
    List<Change.Placed> placed = new ArrayList<>();
    int most = Math.min(budget, job.allowance());
    long since = job.infeasibleAt;
    // Spreads count what is there, so they look at the whole fleet each time.
    if (!job.spec().placement().spread().isEmpty()) {
      since = -1;
    }
    boolean stuck = placeSpecial(draft, job, most, since, placed);
    int left = most - placed.size();
    List<Integer> ordinals = left > 0 ? ordinary(job, left) : List.of();
    if (!ordinals.isEmpty()) {
      List<Assignment> plan = Scheduler.plan(state.fleet, ask(job, ordinals.size(), 0, -1, since));
      List<Change.Placed> more = new ArrayList<>();
      for (int i = 0; i < plan.size(); i++) {
        more.add(placed(job, ordinals.get(i), plan.get(i)));
      }
      emit(draft, job, more);
      placed.addAll(more);
      stuck |= plan.size() < ordinals.size();
    }
    if (job.runnable()) {
      boolean nothingOrdinary = left > 0 && ordinals.isEmpty();
      job.infeasibleAt = stuck || nothingOrdinary ? state.fleet.stamp() : -1;
    }
    return placed.size();
  }

  /** Tasks that want more memory or another node, one by one; whether one found no place. */
  private boolean placeSpecial(
      Draft draft, Job job, int most, long since, List<Change.Placed> all) {
    boolean stuck = false;
    for (int ordinal : List.copyOf(job.special)) {
      if (all.size() == most) {
        break;
      }
      if (!isReady(job, ordinal)) {
        continue;
      }
      Extra extra = job.tasks.extraOrNull(ordinal);
      long memoryBytes = extra == null ? 0 : extra.memoryBytes;
      int avoid = extra != null && extra.elsewhere ? state.nodeOf(job, ordinal).number : -1;
      List<Assignment> plan = Scheduler.plan(state.fleet, ask(job, 1, memoryBytes, avoid, since));
      if (plan.isEmpty()) {
        stuck = true;
      } else {
        List<Change.Placed> one = List.of(placed(job, ordinal, plan.getFirst()));
        emit(draft, job, one);
        all.addAll(one);
      }
    }
    return stuck;
  }

  /** All waiting tasks of a gang at once, or none. */
  private int placeGang(Draft draft, Job job, int budget) {
    int waiting = job.tasks.count(TaskState.WAITING);
    if (waiting > budget && budget < Limits.MAX_PLACEMENTS) {
      // The next slice has the whole budget.
      return 0;
    }
    List<Integer> ordinals = new ArrayList<>();
    for (int at = job.tasks.nextWaiting(0); at >= 0; at = job.tasks.nextWaiting(at + 1)) {
      ordinals.add(at);
    }
    long memoryBytes = 0;
    for (int ordinal : job.special) {
      Extra extra = job.tasks.extraOrNull(ordinal);
      memoryBytes = Math.max(memoryBytes, extra == null ? 0 : extra.memoryBytes);
    }
    boolean allReady = ordinals.stream().allMatch(ordinal -> isReady(job, ordinal));
    List<Assignment> plan =
        allReady ? Scheduler.plan(state.fleet, ask(job, waiting, memoryBytes, -1, -1)) : List.of();
    if (plan.size() < waiting) {
      job.infeasibleAt = state.fleet.stamp();
      return 0;
    }
    List<Change.Placed> placed = new ArrayList<>();
    for (int i = 0; i < waiting; i++) {
      placed.add(placed(job, ordinals.get(i), plan.get(i)));
    }
    emit(draft, job, placed);
    return placed.size();
  }

  private Ask ask(Job job, int count, long memoryBytes, int avoid, long since) {
    return new Ask(job.current().demand, count, memoryBytes, avoid, present(state, job), since);
  }

  /** Live attempts by node, where the job's placement asks for it. */
  static SortedMap<Integer, Integer> present(State state, Job job) {
    TreeMap<Integer, Integer> present = new TreeMap<>();
    if (job.spec().placement().everyNode() || !job.spec().placement().spread().isEmpty()) {
      for (int at = job.tasks.nextLive(0); at >= 0; at = job.tasks.nextLive(at + 1)) {
        present.merge(state.nodeOf(job, at).number, 1, Integer::sum);
      }
    }
    return present;
  }

  /** The first waiting tasks that want nothing special; moves the cursor. */
  private static List<Integer> ordinary(Job job, int most) {
    List<Integer> ordinals = new ArrayList<>();
    int first = -1;
    int at = job.tasks.nextWaiting(job.cursor);
    while (at >= 0 && ordinals.size() < most) {
      if (!job.special.contains(at) && isReady(job, at)) {
        ordinals.add(at);
      }
      first = first < 0 ? at : first;
      at = nextReady(job, at + 1);
    }
    job.cursor = first < 0 ? job.tasks.size() : first;
    return ordinals;
  }

  private static int nextReady(Job job, int from) {
    BitSet ready = job.ready;
    if (ready == null) {
      return job.tasks.nextWaiting(from);
    }
    int at = ready.nextSetBit(from);
    return at < 0 ? -1 : job.tasks.nextWaiting(at);
  }

  private static boolean isReady(Job job, int ordinal) {
    return job.ready == null || job.ready.get(ordinal);
  }

  private static Change.Placed placed(Job job, int ordinal, Assignment assignment) {
    return new Change.Placed(
        job.number, job.indexOf(ordinal), assignment.node(), assignment.ports());
  }

  private static void emit(Draft draft, Job job, List<Change.Placed> placed) {
    if (!placed.isEmpty()) {
      draft.emit(new Change.AttemptsPlaced(placed));
      for (Change.Placed one : placed) {
        draft.send(job, job.ordinalOf(one.index()));
      }
    }
  }

  /** Restarts a waiting task where its last attempt ran, if that node takes it. */
  void restartHere(Draft draft, Job job, int ordinal) {
    if (!job.runnable() || job.spec().tasks().gang() || !isReady(job, ordinal)) {
      return;
    }
    if (job.tasks.attemptState(ordinal) == AttemptState.DROPPED) {
      return;
    }
    int node = state.nodeOf(job, ordinal).number;
    // Of a job that had several tasks there before it was changed.
    if (job.spec().placement().everyNode() && present(state, job).containsKey(node)) {
      return;
    }
    Extra extra = job.tasks.extraOrNull(ordinal);
    List<Assignment> place =
        Scheduler.on(
            state.fleet, node, job.current().demand, extra == null ? 0 : extra.memoryBytes);
    if (!place.isEmpty()) {
      emit(draft, job, List.of(placed(job, ordinal, place.getFirst())));
    }
  }
}

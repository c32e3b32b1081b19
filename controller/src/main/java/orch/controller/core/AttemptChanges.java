package orch.controller.core;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import orch.api.model.AttemptState;
import orch.api.model.JobState;
import orch.api.model.Readiness;
import orch.api.model.StageTimes;
import orch.api.model.TaskState;
import orch.api.model.Uid;
import orch.controller.restart.RestartRules;
import orch.controller.scheduler.Need;
import org.jspecify.annotations.Nullable;

/** Applies changes of attempts. */
final class AttemptChanges {
  private final State state;

  AttemptChanges(State state) {
    this.state = state;
  }

  void placed(Change.Placed of) {
    Job job = state.jobOf(of.number());
    int ordinal = ordinalOf(job, of.index());
    Node node = state.nodeOf(of.node());
    remember(job, ordinal);
    TaskState _ = job.tasks.move(ordinal, TaskEvent.PLACED, job.taskName(ordinal));
    Uid uid = state.takeUid();
    Chunk chunk = job.tasks.writable(ordinal);
    int at = TaskStore.at(ordinal);
    chunk.attempts[at]++;
    chunk.attemptState[at] = Codes.of(AttemptState.PLACED);
    chunk.term[at] = state.currentTerm();
    chunk.sequence[at] = uid.sequence();
    chunk.node[at] = node.number;
    chunk.placeNanos[at] = state.nowNanos;
    chunk.startNanos[at] = 0;
    chunk.endNanos[at] = 0;
    chunk.setResult(at, null);
    chunk.setStages(at, StageTimes.NONE);
    chunk.live++;
    prepareExtra(job, chunk, at, of.ports());
    belongsTo(job, ordinal, node);
    node.live.add(job, ordinal, uid.sequence());
    state.fleet.reserve(node.slot, job.needOf(ordinal), of.ports());
    state.touched(job);
  }

  private static void belongsTo(Job job, int ordinal, Node node) {
    job.special.remove(ordinal);
    job.current().live++;
    job.nodes.set(node.number);
  }

  /** The newest attempt was not placed here, and is there all the same. */
  static void placedAnew(Job job, int ordinal, Node node) {
    prepareExtra(job, job.tasks.writable(ordinal), TaskStore.at(ordinal), List.of());
    belongsTo(job, ordinal, node);
  }

  private static void prepareExtra(Job job, Chunk chunk, int at, List<Integer> ports) {
    Extra extra = chunk.extraOrNull(at);
    if (extra == null && (!ports.isEmpty() || job.current().number > 1)) {
      extra = chunk.extra(at);
    }
    if (extra != null) {
      extra.forgetAttempt();
      extra.taskReason = "";
      extra.version = job.current().number;
      extra.ports = ports.stream().mapToInt(Integer::intValue).toArray();
      extra.delayMillis = extra.nextDelayMillis;
      extra.nextDelayMillis = 0;
      extra.elsewhere = false;
    }
  }

  /** The attempt before goes into the task's history. */
  void remember(Job job, int ordinal) {
    PastAttempt past = newest(job, ordinal);
    if (past != null) {
      Extra extra = job.tasks.writable(ordinal).extra(TaskStore.at(ordinal));
      extra.history.add(past);
      if (extra.history.size() > Limits.MAX_HISTORY) {
        extra.history.removeFirst();
      }
    }
  }

  private @Nullable PastAttempt newest(Job job, int ordinal) {
    Chunk chunk = job.tasks.readable(ordinal);
    int at = TaskStore.at(ordinal);
    AttemptState ended = chunk == null ? null : chunk.attemptState(at);
    if (chunk == null || ended == null) {
      return null;
    }
    Extra extra = chunk.extraOrNull(at);
    return new PastAttempt(
        chunk.attempts[at],
        state.uidOf(job, ordinal),
        ended,
        extra == null ? "" : extra.attemptReason,
        chunk.node[at],
        chunk.placeNanos[at],
        chunk.startNanos[at],
        chunk.endNanos[at],
        chunk.result(at),
        extra == null ? 1 : extra.version,
        extra == null ? List.of() : boxed(extra.ports),
        chunk.stages(at));
  }

  static List<Integer> boxed(int[] ports) {
    return Arrays.stream(ports).boxed().toList();
  }

  void running(Change.Started of) {
    Job job = state.jobOf(of.attempt().jobNumber());
    int ordinal = liveOrdinal(job, of.attempt());
    job.tasks.moveAttempt(ordinal, AttemptEvent.RUNNING, job.taskName(ordinal));
    TaskState _ = job.tasks.move(ordinal, TaskEvent.RUNNING, job.taskName(ordinal));
    job.tasks.writable(ordinal).startNanos[TaskStore.at(ordinal)] = of.startNanos();
    started(job);
    state.touched(job);
  }

  private void started(Job job) {
    if (job.startNanos == 0) {
      job.startNanos = state.nowNanos;
    }
    if (Tables.JOB.moves(job.state, JobEvent.STARTED)) {
      JobState next = Tables.JOB.move(job.state, JobEvent.STARTED, String.valueOf(job.number));
      state.count(job.state, -1);
      job.state = next;
      state.count(next, 1);
    }
  }

  void readiness(Change.AttemptsReadiness of) {
    of.ready().forEach(ref -> readiness(ref, Readiness.READY));
    of.notReady().forEach(ref -> readiness(ref, Readiness.NOT_READY));
  }

  private void readiness(AttemptRef ref, Readiness readiness) {
    Job job = state.jobOf(ref.jobNumber());
    int ordinal = liveOrdinal(job, ref);
    job.tasks.writable(ordinal).extra(TaskStore.at(ordinal)).readiness = readiness;
  }

  void stopping(Change.AttemptsStopping of) {
    for (AttemptRef ref : of.attempts()) {
      Job job = state.jobOf(ref.jobNumber());
      int ordinal = liveOrdinal(job, ref);
      job.tasks.moveAttempt(ordinal, AttemptEvent.STOP, job.taskName(ordinal));
      TaskState _ = job.tasks.move(ordinal, TaskEvent.STOPPING, job.taskName(ordinal));
      Extra extra = job.tasks.writable(ordinal).extra(TaskStore.at(ordinal));
      extra.stopCause = of.cause();
      extra.stopGrace = of.grace();
      extra.stopReason = of.reason();
      state.touched(job);
    }
  }

  void ended(Change.Ended of) {
    Job job = state.jobOf(of.attempt().jobNumber());
    int ordinal = liveOrdinal(job, of.attempt());
    release(job, ordinal);
    job.tasks.moveAttempt(ordinal, eventOf(of.state()), job.taskName(ordinal));
    Chunk chunk = job.tasks.writable(ordinal);
    int at = TaskStore.at(ordinal);
    if (of.startNanos() != 0) {
      chunk.startNanos[at] = of.startNanos();
    }
    chunk.endNanos[at] = of.endNanos();
    chunk.setResult(at, of.result());
    chunk.setStages(at, of.stages());
    if (!of.reason().isEmpty()) {
      chunk.extra(at).attemptReason = of.reason();
    }
    if (of.startNanos() != 0) {
      started(job);
    }
    switch (of.next()) {
      case Next.Ends ends -> {
        TaskState _ = job.tasks.move(ordinal, eventOf(ends.state()), job.taskName(ordinal));
        if (!ends.reason().isEmpty()) {
          chunk.extra(at).taskReason = ends.reason();
        }
      }
      case Next.Waits waits -> waits(job, ordinal, waits);
    }
    state.touched(job);
  }

  private void release(Job job, int ordinal) {
    Chunk chunk = job.tasks.writable(ordinal);
    int at = TaskStore.at(ordinal);
    Extra extra = chunk.extraOrNull(at);
    Need need = job.needOf(ordinal);
    Node node = state.nodeOf(chunk.node[at]);
    node.live.remove(chunk.sequence[at]);
    state.fleet.release(node.slot, need, extra == null ? List.of() : boxed(extra.ports));
    job.versionOf(ordinal).live--;
  }

  private void waits(Job job, int ordinal, Next.Waits waits) {
    TaskState _ = job.tasks.move(ordinal, TaskEvent.WAITS, job.taskName(ordinal));
    Extra extra = job.tasks.writable(ordinal).extra(TaskStore.at(ordinal));
    extra.nextDelayMillis = waits.delayMillis();
    extra.step = waits.step();
    extra.memoryBytes = waits.memoryBytes();
    extra.elsewhere = waits.elsewhere();
    if (waits.anew()) {
      extra.counted = 0;
      extra.times = Extra.NO_TIMES;
    }
    if (waits.counted()) {
      extra.counted++;
      extra.times = withNow(extra.times, RestartRules.keptTimes(job.spec().restart()));
    }
    if (waits.memoryBytes() > 0 || waits.elsewhere()) {
      job.special.add(ordinal);
    }
    job.cursor = Math.min(job.cursor, ordinal);
    job.infeasibleAt = -1;
  }

  private long[] withNow(long[] times, int kept) {
    if (kept == 0) {
      return Extra.NO_TIMES;
    }
    List<Long> all = new ArrayList<>(times.length + 1);
    for (long time : times) {
      all.add(time);
    }
    all.add(state.nowNanos);
    return all.stream().skip(Math.max(0, all.size() - kept)).mapToLong(Long::longValue).toArray();
  }

  private static AttemptEvent eventOf(AttemptState ended) {
    return switch (ended) {
      case SUCCEEDED -> AttemptEvent.SUCCEEDED;
      case FAILED -> AttemptEvent.FAILED;
      case KILLED -> AttemptEvent.KILLED;
      case DROPPED -> AttemptEvent.DROPPED;
      case LOST -> AttemptEvent.LOST;
      case PLACED, STARTING, RUNNING, STOPPING, UNREACHABLE ->
          throw new InvariantError("an attempt cannot end as " + ended);
    };
  }

  private static TaskEvent eventOf(TaskState ended) {
    return switch (ended) {
      case SUCCEEDED -> TaskEvent.SUCCEEDED;
      case FAILED -> TaskEvent.FAILED;
      case KILLED -> TaskEvent.KILLED;
      case CANCELLED -> TaskEvent.CANCELLED;
      case WAITING, PLACED, RUNNING, STOPPING, DROPPED ->
          throw new InvariantError("a task cannot end with its attempt as " + ended);
    };
  }

  private static int ordinalOf(Job job, int index) {
    int ordinal = job.ordinalOf(index);
    if (ordinal < 0) {
      throw new InvariantError("job " + job.number + " has no task " + index);
    }
    return ordinal;
  }

  private int liveOrdinal(Job job, AttemptRef ref) {
    int ordinal = ordinalOf(job, ref.index());
    if (!state.isLive(ref)) {
      throw new InvariantError("attempt " + ref + " does not live");
    }
    return ordinal;
  }
}

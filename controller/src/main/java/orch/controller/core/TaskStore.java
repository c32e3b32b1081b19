package orch.controller.core;

import java.util.Arrays;
import java.util.function.IntConsumer;
import orch.api.model.AttemptState;
import orch.api.model.Readiness;
import orch.api.model.TaskState;
import org.jspecify.annotations.Nullable;

/**
 * The tasks of a job by ordinal, in chunks of {@link Chunk#SIZE} that come into being when
 * something happens to one of their tasks.
 *
 * <p>Every alteration goes through {@link #writable}: there a chunk that a snapshot holds on to is
 * copied first, and marked to be written by the next checkpoint.
 */
final class TaskStore {
  private @Nullable Chunk[] chunks;
  private int size;

  /** State of the tasks whose chunk does not exist. */
  private TaskState rest = TaskState.WAITING;

  private final int[] counts = new int[Codes.TASK_STATES];

  private final Freeze freeze;

  /** Of the newest change of the job; see {@link Freeze}. */
  int generation;

  TaskStore(int size, Freeze freeze) {
    this.size = size;
    this.freeze = freeze;
    this.generation = freeze.generation();
    chunks = new Chunk[chunksFor(size)];
    counts[Codes.WAITING] = size;
  }

  int size() {
    return size;
  }

  int count(TaskState state) {
    return counts[Codes.of(state)];
  }

  /** Tasks with a live attempt. */
  int active() {
    return count(TaskState.PLACED) + count(TaskState.RUNNING) + count(TaskState.STOPPING);
  }

  int ended() {
    return size - count(TaskState.WAITING) - active();
  }

  /** {@code readiness}: whether the job's tasks say whether they are ready. */
  TaskCounts counts(boolean readiness) {
    return new TaskCounts(
        size,
        count(TaskState.WAITING),
        count(TaskState.PLACED),
        count(TaskState.RUNNING),
        count(TaskState.STOPPING),
        count(TaskState.SUCCEEDED),
        count(TaskState.FAILED),
        count(TaskState.KILLED),
        count(TaskState.CANCELLED),
        count(TaskState.DROPPED),
        readiness ? ready() : 0);
  }

  private int ready() {
    int ready = 0;
    for (int ordinal = 0; ordinal < size && count(TaskState.RUNNING) > 0; ordinal++) {
      Chunk chunk = readable(ordinal);
      if (chunk == null || !chunk.hasExtras()) {
        ordinal |= Chunk.SIZE - 1;
      } else if (state(ordinal) == TaskState.RUNNING && readiness(ordinal) == Readiness.READY) {
        ready++;
      }
    }
    return ready;
  }

  /** What the newest attempt says of itself. */
  Readiness readiness(int ordinal) {
    Extra extra = extraOrNull(ordinal);
    return extra == null ? Readiness.UNDECLARED : extra.readiness;
  }

  /** The chunk to read; null: all its tasks are untouched. */
  @Nullable Chunk readable(int ordinal) {
    return chunks[ordinal / Chunk.SIZE];
  }

  /** The chunk to alter. */
  Chunk writable(int ordinal) {
    return open(ordinal / Chunk.SIZE);
  }

  private Chunk open(int number) {
    if (generation != freeze.generation()) {
      // A snapshot that is being written would get what comes after it.
      throw new InvariantError("tasks are altered outside of a change");
    }
    Chunk chunk = chunks[number];
    if (chunk == null) {
      chunk = new Chunk(Math.min(Chunk.SIZE, size - number * Chunk.SIZE), rest);
      chunks[number] = chunk;
    } else if (chunk.generation != generation && freeze.active()) {
      chunk = chunk.copy();
      chunks[number] = chunk;
    }
    chunk.generation = generation;
    return chunk;
  }

  /** The chunks as they are now; only the array is copied. */
  @Nullable Chunk[] chunks() {
    return chunks.clone();
  }

  TaskState rest() {
    return rest;
  }

  /** Sets what a checkpoint holds of an untouched store; {@link #recount} is to follow. */
  void load(TaskState newRest) {
    rest = newRest;
  }

  void load(int number, Chunk chunk) {
    chunks[number] = chunk;
  }

  void recount() {
    Arrays.fill(counts, 0);
    for (int number = 0; number < chunks.length; number++) {
      Chunk chunk = chunks[number];
      if (chunk == null) {
        counts[Codes.of(rest)] += Math.min(Chunk.SIZE, size - number * Chunk.SIZE);
      } else {
        for (byte state : chunk.state) {
          counts[state]++;
        }
      }
    }
  }

  /** Place of the task in its chunk. */
  static int at(int ordinal) {
    return ordinal % Chunk.SIZE;
  }

  TaskState state(int ordinal) {
    Chunk chunk = readable(ordinal);
    return chunk == null ? rest : chunk.state(at(ordinal));
  }

  /** State of the newest attempt; null: there was none. */
  @Nullable AttemptState attemptState(int ordinal) {
    Chunk chunk = readable(ordinal);
    return chunk == null ? null : chunk.attemptState(at(ordinal));
  }

  int attempts(int ordinal) {
    Chunk chunk = readable(ordinal);
    return chunk == null ? 0 : chunk.attempts[at(ordinal)];
  }

  boolean live(int ordinal) {
    AttemptState state = attemptState(ordinal);
    return state != null && !state.ended();
  }

  @Nullable Extra extraOrNull(int ordinal) {
    Chunk chunk = readable(ordinal);
    return chunk == null ? null : chunk.extraOrNull(at(ordinal));
  }

  /** Moves the task by the table. */
  TaskState move(int ordinal, TaskEvent event, String what) {
    Chunk chunk = writable(ordinal);
    int at = at(ordinal);
    TaskState from = chunk.state(at);
    TaskState to = Tables.TASK.move(from, event, what);
    chunk.state[at] = Codes.of(to);
    counts[Codes.of(from)]--;
    counts[Codes.of(to)]++;
    chunk.waiting += (to == TaskState.WAITING ? 1 : 0) - (from == TaskState.WAITING ? 1 : 0);
    return to;
  }

  /** Moves the newest attempt by the table. */
  void moveAttempt(int ordinal, AttemptEvent event, String what) {
    Chunk chunk = writable(ordinal);
    int at = at(ordinal);
    AttemptState from = chunk.attemptState(at);
    if (from == null) {
      throw new InvariantError(what + " has no attempt, but " + event + " came for it");
    }
    AttemptState to = Tables.ATTEMPT.move(from, event, what);
    chunk.attemptState[at] = Codes.of(to);
    if (to.ended()) {
      chunk.live--;
    }
  }

  /** All waiting tasks end, those that were never touched without being made. */
  void endWaiting(TaskEvent event) {
    TaskState target = Tables.TASK.move(TaskState.WAITING, event, "of an ending job");
    for (int number = 0; number < chunks.length; number++) {
      Chunk old = chunks[number];
      if (old != null && old.waiting > 0) {
        Chunk chunk = open(number);
        for (int at = 0; at < chunk.length(); at++) {
          if (chunk.state[at] == Codes.WAITING) {
            chunk.state[at] = Codes.of(target);
          }
        }
        chunk.waiting = 0;
      }
    }
    if (rest == TaskState.WAITING) {
      rest = target;
    }
    counts[Codes.of(target)] += counts[Codes.WAITING];
    counts[Codes.WAITING] = 0;
  }

  /** Tasks that ended without success wait again. */
  void retryUnsuccessful(IntConsumer touched) {
    for (int number = 0; number < chunks.length; number++) {
      Chunk chunk = chunks[number];
      for (int at = 0; chunk != null && at < chunk.length(); at++) {
        TaskState state = chunk.state(at);
        if (state.ended() && state != TaskState.SUCCEEDED) {
          int ordinal = number * Chunk.SIZE + at;
          move(ordinal, TaskEvent.RETRIED, "of a retried job");
          touched.accept(ordinal);
        }
      }
    }
    if (rest.ended()) {
      int untouched = 0;
      for (int number = 0; number < chunks.length; number++) {
        untouched += chunks[number] == null ? Math.min(Chunk.SIZE, size - number * Chunk.SIZE) : 0;
      }
      counts[Codes.of(rest)] -= untouched;
      counts[Codes.WAITING] += untouched;
      rest = TaskState.WAITING;
    }
  }

  /** The first waiting task from {@code from} on; -1: none. */
  int nextWaiting(int from) {
    int ordinal = from;
    while (ordinal < size) {
      Chunk chunk = readable(ordinal);
      if (chunk == null ? rest == TaskState.WAITING : chunk.waiting > 0) {
        if (chunk == null) {
          return ordinal;
        }
        for (int at = at(ordinal); at < chunk.length(); at++) {
          if (chunk.state[at] == Codes.WAITING) {
            return ordinal - at(ordinal) + at;
          }
        }
      }
      ordinal = (ordinal / Chunk.SIZE + 1) * Chunk.SIZE;
    }
    return -1;
  }

  /** The first task with a live attempt from {@code from} on; -1: none. */
  int nextLive(int from) {
    int ordinal = from;
    while (ordinal < size) {
      Chunk chunk = readable(ordinal);
      if (chunk != null && chunk.live > 0) {
        for (int at = at(ordinal); at < chunk.length(); at++) {
          AttemptState state = chunk.attemptState(at);
          if (state != null && !state.ended()) {
            return ordinal - at(ordinal) + at;
          }
        }
      }
      ordinal = (ordinal / Chunk.SIZE + 1) * Chunk.SIZE;
    }
    return -1;
  }

  /** Makes room for more tasks; a store never shrinks. */
  void grow(int newSize) {
    if (newSize <= size) {
      return;
    }
    int before = size;
    int last = chunks.length - 1;
    Chunk chunk = chunks[last] == null ? null : open(last);
    size = newSize;
    if (chunk != null) {
      chunks[last] = chunk.grown(Math.min(Chunk.SIZE, newSize - last * Chunk.SIZE), rest);
    }
    chunks = Arrays.copyOf(chunks, chunksFor(newSize));
    counts[Codes.of(rest)] += newSize - before;
  }

  private static int chunksFor(int size) {
    return (size + Chunk.SIZE - 1) / Chunk.SIZE;
  }

  void write(CanonicalWriter to) {
    to.number(size);
    to.name(rest);
    for (Chunk chunk : chunks) {
      to.flag(chunk != null);
      if (chunk != null) {
        chunk.write(to);
      }
    }
  }
}

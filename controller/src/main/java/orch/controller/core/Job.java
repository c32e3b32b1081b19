package orch.controller.core;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.TreeSet;
import orch.api.model.JobSpec;
import orch.api.model.JobState;
import orch.api.model.JobType;
import orch.api.model.TaskState;
import orch.api.model.Uid;
import orch.controller.scheduler.Demand;
import orch.controller.scheduler.Need;
import org.jspecify.annotations.Nullable;

/** A job in the state; only {@link State#apply} alters what is replicated of it. */
final class Job {
  /** A version of the spec, with the class of its tasks. */
  static final class Version {
    final long number;
    final JobSpec spec;
    final long nanos;
    final String principal;
    final Demand demand;
    int live;
    private long hash;
    private boolean hashed;

    Version(long number, JobSpec spec, long nanos, String principal) {
      this.number = number;
      this.spec = spec;
      this.nanos = nanos;
      this.principal = principal;
      this.demand = Demand.of(spec);
    }

    /** Of the spec, which never alters. */
    long specHash() {
      if (!hashed) {
        CanonicalWriter to = new CanonicalWriter();
        SpecHash.write(spec, to);
        hash = to.hash();
        hashed = true;
      }
      return hash;
    }
  }

  final long number;
  final Uid uid;
  final String namespace;
  final String name;
  final String owner;
  final String traceId;
  final String traceState;
  final List<Long> dependsOn;
  final long afterJob;
  final long submitNanos;
  final TaskStore tasks;

  /** Oldest first; the last is the present one. */
  final List<Version> versions = new ArrayList<>(1);

  /** Live attempts of an older version are outdated. */
  long minVersion = 1;

  JobState state = JobState.QUEUED;
  String reason = "";
  boolean blocked;

  /** By whom it is suspended, a part of a sentence; empty: it is not. */
  String suspendReason = "";

  @Nullable JobEnding ending;
  String endingReason = "";
  long startNanos;
  long endNanos;
  int exitCode;

  /** 0: none. */
  long deadlineNanos;

  /** Numbers of nodes that have or had attempts. */
  final BitSet nodes = new BitSet();

  // Derived from the above and the other jobs.

  /** Numbers of live jobs that wait for this one. */
  final TreeSet<Long> dependents = new TreeSet<>();

  /** Waiting tasks that want a place of their own kind: more memory, or another node. */
  final TreeSet<Integer> special = new TreeSet<>();

  /** Whether some dependent waits task by task. */
  boolean watchedByIndex;

  boolean inRunnable;

  // The decider's memory.

  /** No task below it waits, but for special ones. */
  int cursor;

  /** Stamp of the fleet at which its tasks fitted nowhere; -1: they may. */
  long infeasibleAt = -1;

  /** Tasks whose own dependencies are met; null: they have none. */
  @Nullable BitSet ready;

  Job(
      long number,
      Uid uid,
      Change.JobSubmitted from,
      Version first,
      long submitNanos,
      boolean blocked,
      Freeze freeze) {
    this.number = number;
    this.uid = uid;
    this.namespace = from.namespace();
    this.name = from.name();
    this.owner = from.owner();
    this.traceId = from.traceId();
    this.traceState = from.traceState();
    this.dependsOn = from.dependsOn();
    this.afterJob = from.afterJob();
    this.submitNanos = submitNanos;
    this.blocked = blocked;
    this.tasks = new TaskStore(from.spec().tasks().size(), freeze);
    versions.add(first);
  }

  /** As a checkpoint has it; versions and tasks follow. */
  Job(JobPart from, Freeze freeze) {
    this.number = from.number;
    this.uid = from.uid();
    this.namespace = from.namespace;
    this.name = from.name;
    this.owner = from.owner;
    this.traceId = from.traceId;
    this.traceState = from.traceState;
    this.dependsOn = List.copyOf(from.dependsOn);
    this.afterJob = from.afterJob;
    this.submitNanos = from.submitNanos;
    this.tasks = new TaskStore(from.tasks, freeze);
    this.minVersion = from.minVersion;
    this.state = from.state;
    this.reason = from.reason;
    this.blocked = from.blocked;
    this.ending = from.ending;
    this.endingReason = from.endingReason;
    this.startNanos = from.startNanos;
    this.endNanos = from.endNanos;
    this.exitCode = from.exitCode;
    this.deadlineNanos = from.deadlineNanos;
    this.suspendReason = from.suspendReason;
    this.nodes.or(from.nodes);
    this.tasks.load(from.rest);
  }

  Version current() {
    return versions.getLast();
  }

  JobSpec spec() {
    return current().spec;
  }

  @Nullable Version version(long wanted) {
    for (Version version : versions) {
      if (version.number == wanted) {
        return version;
      }
    }
    return null;
  }

  boolean live() {
    return !state.ended();
  }

  boolean service() {
    return spec().type() == JobType.SERVICE;
  }

  boolean held() {
    return state == JobState.HELD;
  }

  /** Its attempts stand still; one that is ending is thawed. */
  boolean suspended() {
    return !suspendReason.isEmpty();
  }

  int indexOf(int ordinal) {
    return service() ? ordinal : spec().tasks().indexOf(ordinal);
  }

  /** -1: there is no such task. */
  int ordinalOf(int index) {
    if (service()) {
      return index >= 0 && index < tasks.size() ? index : -1;
    }
    return spec().tasks().ordinalOf(index);
  }

  /** {@code web/3}. */
  String taskName(int ordinal) {
    return name + "/" + indexOf(ordinal);
  }

  /** Tasks that may get a place now. */
  boolean runnable() {
    return live()
        && !held()
        && !suspended()
        && !blocked
        && ending == null
        && tasks.count(TaskState.WAITING) > 0
        && allowance() > 0;
  }

  /** How many more tasks the job's parallelism allows. */
  int allowance() {
    int parallelism = spec().tasks().parallelism();
    return parallelism == 0 ? Integer.MAX_VALUE : Math.max(0, parallelism - tasks.active());
  }

  /** Spec version of the newest attempt of a task. */
  Version versionOf(int ordinal) {
    Extra extra = tasks.extraOrNull(ordinal);
    long wanted = extra == null ? 1 : extra.version;
    Version version = version(wanted);
    if (version == null) {
      throw new InvariantError(
          "job " + number + " does not have version " + wanted + " of " + taskName(ordinal));
    }
    return version;
  }

  /** What the newest attempt of a task reserves. */
  Need needOf(int ordinal) {
    Extra extra = tasks.extraOrNull(ordinal);
    long memoryBytes = extra == null ? 0 : extra.memoryBytes;
    return Need.of(versionOf(ordinal).spec.resources(), memoryBytes);
  }

  /** Tasks that failed, however. */
  int failures() {
    return tasks.count(TaskState.FAILED)
        + tasks.count(TaskState.KILLED)
        + tasks.count(TaskState.DROPPED);
  }

  void write(CanonicalWriter to) {
    to.number(number);
    to.record(uid);
    to.text(namespace);
    to.text(name);
    to.text(owner);
    to.text(traceId);
    to.text(traceState);
    to.number(dependsOn.size());
    dependsOn.forEach(to::number);
    to.number(afterJob);
    to.number(submitNanos);
    to.number(versions.size());
    for (Version version : versions) {
      to.number(version.number);
      to.number(version.specHash());
      to.number(version.nanos);
      to.text(version.principal);
      to.number(version.live);
    }
    to.number(minVersion);
    to.name(state);
    to.text(reason);
    to.flag(blocked);
    to.name(ending);
    to.text(endingReason);
    to.number(startNanos);
    to.number(endNanos);
    to.number(exitCode);
    to.number(deadlineNanos);
    to.text(suspendReason);
    nodes.stream().forEach(to::number);
    tasks.write(to);
  }
}

package orch.controller.core;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import orch.api.model.AttemptState;
import orch.api.model.IndexRange;
import orch.api.model.JobSpec;
import orch.api.model.TaskState;
import orch.api.model.Uid;
import org.jspecify.annotations.Nullable;

/** Handles what callers ask of jobs and tasks. */
final class JobRequests {
  private final State state;
  private final Settler settler;
  private final SubmitRules rules;

  JobRequests(State state, Settler settler) {
    this.state = state;
    this.settler = settler;
    this.rules = new SubmitRules(state);
  }

  // ---- submit

  Answer submit(Draft draft, Input.SubmitJob input) {
    SubmitRules.Meaning meaning =
        rules.of(input.namespace(), input.spec(), input.replace(), input.expectedVersion());
    if (input.validateOnly()) {
      return validated(meaning);
    }
    return switch (meaning) {
      case SubmitRules.Meaning.Refused(Rejection rejection) -> new Answer.Rejected(rejection);
      case SubmitRules.Meaning.Unchanged(Job job) ->
          new Answer.Submitted(job.number, SubmitOutcome.UNCHANGED);
      case SubmitRules.Meaning.Update(Job job, JobSpec spec, boolean restart) -> {
        version(draft, job, spec, input.meta().principal(), restart);
        yield new Answer.Submitted(job.number, SubmitOutcome.UPDATED);
      }
      case SubmitRules.Meaning.Create create -> create(draft, input, create);
    };
  }

  private static Answer validated(SubmitRules.Meaning meaning) {
    return switch (meaning) {
      case SubmitRules.Meaning.Refused(Rejection rejection) -> new Answer.Rejected(rejection);
      case SubmitRules.Meaning.Unchanged(Job job) ->
          new Answer.Validated(SubmitOutcome.UNCHANGED, job.number, job.name);
      case SubmitRules.Meaning.Update(Job job, JobSpec _, boolean _) ->
          new Answer.Validated(SubmitOutcome.UPDATED, job.number, job.name);
      case SubmitRules.Meaning.Create create ->
          new Answer.Validated(SubmitOutcome.CREATED, 0, create.spec().name());
    };
  }

  private Answer create(Draft draft, Input.SubmitJob input, SubmitRules.Meaning.Create create) {
    Job after = create.after();
    if (after != null && create.replaced()) {
      stop(
          draft,
          after,
          JobEnding.REPLACED,
          "replaced by job " + state.nextNumber + by(input.meta().principal()));
    }
    long number = state.nextNumber;
    String brought = TraceIds.ofTraceparent(input.traceparent());
    Uid uid = new Uid(state.incarnation, state.epoch, state.nextSequence);
    String traceState =
        brought == null || Limits.utf8Length(input.tracestate()) > Limits.MAX_TRACESTATE_BYTES
            ? ""
            : input.tracestate();
    draft.emit(
        new Change.JobSubmitted(
            number,
            input.namespace(),
            create.spec().name(),
            create.spec(),
            input.meta().principal(),
            brought == null ? TraceIds.ofJob(state.clusterId, uid) : brought,
            traceState,
            create.dependsOn(),
            after == null ? 0 : after.number));
    settler.touch(state.jobOf(number));
    return new Answer.Submitted(number, SubmitOutcome.CREATED);
  }

  private void version(Draft draft, Job job, JobSpec spec, String principal, boolean restart) {
    int before = job.spec().tasks().size();
    draft.emit(
        new Change.JobVersioned(job.number, job.current().number + 1, spec, principal, restart));
    takeBack(draft, job, before);
    settler.touch(job);
  }

  /** Tasks that were taken away and are still stopping: now that they are wanted they come back. */
  private void takeBack(Draft draft, Job job, int before) {
    List<AttemptRef> leaving = new ArrayList<>();
    int width = job.spec().tasks().size();
    for (int at = job.tasks.nextLive(before);
        at >= 0 && at < width;
        at = job.tasks.nextLive(at + 1)) {
      if (stopsForGood(job, at)) {
        leaving.add(state.refOf(job, at));
      }
    }
    if (!leaving.isEmpty()) {
      draft.emit(
          new Change.AttemptsStopping(
              leaving, StopCause.RESTART, null, "scaled up to " + width + " again"));
    }
  }

  // ---- cancel and delete

  Answer cancel(Draft draft, Input.CancelJobs input) {
    if (input.numbers().size() > Limits.MAX_BATCH) {
      return tooMany("names");
    }
    List<Long> missing = new ArrayList<>();
    List<Long> found = new ArrayList<>();
    for (long number : new LinkedHashSet<>(input.numbers())) {
      Job job = state.jobs.get(number);
      if (job == null) {
        missing.add(number);
        continue;
      }
      found.add(number);
      if (job.live() && job.ending == null) {
        stop(draft, job, JobEnding.CANCELLED, cancelled(input.meta(), input.reason()));
      }
    }
    return new Answer.Jobs(found, missing);
  }

  private void stop(Draft draft, Job job, JobEnding ending, String reason) {
    settler.stop(draft, job, ending, reason);
  }

  private static String cancelled(RequestMeta meta, String reason) {
    String by = "cancelled" + by(meta.principal());
    return Limits.cut(reason.isBlank() ? by : by + ": " + reason.strip());
  }

  /** {@code local:alice} is alice to people; {@code local} alone names nobody. */
  private static String by(String principal) {
    String name = principal.startsWith("local:") ? principal.substring(6) : principal;
    return name.isEmpty() || name.equals("local") ? "" : " by " + name;
  }

  Answer cancelTasks(Draft draft, Input.CancelTasks input) {
    if (input.tasks().size() > Limits.MAX_BATCH) {
      return tooMany("names");
    }
    List<TaskRef> found = new ArrayList<>();
    List<TaskRef> missing = new ArrayList<>();
    LinkedHashMap<Job, TreeSet<Integer>> waiting = new LinkedHashMap<>();
    List<AttemptRef> live = new ArrayList<>();
    for (TaskRef ref : new LinkedHashSet<>(input.tasks())) {
      Job job = state.jobs.get(ref.jobNumber());
      int ordinal = job == null ? -1 : job.ordinalOf(ref.index());
      if (job == null || ordinal < 0) {
        missing.add(ref);
        continue;
      }
      found.add(ref);
      if (job.tasks.state(ordinal) == TaskState.WAITING) {
        waiting.computeIfAbsent(job, _ -> new TreeSet<>()).add(ref.index());
      } else if (job.ending == null && job.tasks.live(ordinal) && !stopsForGood(job, ordinal)) {
        live.add(state.refOf(job, ordinal));
      }
    }
    String reason = cancelled(input.meta(), input.reason());
    for (Map.Entry<Job, TreeSet<Integer>> of : waiting.entrySet()) {
      draft.emit(new Change.TasksCancelled(of.getKey().number, ranges(of.getValue()), reason));
      settler.touchAll(of.getKey());
    }
    if (!live.isEmpty()) {
      draft.emit(new Change.AttemptsStopping(live, StopCause.TASK, null, reason));
      for (AttemptRef ref : live) {
        Job job = state.jobOf(ref.jobNumber());
        draft.send(job, job.ordinalOf(ref.index()));
      }
    }
    return new Answer.Tasks(found, missing);
  }

  private static boolean stopsForGood(Job job, int ordinal) {
    Extra extra = job.tasks.extraOrNull(ordinal);
    return job.tasks.attemptState(ordinal) == AttemptState.STOPPING
        && extra != null
        && extra.stopCause == StopCause.TASK;
  }

  /** Neighbouring indexes as one range. */
  static List<IndexRange> ranges(Iterable<Integer> ascending) {
    List<IndexRange> ranges = new ArrayList<>();
    int first = -1;
    int last = -2;
    for (int index : ascending) {
      if (index != last + 1) {
        if (first >= 0) {
          ranges.add(new IndexRange(first, last, 1));
        }
        first = index;
      }
      last = index;
    }
    if (first >= 0) {
      ranges.add(new IndexRange(first, last, 1));
    }
    return ranges;
  }

  Answer delete(Draft draft, Input.DeleteJob input) {
    Job job = state.jobs.get(input.number());
    if (job == null) {
      return noJob(input.number());
    }
    if (job.live()) {
      return Decider.rejected(
          RejectionCode.FAILED_PRECONDITION,
          "JOB_LIVES",
          "name",
          "job " + job.number + " has not ended; cancel it first");
    }
    Long waiting = Timekeeper.firstWaiting(state, job);
    if (waiting != null) {
      return Decider.rejected(
          RejectionCode.FAILED_PRECONDITION,
          "JOB_IS_AWAITED",
          "name",
          "job " + waiting + " depends on job " + job.number + "; cancel that one first");
    }
    draft.emit(new Change.JobDeleted(job.number));
    return new Answer.Done();
  }

  // ---- retry, hold, scale, restart

  Answer retry(Draft draft, Input.RetryJob input) {
    Job job = state.jobs.get(input.number());
    if (job == null) {
      return noJob(input.number());
    }
    Answer.Rejected refused = refuseRetry(job, input);
    if (refused != null) {
      return refused;
    }
    List<IndexRange> indexes = input.indexes();
    if (!indexes.isEmpty()) {
      TreeSet<Integer> ended = new TreeSet<>();
      for (IndexRange range : indexes) {
        for (int index = range.first(); index <= range.last(); index += range.step()) {
          int ordinal = job.ordinalOf(index);
          if (ordinal < 0) {
            return Decider.rejected(
                RejectionCode.NOT_FOUND,
                "TASK_NOT_FOUND",
                "indexes",
                "job " + job.number + " has no task " + index);
          }
          if (job.tasks.state(ordinal).ended()) {
            ended.add(index);
          }
        }
      }
      indexes = ranges(ended);
      if (indexes.isEmpty()) {
        return new Answer.Jobs(List.of(job.number), List.of());
      }
      if (indexes.size() > Limits.MAX_RANGES) {
        return tooMany("indexes");
      }
    } else if (job.tasks.ended() == job.tasks.count(TaskState.SUCCEEDED)) {
      return nothingToRetry(job);
    }
    draft.emit(new Change.JobRetried(job.number, indexes, input.meta().principal()));
    settler.touchAll(job);
    return new Answer.Jobs(List.of(job.number), List.of());
  }

  private Answer nothingToRetry(Job job) {
    if (job.live()) {
      return new Answer.Jobs(List.of(job.number), List.of());
    }
    return Decider.rejected(
        RejectionCode.FAILED_PRECONDITION,
        "NOTHING_TO_RETRY",
        "indexes",
        "every task of job " + job.number + " succeeded; name the indexes to run again");
  }

  private Answer.@Nullable Rejected refuseRetry(Job job, Input.RetryJob input) {
    long named = 0;
    for (IndexRange range : input.indexes()) {
      named += range.size();
    }
    if (input.indexes().size() > Limits.MAX_RANGES || named > job.tasks.size()) {
      return tooMany("indexes");
    }
    if (job.service()) {
      return Decider.rejected(
          RejectionCode.FAILED_PRECONDITION,
          "NOT_A_BATCH_JOB",
          "name",
          "job " + job.number + " is a service; submit it again or restart it");
    }
    if (job.ending != null && job.live()) {
      return Decider.rejected(
          RejectionCode.FAILED_PRECONDITION,
          "JOB_IS_ENDING",
          "name",
          "job " + job.number + " is being stopped; retry when it has ended");
    }
    Job newest = state.newestJobNamed(job.namespace, job.name);
    if (!job.live() && newest != null && newest != job && newest.live()) {
      return Decider.rejected(
          RejectionCode.ALREADY_EXISTS,
          "JOB_NAME_IN_USE",
          "name",
          "job " + newest.number + " has the name " + job.name + " now; wait for its end");
    }
    return null;
  }

  Answer hold(Draft draft, Input.HoldJob input) {
    Job job = state.jobs.get(input.number());
    if (job == null) {
      return noJob(input.number());
    }
    if (!job.live() || job.ending != null) {
      return ended(job, "held");
    }
    if (Tables.JOB.moves(job.state, JobEvent.HELD)) {
      draft.emit(new Change.JobHeld(job.number, input.meta().principal()));
    }
    return new Answer.Jobs(List.of(job.number), List.of());
  }

  Answer release(Draft draft, Input.ReleaseJob input) {
    Job job = state.jobs.get(input.number());
    if (job == null) {
      return noJob(input.number());
    }
    if (!job.live()) {
      return ended(job, "released");
    }
    if (job.held()) {
      draft.emit(new Change.JobReleased(job.number, input.meta().principal()));
    }
    return new Answer.Jobs(List.of(job.number), List.of());
  }

  Answer suspend(Draft draft, Input.SuspendJob input) {
    Job job = state.jobs.get(input.number());
    if (job == null) {
      return noJob(input.number());
    }
    if (!job.live() || job.ending != null) {
      return ended(job, "suspended");
    }
    if (!job.suspended()) {
      draft.emit(new Change.JobSuspended(job.number, input.meta().principal()));
      tellNodes(draft, job);
    }
    return new Answer.Jobs(List.of(job.number), List.of());
  }

  Answer resume(Draft draft, Input.ResumeJob input) {
    Job job = state.jobs.get(input.number());
    if (job == null) {
      return noJob(input.number());
    }
    if (!job.live()) {
      return ended(job, "resumed");
    }
    if (job.suspended()) {
      draft.emit(new Change.JobResumed(job.number, input.meta().principal()));
      tellNodes(draft, job);
    }
    return new Answer.Jobs(List.of(job.number), List.of());
  }

  private static void tellNodes(Draft draft, Job job) {
    for (int at = job.tasks.nextLive(0); at >= 0; at = job.tasks.nextLive(at + 1)) {
      draft.send(job, at);
    }
  }

  Answer scale(Draft draft, Input.ScaleJob input) {
    Job job = state.jobs.get(input.number());
    if (job == null) {
      return noJob(input.number());
    }
    Answer.Rejected refused = refuseService(job, "scaled");
    if (refused != null) {
      return refused;
    }
    if (input.count() < 1 || input.count() > Limits.MAX_SERVICE_TASKS) {
      return Decider.rejected(
          RejectionCode.INVALID_ARGUMENT,
          "BAD_COUNT",
          "count",
          "a service has 1 to " + Limits.MAX_SERVICE_TASKS + " tasks, not " + input.count());
    }
    if (input.expectedVersion() != 0 && input.expectedVersion() != job.current().number) {
      return Decider.rejected(
          RejectionCode.ABORTED,
          "VERSION_MISMATCH",
          "expected_version",
          job.name + " is at version " + job.current().number + "; read it and try again");
    }
    if (input.count() != job.spec().tasks().size()) {
      JobSpec spec = job.spec();
      version(
          draft,
          job,
          spec.withTasks(SubmitRules.withCount(spec.tasks(), input.count())),
          input.meta().principal(),
          false);
    }
    return new Answer.Jobs(List.of(job.number), List.of());
  }

  Answer restart(Draft draft, Input.RestartJob input) {
    Job job = state.jobs.get(input.number());
    if (job == null) {
      return noJob(input.number());
    }
    Answer.Rejected refused = refuseService(job, "restarted");
    if (refused != null) {
      return refused;
    }
    version(draft, job, job.spec(), input.meta().principal(), true);
    return new Answer.Jobs(List.of(job.number), List.of());
  }

  private static Answer.@Nullable Rejected refuseService(Job job, String what) {
    if (!job.service()) {
      return Decider.rejected(
          RejectionCode.FAILED_PRECONDITION,
          "NOT_A_SERVICE",
          "name",
          "job " + job.number + " is a batch job, only services are " + what);
    }
    return !job.live() || job.ending != null ? ended(job, what) : null;
  }

  private static Answer.Rejected ended(Job job, String what) {
    return Decider.rejected(
        RejectionCode.FAILED_PRECONDITION,
        "JOB_HAS_ENDED",
        "name",
        "job " + job.number + " has ended or is being stopped, so it cannot be " + what);
  }

  private static Answer.Rejected noJob(long number) {
    return Decider.rejected(
        RejectionCode.NOT_FOUND, "JOB_NOT_FOUND", "name", "there is no job " + number);
  }

  private static Answer.Rejected tooMany(String field) {
    return Decider.rejected(
        RejectionCode.INVALID_ARGUMENT,
        "TOO_MANY",
        field,
        "a request names at most " + Limits.MAX_BATCH + " of them; split it");
  }
}

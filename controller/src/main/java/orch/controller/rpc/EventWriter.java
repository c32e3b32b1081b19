package orch.controller.rpc;

import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import orch.api.convert.AttemptConvert;
import orch.api.model.IndexRange;
import orch.api.model.NodeEvent;
import orch.api.model.Result;
import orch.controller.core.AttemptRef;
import orch.controller.core.AttemptView;
import orch.controller.core.Change;
import orch.controller.core.JobView;
import orch.controller.core.Next;
import orch.controller.core.NodeView;
import orch.controller.core.StateView;
import orch.controller.core.TaskView;
import orch.v1.Event;
import orch.v1.EventKind;
import org.jspecify.annotations.Nullable;

/** Committed changes in words. Used by the loop's thread alone. */
final class EventWriter {
  /** Of one change, so many tasks of a job have an event each; of more there is one for all. */
  static final int MAX_SINGLE = 16;

  private static final int MAX_NAMES = 8_192;

  /** A job, as events name it. */
  record Named(String namespace, String name) {
    String subject(long number) {
      return Names.ofJob(namespace, number);
    }
  }

  private static final Named UNKNOWN = new Named(Names.ALL_NAMESPACES, "");

  private final Map<Long, Named> names =
      new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Long, Named> eldest) {
          return size() > MAX_NAMES;
        }
      };

  /** What is the same for all events of a revision. */
  private record At(long revision, Instant now, StateView view, List<Event> to) {}

  List<Event> write(long revision, Instant now, List<Change> changes, StateView view) {
    List<Event> events = new ArrayList<>();
    At at = new At(revision, now, view, events);
    for (Change change : changes) {
      write(change, at);
    }
    return events;
  }

  private void write(Change change, At at) {
    switch (change) {
      case Change.ClusterCreated of ->
          cluster(at, "CLUSTER_CREATED", "cluster " + of.clusterId() + " was made");
      case Change.EpochStarted of ->
          cluster(at, "LEADER_CHANGED", of.leader() + " leads under epoch " + of.epoch());
      case Change.FormatRaised of ->
          cluster(at, "FORMAT_RAISED", "the log is written in format " + of.level());
      case Change.IncarnationRaised of ->
          cluster(at, "INCARNATION_RAISED", "the cluster is incarnation " + of.incarnation());
      case Change.RestoreSettled _ ->
          cluster(at, "RESTORE_SETTLED", "tasks of restored jobs are placed again");
      case Change.NodeAdopted of -> node(at, of.node(), "ADOPTED", "it came from another cluster");
      case Change.AttemptsHeld of ->
          node(at, of.node(), "ATTEMPTS_HELD", of.attempts().size() + " unknown attempts run");
      case Change.NumbersRaised _,
          Change.NodeReconciled _,
          Change.HeldStopping _,
          Change.HeldGone _,
          Change.AttemptAdopted _,
          Change.RequestAnswered _ -> {}
      case Change.RequestsExpired _ -> {}
      case Change.JobSubmitted of -> {
        names.put(of.number(), new Named(of.namespace(), of.name()));
        int tasks = of.spec().tasks().size();
        add(
            at,
            job(at, of.number(), "JOB_SUBMITTED", tasks == 1 ? "1 task" : tasks + " tasks")
                .setPrincipal(of.owner())
                .putFigures("tasks", tasks));
      }
      case Change.JobVersioned of ->
          add(
              at,
              job(
                      at,
                      of.number(),
                      "JOB_UPDATED",
                      "version "
                          + of.version()
                          + (of.restart() ? "; its tasks are replaced" : "; its tasks run on"))
                  .setPrincipal(of.principal())
                  .putFigures("version", of.version()));
      case Change.JobUnblocked of ->
          add(at, job(at, of.number(), "JOB_UNBLOCKED", "what it waited for has come"));
      case Change.JobHeld of ->
          add(
              at,
              job(at, of.number(), "JOB_HELD", "it starts nothing until it is released")
                  .setPrincipal(of.principal()));
      case Change.JobReleased of ->
          add(at, job(at, of.number(), "JOB_RELEASED", "").setPrincipal(of.principal()));
      case Change.JobSuspended of ->
          add(
              at,
              job(at, of.number(), "JOB_SUSPENDED", "its tasks stand still until it is resumed")
                  .setPrincipal(of.principal()));
      case Change.JobResumed of ->
          add(at, job(at, of.number(), "JOB_RESUMED", "").setPrincipal(of.principal()));
      case Change.JobStopping of -> add(at, job(at, of.number(), "JOB_STOPPING", of.reason()));
      case Change.JobEnded of ->
          add(
              at,
              job(at, of.number(), "JOB_" + of.state().name(), of.reason())
                  .putFigures("exit_code", of.exitCode()));
      case Change.JobRetried of ->
          add(
              at,
              job(at, of.number(), "JOB_RETRIED", "tasks " + ranges(of.indexes()))
                  .setPrincipal(of.principal()));
      case Change.JobDeleted of -> add(at, job(at, of.number(), "JOB_DELETED", ""));
      case Change.TasksCancelled of ->
          tasks(at, of.number(), of.indexes(), "TASK_CANCELLED", of.reason());
      case Change.TasksDropped of ->
          tasks(at, of.number(), of.indexes(), "TASK_DROPPED", of.reason());
      case Change.AttemptsPlaced of -> placed(of, at);
      case Change.AttemptsRunning of ->
          refs(
              at, of.attempts().stream().map(Change.Started::attempt).toList(), "TASK_RUNNING", "");
      case Change.AttemptsReadiness of -> {
        refs(at, of.ready(), "TASK_READY", "it says that it is ready");
        refs(at, of.notReady(), "TASK_NOT_READY", "it is not ready yet");
      }
      case Change.AttemptsStopping of -> refs(at, of.attempts(), "TASK_STOPPING", of.reason());
      case Change.AttemptsEnded of -> ended(of, at);
      case Change.NodeRegistered of ->
          node(at, of.node(), "NODE_JOINED", "host " + of.description().machineId());
      case Change.NodeUpdated of ->
          node(at, of.node(), "NODE_UPDATED", "agent " + of.description().agentVersion());
      case Change.NodeSettled _ -> {}
      case Change.NodeContactChanged of ->
          node(at, of.node(), "NODE_" + of.contact().name(), of.reason());
      case Change.NodeAvailabilityChanged of ->
          node(
              at,
              of.node(),
              switch (of.availability()) {
                case READY -> "NODE_UNCORDONED";
                case CORDONED -> "NODE_CORDONED";
                case DRAINING -> "NODE_DRAINING";
              },
              of.reason());
      case Change.NodeLabelled of ->
          node(at, of.node(), "NODE_LABELLED", String.valueOf(of.labels()));
      case Change.NodeReplaced of -> node(at, of.node(), "NODE_REPLACED", of.reason());
      case Change.FleetBrakeChanged of -> cluster(at, "BRAKE_" + of.brake().name(), of.reason());
      case Change.NodeRefused of -> cluster(at, "NODE_REFUSED", of.node().message());
      case Change.NodeRefusalsForgotten _ -> {}
      case Change.NodeAdmitted of ->
          cluster(at, "NODE_ADMITTED", "uid " + of.uid() + " of cluster " + of.clusterId());
    }
  }

  // ---- single things

  private static void add(At at, Event.Builder event) {
    at.to().add(event.build());
  }

  private static Event.Builder event(At at, EventKind kind, String type, String message) {
    return Event.newBuilder()
        .setTime(AttemptConvert.timestamp(at.now()))
        .setRevision(at.revision())
        .setKind(kind)
        .setType(type)
        .setMessage(message);
  }

  private static void cluster(At at, String type, String message) {
    add(at, event(at, EventKind.EVENT_KIND_CLUSTER, type, message).setSubject("cluster"));
  }

  private static void node(At at, int number, String type, String message) {
    String name = at.view().nodeNumbered(number).map(NodeView::name).orElse("" + number);
    add(
        at,
        event(at, EventKind.EVENT_KIND_NODE, type, message)
            .setSubject("nodes/" + name)
            .setNode(name));
  }

  private Event.Builder job(At at, long number, String type, String message) {
    Named of = named(number, at.view());
    return event(at, EventKind.EVENT_KIND_JOB, type, message)
        .setSubject(of.subject(number))
        .setJobNumber(number)
        .setJob(of.name());
  }

  private Event.Builder task(At at, long number, int index, String type, String message) {
    Named of = named(number, at.view());
    return event(at, EventKind.EVENT_KIND_TASK, type, message)
        .setSubject(of.subject(number) + "/tasks/" + index)
        .setJobNumber(number)
        .setJob(of.name())
        .setIndex(index);
  }

  private Named named(long number, StateView view) {
    Named known = names.get(number);
    if (known == null) {
      Optional<JobView> job = view.job(number);
      known = job.isPresent() ? new Named(job.get().namespace(), job.get().name()) : UNKNOWN;
      names.put(number, known);
    }
    return known;
  }

  // ---- many

  private void tasks(At at, long number, List<IndexRange> indexes, String type, String why) {
    IndexRange first = indexes.getFirst();
    if (indexes.size() == 1 && first.first() == first.last()) {
      add(at, task(at, number, first.first(), type, why));
    } else {
      String tasks = "tasks " + ranges(indexes);
      add(at, job(at, number, type, why.isEmpty() ? tasks : tasks + ": " + why));
    }
  }

  private static String ranges(List<IndexRange> ranges) {
    StringBuilder text = new StringBuilder();
    for (IndexRange range : ranges) {
      if (text.length() > 80) {
        return text.append(", …").toString();
      }
      text.append(text.isEmpty() ? "" : ", ").append(range.first());
      if (range.last() != range.first()) {
        text.append('-').append(range.last());
        text.append(range.step() > 1 ? ":" + range.step() : "");
      }
    }
    return text.toString();
  }

  private void placed(Change.AttemptsPlaced of, At at) {
    Map<Long, List<Change.Placed>> byJob = new LinkedHashMap<>();
    of.attempts().forEach(p -> byJob.computeIfAbsent(p.number(), _ -> new ArrayList<>()).add(p));
    byJob.forEach((number, attempts) -> {
      if (attempts.size() > MAX_SINGLE) {
        long nodes = attempts.stream().mapToInt(Change.Placed::node).distinct().count();
        many(
            at,
            number,
            "TASK_PLACED",
            attempts.size(),
            nodes == 1 ? "on 1 node" : "on " + nodes + " nodes");
        return;
      }
      for (Change.Placed attempt : attempts) {
        String node =
            at.view().nodeNumbered(attempt.node()).map(NodeView::name).orElse("" + attempt.node());
        add(at, task(at, number, attempt.index(), "TASK_PLACED", "on node " + node).setNode(node));
      }
    });
  }

  private void many(At at, long number, String type, int count, String why) {
    add(
        at,
        job(at, number, type, count + " tasks" + (why.isEmpty() ? "" : " " + why))
            .putFigures("tasks", count));
  }

  private void refs(At at, List<AttemptRef> refs, String type, String why) {
    Map<Long, List<AttemptRef>> byJob = new LinkedHashMap<>();
    refs.forEach(r -> byJob.computeIfAbsent(r.jobNumber(), _ -> new ArrayList<>()).add(r));
    byJob.forEach((number, attempts) -> {
      if (attempts.size() > MAX_SINGLE) {
        many(at, number, type, attempts.size(), why.isEmpty() ? "" : ": " + why);
      } else {
        attempts.forEach(ref -> add(at, placed(at, ref, task(at, number, ref.index(), type, why))));
      }
    });
  }

  /** Adds node and number of the attempt, as far as the state still has them. */
  private static Event.Builder placed(At at, AttemptRef ref, Event.Builder to) {
    AttemptView attempt =
        at.view().task(ref.jobNumber(), ref.index()).map(TaskView::attempt).orElse(null);
    if (attempt != null && attempt.uid().equals(ref.uid())) {
      to.setNode(attempt.node()).setAttempt(attempt.number());
    }
    return to;
  }

  private void ended(Change.AttemptsEnded of, At at) {
    Map<Long, List<Change.Ended>> byJob = new LinkedHashMap<>();
    of.attempts()
        .forEach(ended ->
            byJob.computeIfAbsent(ended.attempt().jobNumber(), _ -> new ArrayList<>()).add(ended));
    byJob.forEach((number, attempts) -> {
      if (attempts.size() > MAX_SINGLE) {
        Map<String, Integer> byState = new LinkedHashMap<>();
        attempts.forEach(ended -> byState.merge(ended.state().name(), 1, Integer::sum));
        byState.forEach((state, count) -> many(at, number, "TASK_" + state, count, ""));
      } else {
        attempts.forEach(ended -> ended(at, number, ended));
      }
    });
  }

  private void ended(At at, long number, Change.Ended ended) {
    Result result = ended.result();
    Event.Builder event =
        task(
            at,
            number,
            ended.attempt().index(),
            "TASK_" + ended.state().name(),
            words(ended, result));
    if (result != null) {
      event.putFigures("exit_code", result.exitCode());
      figure(event, "memory_peak_bytes", result.memoryPeakBytes());
      figure(event, "oom_kills", result.oomKills());
      figure(event, "log_lost_bytes", result.logLostBytes());
    }
    add(at, placed(at, ended.attempt(), event));
  }

  private static void figure(Event.Builder event, String name, long value) {
    if (value != 0) {
      event.putFigures(name, value);
    }
  }

  private static String words(Change.Ended ended, @Nullable Result result) {
    StringBuilder text = new StringBuilder(ended.reason());
    if (text.isEmpty() && result != null && result.startFailure() != null) {
      text.append(result.startFailure().message());
    } else if (text.isEmpty() && result != null) {
      text.append(
          switch (result.kind()) {
            case EXITED -> "exit code " + result.siStatus();
            case SIGNALED -> "ended by signal " + result.siStatus();
            default -> result.kind().name().toLowerCase(Locale.ROOT).replace('_', ' ');
          });
    }
    switch (ended.next()) {
      case Next.Ends ends -> {
        if (!ends.reason().isEmpty()) {
          text.append("; ").append(ends.reason());
        }
      }
      case Next.Waits waits -> {
        text.append("; runs again");
        if (waits.delayMillis() > 0) {
          text.append(" in ").append(waits.delayMillis()).append(" ms");
        }
        text.append(waits.elsewhere() ? ", elsewhere if there is room" : "");
        text.append(waits.counted() ? "" : ", uncounted");
      }
    }
    return text.toString();
  }

  // ---- of agents

  /** What an agent tells; {@code job} null: nothing is known of the job. */
  static Event of(NodeEvent event, String node, @Nullable JobView job, long revision) {
    Event.Builder to =
        Event.newBuilder()
            .setTime(AttemptConvert.timestamp(event.timeNanos()))
            .setRevision(revision)
            .setType(event.type())
            .setMessage(event.message())
            .putAllFigures(event.figures())
            .setNode(node);
    if (event.jobNumber() == 0) {
      return to.setKind(EventKind.EVENT_KIND_NODE).setSubject("nodes/" + node).build();
    }
    Named named = job == null ? UNKNOWN : new Named(job.namespace(), job.name());
    return to.setKind(EventKind.EVENT_KIND_TASK)
        .setSubject(named.subject(event.jobNumber()) + "/tasks/" + event.index())
        .setJobNumber(event.jobNumber())
        .setJob(named.name())
        .setIndex(event.index())
        .setAttempt(event.attempt())
        .build();
  }
}

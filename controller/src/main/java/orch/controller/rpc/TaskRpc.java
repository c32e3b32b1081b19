package orch.controller.rpc;

import com.google.rpc.Code;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import orch.api.model.AttemptState;
import orch.api.model.Signal;
import orch.api.model.TaskState;
import orch.controller.core.AttemptView;
import orch.controller.core.Explanation;
import orch.controller.core.Input;
import orch.controller.core.RequestMeta;
import orch.controller.core.StateView;
import orch.controller.core.TaskQuery;
import orch.controller.core.TaskRef;
import orch.controller.core.TaskView;
import orch.v1.AttachRequest;
import orch.v1.AttachResponse;
import orch.v1.BatchCancelTasksRequest;
import orch.v1.BatchCancelTasksResponse;
import orch.v1.BatchGetTasksRequest;
import orch.v1.BatchGetTasksResponse;
import orch.v1.CancelTaskRequest;
import orch.v1.ExecRequest;
import orch.v1.ExecResponse;
import orch.v1.ExplainTaskRequest;
import orch.v1.GetTaskRequest;
import orch.v1.GetTaskStatsRequest;
import orch.v1.GetTaskTreeRequest;
import orch.v1.ListTasksRequest;
import orch.v1.ListTasksResponse;
import orch.v1.SignalTaskRequest;
import orch.v1.SignalTaskResponse;
import orch.v1.StreamLogsRequest;
import orch.v1.StreamLogsResponse;
import orch.v1.Task;
import orch.v1.TaskServiceGrpc;
import orch.v1.TaskStats;
import orch.v1.TaskTree;
import orch.v1.WatchTasksRequest;
import orch.v1.WatchTasksResponse;
import org.jspecify.annotations.Nullable;

/** TaskService. */
final class TaskRpc extends TaskServiceGrpc.TaskServiceImplBase {
  private final Requests requests;
  private final Watches watches;
  private final LogStreams logs;
  private final Signals signals;
  private final Events events;
  private final Inspections inspections;
  private final ExecRpc exec;

  TaskRpc(
      Requests requests,
      Watches watches,
      LogStreams logs,
      Signals signals,
      Inspections inspections,
      ExecStreams execs,
      Events events) {
    this.events = events;
    this.inspections = inspections;
    this.exec = new ExecRpc(execs, this::runningTask);
    this.requests = requests;
    this.watches = watches;
    this.logs = logs;
    this.signals = signals;
  }

  // ---- reading

  @Override
  public void getTask(GetTaskRequest request, StreamObserver<Task> observer) {
    Caller caller = Caller.current();
    Requests.answer(
        observer,
        () -> {
          Names.Task name = Names.task("name", request.getName());
          return found(name, caller)
              .thenApply(seen ->
                  talking(
                      Messages.task(seen.value().orElseThrow(name::notFound), seen.revision())));
        });
  }

  /** With what its attempt last said of itself. */
  private Task talking(Task task) {
    String text = task.hasAttempt() ? events.textOf(task.getAttempt().getUid()) : "";
    if (text.isEmpty() || task.getAttempt().hasResult()) {
      return task;
    }
    Task.Builder to = task.toBuilder();
    to.getAttemptBuilder().setStatusText(text);
    return to.build();
  }

  private CompletionStage<Requests.Seen<Optional<TaskView>>> found(Names.Task name, Caller caller) {
    return requests.read(
        (view, revision) -> new Requests.Seen<>(task(name, view, caller), revision));
  }

  private static Optional<TaskView> task(Names.Task name, StateView view, Caller caller) {
    OptionalLong job = name.job().resolve(view, caller.principal());
    return job.isEmpty() ? Optional.empty() : view.task(job.getAsLong(), name.index());
  }

  @Override
  public void listTasks(ListTasksRequest request, StreamObserver<ListTasksResponse> observer) {
    Caller caller = Caller.current();
    Requests.answer(
        observer,
        () -> {
          ListTasksRequest bare = request.toBuilder().clearPageToken().clearPageSize().build();
          String next = Tokens.next(bare, request.getPageToken());
          Set<TaskState> states = EnumSet.noneOf(TaskState.class);
          for (orch.v1.TaskState state : request.getStatesList()) {
            states.add(Messages.state("states", state));
          }
          String node = request.getNode().isEmpty() ? "" : Names.node("node", request.getNode());
          int limit = Requests.pageSize(request.getPageSize());
          if (request.getParent().endsWith("/jobs/-") || request.getParent().equals("-")) {
            return LiveTasks.page(requests, namespaceOf(request), states, node, next, limit)
                .thenApply(page -> page.toMessage(bare));
          }
          Names.Job name = Names.job("parent", request.getParent());
          Long after = next == null ? null : Long.valueOf(next);
          return requests
              .read((view, _) -> known(name, view, caller))
              .thenApply(number -> number.orElseThrow(name::notFound))
              .thenCompose(number ->
                  new Listing(requests).tasks(new TaskQuery(number, states, node, after, limit)))
              .thenApply(seen -> {
                ListTasksResponse.Builder to = ListTasksResponse.newBuilder();
                for (TaskView task : seen.value().items()) {
                  to.addTasks(Messages.task(task, seen.revision()));
                }
                Long more = seen.value().next();
                return to.setNextPageToken(
                        more == null ? "" : Tokens.page(bare, Long.toString(more)))
                    .build();
              });
        });
  }

  private static OptionalLong known(Names.Job name, StateView view, Caller caller) {
    OptionalLong number = name.resolve(view, caller.principal());
    return number.isPresent() && view.job(number.getAsLong()).isPresent()
        ? number
        : OptionalLong.empty();
  }

  private static String namespaceOf(ListTasksRequest request) {
    int jobs = request.getParent().indexOf("/jobs/");
    return jobs < 0
        ? Names.ALL_NAMESPACES
        : Names.namespace("parent", request.getParent().substring(0, jobs));
  }

  @Override
  public void batchGetTasks(
      BatchGetTasksRequest request, StreamObserver<BatchGetTasksResponse> observer) {
    Caller caller = Caller.current();
    Requests.answer(
        observer,
        () -> {
          List<Names.Task> names = taskNames(request.getNamesList());
          return requests
              .read((view, revision) ->
                  new Requests.Seen<>(
                      names.stream().map(name -> task(name, view, caller)).toList(), revision))
              .thenApply(seen -> {
                BatchGetTasksResponse.Builder to = BatchGetTasksResponse.newBuilder();
                for (int i = 0; i < names.size(); i++) {
                  Optional<TaskView> task = seen.value().get(i);
                  if (task.isPresent()) {
                    to.addTasks(Messages.task(task.get(), seen.revision()));
                  } else {
                    to.addMissing(names.get(i).said());
                  }
                }
                return to.build();
              });
        });
  }

  private static List<Names.Task> taskNames(List<String> names) {
    Requests.checkBatch("names", names);
    List<Names.Task> tasks = new ArrayList<>();
    for (String name : names) {
      tasks.add(Names.task("names", name));
    }
    return tasks;
  }

  @Override
  public void watchTasks(WatchTasksRequest request, StreamObserver<WatchTasksResponse> observer) {
    TaskWatch watch;
    try {
      watch =
          new TaskWatch(
              requests,
              Names.job("parent", request.getParent()),
              Caller.current(),
              request.getUntilEnded());
    } catch (RuntimeException failure) {
      observer.onError(Errors.of(failure));
      return;
    }
    watches.stream(
        (ServerCallStreamObserver<WatchTasksResponse>) observer, request.getResumeToken(), watch);
  }

  @Override
  public void explainTask(
      ExplainTaskRequest request, StreamObserver<orch.v1.Explanation> observer) {
    Caller caller = Caller.current();
    Requests.answer(
        observer,
        () -> {
          Names.Task name = Names.task("name", request.getName());
          return requests
              .read((view, _) -> {
                OptionalLong job = name.job().resolve(view, caller.principal());
                return job.isEmpty()
                    ? Optional.<Explanation>empty()
                    : view.explainTask(job.getAsLong(), name.index());
              })
              .thenApply(why -> Messages.explanation(why.orElseThrow(name::notFound)));
        });
  }

  @Override
  public void streamLogs(StreamLogsRequest request, StreamObserver<StreamLogsResponse> observer) {
    logs.stream(request, Caller.current(), (ServerCallStreamObserver<StreamLogsResponse>) observer);
  }

  // ---- changing

  @Override
  public void cancelTask(CancelTaskRequest request, StreamObserver<Task> observer) {
    Caller caller = Caller.current();
    RequestMeta meta = Requests.meta(request, request.getRequestId(), caller);
    Requests.answer(
        observer,
        () -> {
          Names.Task name = Names.task("name", request.getName());
          return requests
              .number(name.job(), caller)
              .thenCompose(number ->
                  requests.submit(
                      new Input.CancelTasks(
                          meta, List.of(new TaskRef(number, name.index())), request.getReason()),
                      (_, view, revision) ->
                          new Requests.Seen<>(view.task(number, name.index()), revision)))
              .thenApply(
                  seen -> Messages.task(seen.value().orElseThrow(name::notFound), seen.revision()));
        });
  }

  @Override
  public void batchCancelTasks(
      BatchCancelTasksRequest request, StreamObserver<BatchCancelTasksResponse> observer) {
    Caller caller = Caller.current();
    RequestMeta meta = Requests.meta(request, request.getRequestId(), caller);
    Requests.answer(
        observer,
        () -> {
          List<Names.Task> names = taskNames(request.getNamesList());
          return requests
              .read((view, _) -> names.stream().map(name -> task(name, view, caller)).toList())
              .thenCompose(found -> {
                BatchCancelTasksResponse.Builder to = BatchCancelTasksResponse.newBuilder();
                List<TaskRef> known = new ArrayList<>();
                for (int i = 0; i < names.size(); i++) {
                  Optional<TaskView> task = found.get(i);
                  if (task.isPresent()) {
                    known.add(new TaskRef(task.get().jobNumber(), task.get().index()));
                  } else {
                    to.addMissing(names.get(i).said());
                  }
                }
                return known.isEmpty()
                    ? CompletableFuture.completedFuture(to.build())
                    : cancel(new Input.CancelTasks(meta, known, request.getReason()), to);
              });
        });
  }

  private CompletionStage<BatchCancelTasksResponse> cancel(
      Input.CancelTasks input, BatchCancelTasksResponse.Builder to) {
    return requests
        .submit(
            input,
            (_, view, revision) -> {
              List<TaskView> tasks = new ArrayList<>();
              for (TaskRef task : input.tasks()) {
                view.task(task.jobNumber(), task.index()).ifPresent(tasks::add);
              }
              return new Requests.Seen<>(tasks, revision);
            })
        .thenApply(seen -> {
          for (TaskView task : seen.value()) {
            to.addTasks(Messages.task(task, seen.revision()));
          }
          return to.build();
        });
  }

  @Override
  public void signalTask(SignalTaskRequest request, StreamObserver<SignalTaskResponse> observer) {
    Caller caller = Caller.current();
    Requests.answer(
        observer,
        () -> {
          Names.Task name = Names.task("name", request.getName());
          if (request.getSignal() < 1 || request.getSignal() > Signal.MAX) {
            throw Errors.invalid("signal", "must be 1 to 64, not " + request.getSignal());
          }
          if (request.getTargetValue() < 0 || request.getTargetValue() > 3) {
            throw Errors.invalid("target", "there is no target " + request.getTargetValue());
          }
          return found(name, caller)
              .thenCompose(seen -> {
                TaskView task = seen.value().orElseThrow(name::notFound);
                AttemptView attempt = running(task);
                return signals.send(
                    attempt.nodeUid(),
                    attempt.node(),
                    attempt.uid(),
                    request.getSignal(),
                    request.getTargetValue());
              })
              .thenApply(
                  processes -> SignalTaskResponse.newBuilder().setProcesses(processes).build());
        });
  }

  private static AttemptView running(TaskView task) {
    AttemptView attempt = task.attempt();
    if (attempt == null
        || !(attempt.state() == AttemptState.RUNNING
            || attempt.state() == AttemptState.STOPPING
            || attempt.state() == AttemptState.UNREACHABLE)) {
      throw Errors.error(
          Code.FAILED_PRECONDITION,
          "TASK_NOT_RUNNING",
          "task "
              + task.jobName()
              + "/"
              + task.index()
              + " is "
              + task.state().name().toLowerCase(java.util.Locale.ROOT)
              + ": it has no process");
    }
    return attempt;
  }

  // ---- what runs

  @Override
  public void getTaskTree(GetTaskTreeRequest request, StreamObserver<TaskTree> observer) {
    Caller caller = Caller.current();
    Requests.answer(
        observer, () -> attempt(request.getName(), caller).thenCompose(inspections::tree));
  }

  @Override
  public void getTaskStats(GetTaskStatsRequest request, StreamObserver<TaskStats> observer) {
    Caller caller = Caller.current();
    Requests.answer(
        observer, () -> attempt(request.getName(), caller).thenCompose(inspections::stats));
  }

  /** The attempt of a task that runs. */
  private CompletionStage<AttemptView> attempt(String said, Caller caller) {
    return runningTask(said, caller).thenApply(TaskRpc::running);
  }

  private CompletionStage<TaskView> runningTask(String said, Caller caller) {
    Names.Task name = Names.task("name", said);
    return found(name, caller)
        .thenApply(seen -> {
          TaskView task = seen.value().orElseThrow(name::notFound);
          running(task);
          return task;
        });
  }

  // ---- commands and input

  @Override
  public StreamObserver<ExecRequest> exec(StreamObserver<ExecResponse> observer) {
    return exec.exec(observer);
  }

  @Override
  public StreamObserver<AttachRequest> attach(StreamObserver<AttachResponse> observer) {
    return exec.attach(observer);
  }

  /** Tasks of all live jobs, newest job first. */
  private record LiveTasks(List<TaskView> tasks, @Nullable String next, long revision) {
    /** Jobs looked at in one read. */
    private static final int MAX_JOBS = 50;

    ListTasksResponse toMessage(ListTasksRequest bare) {
      ListTasksResponse.Builder to = ListTasksResponse.newBuilder();
      for (TaskView task : tasks) {
        to.addTasks(Messages.task(task, revision));
      }
      return to.setNextPageToken(next == null ? "" : Tokens.page(bare, next)).build();
    }

    static CompletionStage<LiveTasks> page(
        Requests requests,
        String namespace,
        Set<TaskState> states,
        String node,
        @Nullable String next,
        int limit) {
      return requests.read(
          (view, revision) -> read(view, revision, namespace, states, node, next, limit));
    }

    private static LiveTasks read(
        StateView view,
        long revision,
        String namespace,
        Set<TaskState> states,
        String node,
        @Nullable String next,
        int limit) {
      LiveTasksCursor at = LiveTasksCursor.parse(next);
      List<TaskView> tasks = new ArrayList<>();
      for (int jobs = 0; jobs < MAX_JOBS; jobs++) {
        var job = view.jobs(LiveTasksCursor.oneJob(namespace, at.jobsAfter()));
        if (!job.items().isEmpty()) {
          var page =
              view.tasks(
                  new TaskQuery(
                      job.items().getFirst().number(),
                      states,
                      node,
                      at.tasksAfter(),
                      limit - tasks.size()));
          tasks.addAll(page.items());
          if (page.next() != null) {
            LiveTasksCursor here = new LiveTasksCursor(at.jobsAfter(), page.next());
            return new LiveTasks(tasks, here.toString(), revision);
          }
        }
        if (job.next() == null) {
          return new LiveTasks(tasks, null, revision);
        }
        at = new LiveTasksCursor(job.next(), null);
        if (tasks.size() >= limit) {
          break;
        }
      }
      return new LiveTasks(tasks, at.toString(), revision);
    }
  }
}

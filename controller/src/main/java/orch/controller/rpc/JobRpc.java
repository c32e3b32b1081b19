package orch.controller.rpc;

import com.google.protobuf.Empty;
import com.google.protobuf.Message;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import orch.api.convert.SpecConvert;
import orch.api.model.IndexRange;
import orch.api.model.JobSpec;
import orch.controller.core.Answer;
import orch.controller.core.Explanation;
import orch.controller.core.Input;
import orch.controller.core.InvariantError;
import orch.controller.core.JobQuery;
import orch.controller.core.JobVersionView;
import orch.controller.core.JobView;
import orch.controller.core.PlanView;
import orch.controller.core.RequestMeta;
import orch.controller.core.StateView;
import orch.controller.core.SubmitOutcome;
import orch.v1.BatchCancelJobsRequest;
import orch.v1.BatchCancelJobsResponse;
import orch.v1.BatchGetJobsRequest;
import orch.v1.BatchGetJobsResponse;
import orch.v1.CancelJobRequest;
import orch.v1.DeleteJobRequest;
import orch.v1.DispatchJobRequest;
import orch.v1.EventFilter;
import orch.v1.ExplainJobRequest;
import orch.v1.FormatSpecRequest;
import orch.v1.FormatSpecResponse;
import orch.v1.GetJobRequest;
import orch.v1.HoldJobRequest;
import orch.v1.Job;
import orch.v1.JobServiceGrpc;
import orch.v1.ListJobEventsRequest;
import orch.v1.ListJobEventsResponse;
import orch.v1.ListJobVersionsRequest;
import orch.v1.ListJobVersionsResponse;
import orch.v1.ListJobsRequest;
import orch.v1.ListJobsResponse;
import orch.v1.ParseSpecRequest;
import orch.v1.ParseSpecResponse;
import orch.v1.PlanJobRequest;
import orch.v1.PlanJobResponse;
import orch.v1.ReleaseJobRequest;
import orch.v1.RestartJobRequest;
import orch.v1.ResumeJobRequest;
import orch.v1.RetryJobRequest;
import orch.v1.RollbackJobRequest;
import orch.v1.ScaleJobRequest;
import orch.v1.SubmitJobRequest;
import orch.v1.SubmitJobResponse;
import orch.v1.SuspendJobRequest;
import orch.v1.TriggerJobRequest;
import orch.v1.WatchJobsRequest;
import orch.v1.WatchJobsResponse;
import org.jspecify.annotations.Nullable;

/** JobService. */
final class JobRpc extends JobServiceGrpc.JobServiceImplBase {
  private static final int MAX_TEXT_BYTES = 1024 * 1024;

  private final Requests requests;
  private final Watches watches;
  private final Events events;
  private final SpecDialect dialect;

  JobRpc(Requests requests, Watches watches, Events events, SpecDialect dialect) {
    this.requests = requests;
    this.watches = watches;
    this.events = events;
    this.dialect = dialect;
  }

  // ---- specs

  @Override
  public void submitJob(SubmitJobRequest request, StreamObserver<SubmitJobResponse> observer) {
    Caller caller = Caller.current();
    Requests.answer(
        observer,
        () -> {
          String namespace = Names.oneNamespace("parent", request.getParent());
          if (request.getExpectedVersion() < 0) {
            throw Errors.invalid("expected_version", "must be 0 or more");
          }
          return requests
              .submit(
                  new Input.SubmitJob(
                      Requests.meta(request, request.getRequestId(), caller),
                      namespace,
                      spec(request.hasSpec(), request.getSpec()),
                      request.getReplace(),
                      request.getValidateOnly(),
                      request.getExpectedVersion(),
                      caller.traceparent(),
                      caller.tracestate()),
                  Submission::read)
              .thenApply(submission -> submission.toMessage(namespace, request.getSpec()));
        });
  }

  /** What a submit came to; the job is null when nothing was stored and none is there. */
  private record Submission(
      SubmitOutcome outcome, String name, @Nullable JobView job, long revision) {
    static Submission read(Answer answer, StateView view, long revision) {
      return switch (answer) {
        case Answer.Submitted(long number, SubmitOutcome outcome) ->
            new Submission(outcome, "", view.job(number).orElse(null), revision);
        case Answer.Validated(SubmitOutcome outcome, long number, String name) ->
            new Submission(outcome, name, view.job(number).orElse(null), revision);
        case Answer.Done _, Answer.Jobs _, Answer.Tasks _, Answer.Node _, Answer.Rejected _ ->
            throw new InvariantError("the core answered a submit with " + answer);
      };
    }

    SubmitJobResponse toMessage(String namespace, orch.v1.JobSpec spec) {
      Job message =
          job != null
              ? Messages.job(job, revision, true)
              : Job.newBuilder()
                  .setNamespace(namespace)
                  .setJobName(name)
                  .setSpec(spec)
                  .setRevision(revision)
                  .build();
      return SubmitJobResponse.newBuilder()
          .setJob(message)
          .setOutcome(Messages.outcome(outcome))
          .build();
    }
  }

  @Override
  public void parseSpec(ParseSpecRequest request, StreamObserver<ParseSpecResponse> observer) {
    Requests.answer(
        observer,
        () -> {
          int bytes = request.getText().getBytes(StandardCharsets.UTF_8).length;
          if (bytes > MAX_TEXT_BYTES) {
            throw Errors.invalid(
                "text", "has " + bytes + " bytes, at most 1 MiB; submit it in parts");
          }
          return CompletableFuture.completedFuture(
              dialect.parse(request.getFileName(), request.getText()));
        });
  }

  @Override
  public void formatSpec(FormatSpecRequest request, StreamObserver<FormatSpecResponse> observer) {
    Requests.answer(
        observer,
        () -> {
          spec(request.hasSpec(), request.getSpec());
          return CompletableFuture.completedFuture(
              FormatSpecResponse.newBuilder().setText(dialect.format(request.getSpec())).build());
        });
  }

  @Override
  public void planJob(PlanJobRequest request, StreamObserver<PlanJobResponse> observer) {
    Requests.answer(
        observer,
        () -> {
          String namespace = Names.oneNamespace("parent", request.getParent());
          JobSpec spec = spec(request.hasSpec(), request.getSpec());
          return requests
              .read((view, _) -> view.plan(namespace, spec))
              .thenApply(plan -> plan(plan, spec));
        });
  }

  private static PlanJobResponse plan(PlanView plan, JobSpec spec) {
    if (plan.outcome() == null) {
      throw plan.refusal() == null
          ? new IllegalStateException("a plan with neither outcome nor refusal")
          : Errors.of(plan.refusal());
    }
    PlanJobResponse.Builder to =
        PlanJobResponse.newBuilder()
            .setOutcome(Messages.outcome(plan.outcome()))
            .putAllPlacements(plan.placements())
            .setWaiting(Messages.explanation(plan.waiting()));
    JobSpec present = plan.present();
    if (present != null) {
      to.addAllChanges(
          SpecChanges.between(SpecConvert.toProto(present), SpecConvert.toProto(spec)));
    }
    return to.build();
  }

  private static JobSpec spec(boolean said, orch.v1.JobSpec spec) {
    if (!said) {
      throw Errors.invalid("spec", "is missing");
    }
    return SpecConvert.fromProto(spec);
  }

  // ---- reading

  @Override
  public void getJob(GetJobRequest request, StreamObserver<Job> observer) {
    Caller caller = Caller.current();
    Requests.answer(
        observer,
        () -> {
          Names.Job name = Names.job("name", request.getName());
          return watches
              .awaitRevision(request.getMinRevision())
              .thenCompose(_ ->
                  requests.read(
                      (view, revision) -> new Requests.Seen<>(found(name, view, caller), revision)))
              .thenApply(seen ->
                  Messages.job(seen.value().orElseThrow(name::notFound), seen.revision(), true));
        });
  }

  private static Optional<JobView> found(Names.Job name, StateView view, Caller caller) {
    OptionalLong number = name.resolve(view, caller.principal());
    return number.isEmpty() ? Optional.empty() : view.job(number.getAsLong());
  }

  @Override
  public void batchGetJobs(
      BatchGetJobsRequest request, StreamObserver<BatchGetJobsResponse> observer) {
    Caller caller = Caller.current();
    Requests.answer(
        observer,
        () -> {
          List<Names.Job> names = jobNames(request.getParent(), request.getNamesList());
          return requests
              .read((view, revision) -> {
                List<Optional<JobView>> jobs = new ArrayList<>();
                for (Names.Job name : names) {
                  jobs.add(found(name, view, caller));
                }
                return new Requests.Seen<>(jobs, revision);
              })
              .thenApply(seen -> {
                BatchGetJobsResponse.Builder to = BatchGetJobsResponse.newBuilder();
                for (int i = 0; i < names.size(); i++) {
                  Optional<JobView> job = seen.value().get(i);
                  if (job.isPresent()) {
                    to.addJobs(Messages.job(job.get(), seen.revision(), true));
                  } else {
                    to.addMissing(names.get(i).said());
                  }
                }
                return to.build();
              });
        });
  }

  private static List<Names.Job> jobNames(String parent, List<String> names) {
    Requests.checkBatch("names", names);
    String namespace = Names.namespace("parent", parent);
    List<Names.Job> jobs = new ArrayList<>();
    for (String name : names) {
      jobs.add(Names.job("names", name, namespace));
    }
    return jobs;
  }

  @Override
  public void listJobs(ListJobsRequest request, StreamObserver<ListJobsResponse> observer) {
    Caller caller = Caller.current();
    Requests.answer(
        observer,
        () -> {
          ListJobsRequest bare = request.toBuilder().clearPageToken().clearPageSize().build();
          String next = Tokens.next(bare, request.getPageToken());
          JobQuery query =
              JobFilters.query(
                  Names.namespace("parent", request.getParent()),
                  request.getFilter(),
                  caller,
                  next == null ? null : Long.valueOf(next),
                  Requests.pageSize(request.getPageSize()));
          return new Listing(requests)
              .jobs(query)
              .thenApply(seen -> {
                ListJobsResponse.Builder to = ListJobsResponse.newBuilder();
                for (JobView job : seen.value().items()) {
                  to.addJobs(Messages.job(job, seen.revision(), !request.getOmitSpecs()));
                }
                Long after = seen.value().next();
                return to.setNextPageToken(
                        after == null ? "" : Tokens.page(bare, Long.toString(after)))
                    .build();
              });
        });
  }

  @Override
  public void watchJobs(WatchJobsRequest request, StreamObserver<WatchJobsResponse> observer) {
    JobQuery query;
    try {
      query =
          JobFilters.query(
              Names.namespace("parent", request.getParent()),
              request.getFilter(),
              Caller.current(),
              null,
              Listing.STREAM_PAGE);
      if (request.getUntilEnded() && query.numbers().isEmpty()) {
        throw Errors.invalid("until_ended", "needs filter.numbers: the jobs whose end it awaits");
      }
    } catch (RuntimeException failure) {
      observer.onError(Errors.of(failure));
      return;
    }
    watches.stream(
        (ServerCallStreamObserver<WatchJobsResponse>) observer,
        request.getResumeToken(),
        new JobWatch(requests, query, request.getUntilEnded()));
  }

  @Override
  public void listJobVersions(
      ListJobVersionsRequest request, StreamObserver<ListJobVersionsResponse> observer) {
    Caller caller = Caller.current();
    Requests.answer(
        observer,
        () -> {
          Names.Job name = Names.job("name", request.getName());
          ListJobVersionsRequest bare =
              request.toBuilder().clearPageToken().clearPageSize().build();
          String next = Tokens.next(bare, request.getPageToken());
          int limit = Requests.pageSize(request.getPageSize());
          return requests
              .number(name, caller)
              .thenCompose(number -> requests.read((view, _) -> view.versions(number)))
              .thenApply(versions -> versions(versions, bare, next, limit, name));
        });
  }

  private static ListJobVersionsResponse versions(
      List<JobVersionView> versions,
      ListJobVersionsRequest bare,
      @Nullable String next,
      int limit,
      Names.Job name) {
    if (versions.isEmpty()) {
      throw name.notFound();
    }
    ListJobVersionsResponse.Builder to = ListJobVersionsResponse.newBuilder();
    long below = next == null ? Long.MAX_VALUE : Long.parseLong(next);
    for (JobVersionView version : versions) {
      if (version.version() < below) {
        if (to.getVersionsCount() == limit) {
          to.setNextPageToken(Tokens.page(bare, Long.toString(version.version() + 1)));
          break;
        }
        to.addVersions(Messages.version(version));
      }
    }
    return to.build();
  }

  @Override
  public void explainJob(ExplainJobRequest request, StreamObserver<orch.v1.Explanation> observer) {
    Caller caller = Caller.current();
    Requests.answer(
        observer,
        () -> {
          Names.Job name = Names.job("name", request.getName());
          return requests
              .read((view, _) -> {
                OptionalLong number = name.resolve(view, caller.principal());
                return number.isEmpty()
                    ? Optional.<Explanation>empty()
                    : view.explainJob(number.getAsLong());
              })
              .thenApply(why -> Messages.explanation(why.orElseThrow(name::notFound)));
        });
  }

  // ---- changing

  @Override
  public void cancelJob(CancelJobRequest request, StreamObserver<Job> observer) {
    change(
        request,
        request.getRequestId(),
        request.getName(),
        observer,
        (meta, number) -> new Input.CancelJobs(meta, List.of(number), request.getReason()));
  }

  @Override
  public void batchCancelJobs(
      BatchCancelJobsRequest request, StreamObserver<BatchCancelJobsResponse> observer) {
    Caller caller = Caller.current();
    RequestMeta meta = Requests.meta(request, request.getRequestId(), caller);
    Requests.answer(
        observer,
        () -> {
          List<Names.Job> names = jobNames(request.getParent(), request.getNamesList());
          return requests
              .read((view, _) ->
                  names.stream().map(name -> name.resolve(view, caller.principal())).toList())
              .thenCompose(numbers -> {
                BatchCancelJobsResponse.Builder to = BatchCancelJobsResponse.newBuilder();
                List<Long> known = new ArrayList<>();
                for (int i = 0; i < names.size(); i++) {
                  if (numbers.get(i).isEmpty()) {
                    to.addMissing(names.get(i).said());
                  } else {
                    known.add(numbers.get(i).getAsLong());
                  }
                }
                return known.isEmpty()
                    ? CompletableFuture.completedFuture(to.build())
                    : cancel(new Input.CancelJobs(meta, known, request.getReason()), to);
              });
        });
  }

  private CompletionStage<BatchCancelJobsResponse> cancel(
      Input.CancelJobs input, BatchCancelJobsResponse.Builder to) {
    return requests
        .submit(
            input,
            (_, view, revision) -> {
              List<JobView> jobs = new ArrayList<>();
              for (long number : input.numbers()) {
                view.job(number).ifPresent(jobs::add);
              }
              return new Requests.Seen<>(jobs, revision);
            })
        .thenApply(seen -> {
          for (JobView job : seen.value()) {
            to.addJobs(Messages.job(job, seen.revision(), true));
          }
          return to.build();
        });
  }

  @Override
  public void deleteJob(DeleteJobRequest request, StreamObserver<Empty> observer) {
    Caller caller = Caller.current();
    RequestMeta meta = Requests.meta(request, request.getRequestId(), caller);
    Requests.answer(
        observer,
        () ->
            requests
                .number(Names.job("name", request.getName()), caller)
                .thenCompose(number ->
                    requests.submit(
                        new Input.DeleteJob(meta, number),
                        (_, _, _) -> Empty.getDefaultInstance())));
  }

  @Override
  public void retryJob(RetryJobRequest request, StreamObserver<Job> observer) {
    Caller caller = Caller.current();
    RequestMeta meta = Requests.meta(request, request.getRequestId(), caller);
    Requests.answer(
        observer,
        () -> {
          List<IndexRange> indexes = new ArrayList<>();
          for (orch.v1.IndexRange range : request.getIndexesList()) {
            try {
              indexes.add(
                  new IndexRange(range.getFirst(), range.getLast(), Math.max(range.getStep(), 1)));
            } catch (IllegalArgumentException wrong) {
              throw Errors.invalid("indexes", String.valueOf(wrong.getMessage()));
            }
          }
          return requests.changeJob(
              Names.job("name", request.getName()),
              caller,
              number -> new Input.RetryJob(meta, number, indexes));
        });
  }

  @Override
  public void restartJob(RestartJobRequest request, StreamObserver<Job> observer) {
    change(request, request.getRequestId(), request.getName(), observer, Input.RestartJob::new);
  }

  @Override
  public void scaleJob(ScaleJobRequest request, StreamObserver<Job> observer) {
    change(
        request,
        request.getRequestId(),
        request.getName(),
        observer,
        (meta, number) ->
            new Input.ScaleJob(meta, number, request.getCount(), request.getExpectedVersion()));
  }

  @Override
  public void holdJob(HoldJobRequest request, StreamObserver<Job> observer) {
    change(request, request.getRequestId(), request.getName(), observer, Input.HoldJob::new);
  }

  @Override
  public void releaseJob(ReleaseJobRequest request, StreamObserver<Job> observer) {
    change(request, request.getRequestId(), request.getName(), observer, Input.ReleaseJob::new);
  }

  @Override
  public void suspendJob(SuspendJobRequest request, StreamObserver<Job> observer) {
    change(request, request.getRequestId(), request.getName(), observer, Input.SuspendJob::new);
  }

  @Override
  public void resumeJob(ResumeJobRequest request, StreamObserver<Job> observer) {
    change(request, request.getRequestId(), request.getName(), observer, Input.ResumeJob::new);
  }

  /** What is decided upon a job, by whom and under which request id. */
  private interface Decision {
    Input.Request of(RequestMeta meta, long number);
  }

  /** Answers with the job as it is after the decision. */
  private void change(
      Message request,
      String requestId,
      String name,
      StreamObserver<Job> observer,
      Decision decision) {
    Caller caller = Caller.current();
    RequestMeta meta = Requests.meta(request, requestId, caller);
    Requests.answer(
        observer,
        () ->
            requests.changeJob(
                Names.job("name", name), caller, number -> decision.of(meta, number)));
  }

  // ---- not served yet

  @Override
  public void dispatchJob(DispatchJobRequest request, StreamObserver<SubmitJobResponse> observer) {
    Unserved.refuse(
        observer, "JobService.DispatchJob", "submit a job with the values in its command");
  }

  @Override
  public void triggerJob(TriggerJobRequest request, StreamObserver<SubmitJobResponse> observer) {
    Unserved.refuse(observer, "JobService.TriggerJob", "submit the job without its schedule");
  }

  @Override
  public void rollbackJob(RollbackJobRequest request, StreamObserver<Job> observer) {
    Unserved.refuse(
        observer,
        "JobService.RollbackJob",
        "read the older spec with ListJobVersions and submit it");
  }

  @Override
  public void listJobEvents(
      ListJobEventsRequest request, StreamObserver<ListJobEventsResponse> observer) {
    Caller caller = Caller.current();
    Requests.answer(
        observer,
        () -> {
          Message listing = request.toBuilder().clearPageToken().clearPageSize().build();
          EventFilter filter = EventFilter.newBuilder().setSubject(request.getName()).build();
          return events
              .list(filter, listing, request.getPageToken(), request.getPageSize(), caller)
              .thenApply(page ->
                  ListJobEventsResponse.newBuilder()
                      .addAllEvents(page.events())
                      .setNextPageToken(page.next())
                      .setCompacted(page.compacted())
                      .build());
        });
  }
}

package orch.controller.rpc;

import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.function.Function;
import java.util.function.LongFunction;
import java.util.function.Supplier;
import orch.controller.core.Answer;
import orch.controller.core.Input;
import orch.controller.core.Limits;
import orch.controller.core.Rejection;
import orch.controller.core.RequestMeta;
import orch.controller.core.StateView;
import orch.controller.port.ControllerPort;

/**
 * What every service does with the controller's port: reads and changes whose outcome leaves the
 * loop before it is turned into messages, errors included.
 */
final class Requests {
  private final ControllerPort port;
  private final Executor executor;

  /**
   * @param executor makes the answers' messages, so that the loop need not
   */
  Requests(ControllerPort port, Executor executor) {
    this.port = port;
    this.executor = executor;
  }

  ControllerPort port() {
    return port;
  }

  Executor executor() {
    return executor;
  }

  /** What the state says, on the executor. */
  <T> CompletionStage<T> read(ControllerPort.StateReader<T> reader) {
    return port.read(reader).thenApplyAsync(Function.identity(), executor);
  }

  /** What a request led to, on the executor; fails with the rejection's status. */
  <T> CompletionStage<T> submit(Input.Request input, ControllerPort.AnswerReader<T> reader) {
    return port.<Decided<T>>submit(
            input,
            (answer, view, revision) ->
                answer instanceof Answer.Rejected rejected
                    ? new Decided.Refused<>(rejected.rejection())
                    : new Decided.Done<>(reader.read(answer, view, revision)))
        .thenApplyAsync(
            decided ->
                switch (decided) {
                  case Decided.Done<T>(T value) -> value;
                  case Decided.Refused<T>(Rejection rejection) -> throw Errors.of(rejection);
                },
            executor);
  }

  /** A rejection waits for its revision like any other answer, so it is a value on the way. */
  private sealed interface Decided<T> {
    record Done<T>(T value) implements Decided<T> {}

    record Refused<T>(Rejection rejection) implements Decided<T> {}
  }

  /** The number of a job that somebody named. */
  CompletionStage<Long> number(Names.Job job, Caller caller) {
    if (job.byNumber() && job.namespace().equals(Names.ALL_NAMESPACES)) {
      return CompletableFuture.completedFuture(Long.parseLong(job.id()));
    }
    return read((view, _) -> job.resolve(view, caller.principal()))
        .thenApply(number -> number.orElseThrow(job::notFound));
  }

  /**
   * Changes one job.
   *
   * @param input made of the job's number
   */
  CompletionStage<orch.v1.Job> changeJob(
      Names.Job job, Caller caller, LongFunction<Input.Request> input) {
    return number(job, caller)
        .thenCompose(number ->
            submit(
                input.apply(number), (_, view, revision) -> new Seen<>(view.job(number), revision)))
        .thenApply(
            seen -> Messages.job(seen.value().orElseThrow(job::notFound), seen.revision(), true));
  }

  /** Something read, and the revision that it was read at. */
  record Seen<T>(T value, long revision) {}

  /** Who asks under which id. */
  static RequestMeta meta(Message request, String requestId, Caller caller) {
    if (requestId.isEmpty()) {
      return RequestMeta.of(caller.principal());
    }
    FieldDescriptor field = request.getDescriptorForType().findFieldByName("request_id");
    return new RequestMeta(
        requestId, Tokens.hash(request.toBuilder().clearField(field).build()), caller.principal());
  }

  /** Answers a unary call with what {@code work} comes to, or with its failure. */
  static <R> void answer(StreamObserver<R> observer, Supplier<CompletionStage<R>> work) {
    CompletionStage<R> stage;
    try {
      stage = work.get();
    } catch (RuntimeException failure) {
      observer.onError(Errors.of(failure));
      return;
    }
    stage.whenComplete((answer, failure) -> {
      if (observer instanceof ServerCallStreamObserver<R> call && call.isCancelled()) {
        return;
      }
      if (failure != null) {
        observer.onError(Errors.of(failure));
      } else {
        observer.onNext(answer);
        observer.onCompleted();
      }
    });
  }

  /** A size that is in the request, or the default of 100; at most 1,000. */
  static int pageSize(int asked) {
    if (asked < 0) {
      throw Errors.invalid("page_size", "must be 0 or more, not " + asked);
    }
    return asked == 0 ? 100 : Math.min(asked, 1_000);
  }

  static void checkBatch(String field, List<?> names) {
    if (names.size() > Limits.MAX_BATCH) {
      throw Errors.invalid(
          field, "has " + names.size() + " entries, at most " + Limits.MAX_BATCH + ": split them");
    }
  }

  /** Resolves within a read. */
  static OptionalLong resolve(Names.Job job, StateView view, Caller caller) {
    return job.resolve(view, caller.principal());
  }
}

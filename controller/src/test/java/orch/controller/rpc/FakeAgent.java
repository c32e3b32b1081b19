package orch.controller.rpc;

import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.StreamObserver;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Predicate;
import orch.agent.v1.AgentServiceGrpc;
import orch.agent.v1.LogBatch;
import orch.agent.v1.LogCredit;
import orch.api.convert.LinkConvert;
import orch.api.model.AgentMessage;
import orch.api.model.AttemptState;
import orch.api.model.AttemptStatus;
import orch.api.model.ControllerMessage;
import orch.api.model.DesiredAttempt;
import orch.api.model.InventoryHash;
import orch.api.model.NodeCapacity;
import orch.api.model.NodeDescription;
import orch.api.model.Result;
import orch.api.model.StageTimes;
import orch.v1.LogRecord;
import org.jspecify.annotations.Nullable;

/** An agent's end of the protocol, moved by the test. */
final class FakeAgent implements AutoCloseable {
  private static final long PATIENCE_SECONDS = 10;

  final String name;
  private final ManagedChannel channel;
  private final BlockingQueue<ControllerMessage> received = new LinkedBlockingQueue<>();
  private final List<ControllerMessage> skipped = new ArrayList<>();
  final CompletableFuture<Throwable> ended = new CompletableFuture<>();

  /** The session's headers, once they came. */
  private final AtomicReference<@Nullable Metadata> answer = new AtomicReference<>();

  private @Nullable StreamObserver<orch.agent.v1.AgentMessage> session;

  FakeAgent(Bench bench, String name) {
    this.name = name;
    channel = bench.newChannel();
  }

  static NodeDescription description(String name) {
    return new NodeDescription(
        "uid-" + name,
        name,
        "machine-" + name,
        "boot-1",
        "test",
        new TreeMap<>(),
        new TreeMap<>(),
        new NodeCapacity(64_000, 64L << 30, 1_000, new TreeMap<>()),
        List.of(),
        "root");
  }

  /** Opens a session without a word. */
  FakeAgent connect() {
    return connect(new Metadata());
  }

  /** As {@link #connect()}, by an agent that could not reach the controller at this address. */
  FakeAgent connectAfter(String unreached) {
    Metadata headers = new Metadata();
    headers.put(LeaderWait.UNREACHED, unreached);
    return connect(headers);
  }

  private FakeAgent connect(Metadata headers) {
    session =
        AgentServiceGrpc.newStub(channel)
            .withInterceptors(
                MetadataUtils.newAttachHeadersInterceptor(headers),
                MetadataUtils.newCaptureMetadataInterceptor(answer, new AtomicReference<>()))
            .session(
                new StreamObserver<>() {
                  @Override
                  public void onNext(orch.agent.v1.ControllerMessage message) {
                    LinkConvert.fromMessage(message).ifPresent(received::add);
                  }

                  @Override
                  public void onError(Throwable failure) {
                    ended.complete(failure);
                  }

                  @Override
                  public void onCompleted() {
                    ended.complete(new IllegalStateException("completed"));
                  }
                });
    return this;
  }

  void awaitHeaders() {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    while (answer.get() == null) {
      if (System.nanoTime() - deadline > 0) {
        throw new AssertionError(name + " awaits its session's headers in vain");
      }
      Thread.onSpinWait();
    }
  }

  /** Opens a session with an empty inventory and awaits its full set. */
  FakeAgent join() {
    connect();
    hello(1);
    await(ControllerMessage.Welcome.class, welcome -> true);
    await(ControllerMessage.Desired.class, ControllerMessage.Desired::full);
    return this;
  }

  void hello(int protocolVersion) {
    say(
        new AgentMessage.Hello(
            protocolVersion, "", 0, 0, 0, description(name), 0, new InventoryHash().value(), 0));
  }

  void say(AgentMessage message) {
    sayProto(LinkConvert.toMessage(message));
  }

  void sayProto(orch.agent.v1.AgentMessage message) {
    if (session == null) {
      throw new AssertionError("not connected");
    }
    session.onNext(message);
  }

  /** The next message of a kind that fits; others are kept. */
  <M extends ControllerMessage> M await(Class<M> kind, Predicate<M> fits) {
    for (ControllerMessage message : List.copyOf(skipped)) {
      if (kind.isInstance(message) && fits.test(kind.cast(message))) {
        skipped.remove(message);
        return kind.cast(message);
      }
    }
    try {
      while (true) {
        ControllerMessage message = received.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
        if (message == null) {
          throw new AssertionError(
              name + " awaits " + kind.getSimpleName() + " in vain; it got " + skipped);
        }
        if (kind.isInstance(message) && fits.test(kind.cast(message))) {
          return kind.cast(message);
        }
        skipped.add(message);
      }
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  /** The attempt of a task that is wanted here. */
  DesiredAttempt wanted(int index) {
    return await(ControllerMessage.Desired.class, desired -> find(desired, index).isPresent())
        .attempts()
        .stream()
        .filter(attempt -> attempt.index() == index)
        .findFirst()
        .orElseThrow();
  }

  private static Optional<DesiredAttempt> find(ControllerMessage.Desired desired, int index) {
    return desired.attempts().stream().filter(attempt -> attempt.index() == index).findFirst();
  }

  void running(DesiredAttempt attempt, long jobNumber) {
    report(attempt, jobNumber, AttemptState.RUNNING, null);
  }

  void exited(DesiredAttempt attempt, long jobNumber, int code) {
    report(
        attempt,
        jobNumber,
        code == 0 ? AttemptState.SUCCEEDED : AttemptState.FAILED,
        Result.exited(code));
  }

  private void report(
      DesiredAttempt attempt, long jobNumber, AttemptState state, @Nullable Result result) {
    say(
        new AgentMessage.Reports(
            List.of(
                new AttemptStatus(
                    attempt.uid(),
                    attempt.jobUid(),
                    jobNumber,
                    attempt.index(),
                    attempt.attempt(),
                    state,
                    "",
                    1_000,
                    result == null ? 0 : 2_000,
                    result,
                    StageTimes.NONE))));
  }

  /** Breaks the connection off. */
  @Override
  public void close() {
    channel.shutdownNow();
  }

  // ---- output

  /** Answers the next request for output. */
  Output openOutput() {
    ControllerMessage.OpenLogs query = await(ControllerMessage.OpenLogs.class, open -> true);
    Output output = new Output(query);
    output.stream =
        AgentServiceGrpc.newStub(channel)
            .serveLogs(
                new StreamObserver<>() {
                  @Override
                  public void onNext(LogCredit credit) {
                    output.credit.add(credit.getBytes());
                  }

                  @Override
                  public void onError(Throwable failure) {
                    output.ended.complete(true);
                  }

                  @Override
                  public void onCompleted() {
                    output.ended.complete(true);
                  }
                });
    output.batch(LogBatch.newBuilder().setStream(query.stream()).build());
    return output;
  }

  /** A stream of output that the agent serves. */
  static final class Output {
    final ControllerMessage.OpenLogs query;
    final BlockingQueue<Long> credit = new LinkedBlockingQueue<>();
    final CompletableFuture<Boolean> ended = new CompletableFuture<>();
    private @Nullable StreamObserver<LogBatch> stream;

    Output(ControllerMessage.OpenLogs query) {
      this.query = query;
    }

    void send(LogRecord... records) {
      batch(LogBatch.newBuilder().addAllRecords(List.of(records)).build());
    }

    void notice(String sentence) {
      batch(LogBatch.newBuilder().addNotices(sentence).build());
    }

    void batch(LogBatch batch) {
      stream().onNext(batch);
    }

    void complete() {
      stream().onCompleted();
    }

    void fail() {
      stream().onError(io.grpc.Status.UNAVAILABLE.asRuntimeException());
    }

    private StreamObserver<LogBatch> stream() {
      if (stream == null) {
        throw new AssertionError("not open");
      }
      return stream;
    }

    long credited() {
      try {
        Long bytes = credit.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
        if (bytes == null) {
          throw new AssertionError("no credit came");
        }
        return bytes;
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    }
  }
}

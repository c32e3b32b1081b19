package orch.agent.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Any;
import com.google.rpc.Code;
import com.google.rpc.ErrorInfo;
import com.google.rpc.Status;
import io.grpc.ForwardingServerCall.SimpleForwardingServerCall;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.ServerInterceptors;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import orch.agent.link.ControllerLink;
import orch.agent.logs.LogSink;
import orch.agent.v1.AgentMessage;
import orch.agent.v1.AgentServiceGrpc;
import orch.agent.v1.ControllerMessage;
import orch.agent.v1.LogBatch;
import orch.agent.v1.LogCredit;
import orch.api.convert.LinkConvert;
import orch.api.model.Blob;
import orch.api.model.LinkHeader;
import orch.api.model.LogRecord;
import orch.api.model.NodeCapacity;
import orch.api.model.NodeDescription;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The agent's side of the session against gRPC servers on the loopback interface. */
@Timeout(60)
class GrpcControllerLinkTest {
  private static final int LIMIT_SECONDS = 20;
  private static final Metadata.Key<String> UNREACHED =
      Metadata.Key.of("orch-unreached", Metadata.ASCII_STRING_MARSHALLER);

  private static final ControllerMessage WELCOME =
      LinkConvert.toMessage(
          new LinkHeader("c1", 1, 1, 1),
          new orch.api.model.ControllerMessage.Welcome(Duration.ofSeconds(1), false));

  private final List<Controller> controllers = new ArrayList<>();
  private final ExecutorService loop = Executors.newSingleThreadExecutor();
  private final ScheduledExecutorService timers = Executors.newSingleThreadScheduledExecutor();
  private final Heard heard = new Heard();
  private final BlockingQueue<Duration> waits = new LinkedBlockingQueue<>();

  /** For when a controller ought to have answered; run if the test says so. */
  private final BlockingQueue<Runnable> patience = new LinkedBlockingQueue<>();

  private volatile long random;
  private @Nullable GrpcControllerLink link;

  /** A controller that keeps what it hears. */
  private static final class Controller extends AgentServiceGrpc.AgentServiceImplBase {
    final BlockingQueue<AgentMessage> messages = new LinkedBlockingQueue<>();
    final BlockingQueue<LogBatch> batches = new LinkedBlockingQueue<>();
    final BlockingQueue<StreamObserver<LogCredit>> credits = new LinkedBlockingQueue<>();
    volatile @Nullable StreamObserver<ControllerMessage> answers;
    volatile String leader = "";

    /** Sends its headers, and the rest when the test says so. */
    volatile boolean keepsWaiting;

    /** Whom it names from then on to an agent that could not reach {@code leader}. */
    volatile String successor = "";

    /** What each session's agent could not reach before; empty: nothing. */
    final BlockingQueue<String> unreached = new LinkedBlockingQueue<>();

    private final Server server;

    Controller() throws IOException {
      server =
          NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
              .addService(ServerInterceptors.intercept(this, new Headers()))
              .build()
              .start();
    }

    private final class Headers implements ServerInterceptor {
      @Override
      public <Q, R> ServerCall.Listener<Q> interceptCall(
          ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
        String lost = headers.get(UNREACHED);
        unreached.add(lost == null ? "" : lost);
        if (keepsWaiting) {
          call.sendHeaders(new Metadata());
          return next.startCall(
              new SimpleForwardingServerCall<>(call) {
                @Override
                public void sendHeaders(Metadata sent) {}
              },
              headers);
        }
        if (leader.equals(lost) && !successor.isEmpty()) {
          leader = successor;
        }
        return next.startCall(call, headers);
      }
    }

    String address() {
      return "localhost:" + server.getPort();
    }

    @Override
    public StreamObserver<AgentMessage> session(StreamObserver<ControllerMessage> to) {
      String named = leader;
      if (!named.isEmpty()) {
        to.onError(
            StatusProto.toStatusRuntimeException(
                Status.newBuilder()
                    .setCode(Code.FAILED_PRECONDITION_VALUE)
                    .setMessage("not the leader")
                    .addDetails(
                        Any.pack(
                            ErrorInfo.newBuilder()
                                .setReason("NOT_LEADER")
                                .putMetadata("leader", named)
                                .build()))
                    .build()));
      } else {
        answers = to;
        if (!keepsWaiting) {
          to.onNext(WELCOME);
        }
      }
      return new Collecting<>(messages);
    }

    @Override
    public StreamObserver<LogBatch> serveLogs(StreamObserver<LogCredit> to) {
      credits.add(to);
      return new Collecting<>(batches);
    }
  }

  private record Collecting<T>(BlockingQueue<T> to) implements StreamObserver<T> {
    @Override
    public void onNext(T message) {
      to.add(message);
    }

    @Override
    public void onError(Throwable problem) {}

    @Override
    public void onCompleted() {}
  }

  private static final class Heard implements ControllerLink.Listener {
    final BlockingQueue<String> events = new LinkedBlockingQueue<>();

    @Override
    public orch.api.model.AgentMessage.Hello hello() {
      return new orch.api.model.AgentMessage.Hello(
          1,
          "c1",
          1,
          1,
          0,
          new NodeDescription(
              "u1",
              "n1",
              "m1",
              "b1",
              "0",
              new TreeMap<>(),
              new TreeMap<>(),
              new NodeCapacity(1, 1, 1, new TreeMap<>()),
              List.of(),
              "root"),
          0,
          0,
          0);
    }

    @Override
    public void opened() {
      events.add("opened");
    }

    @Override
    public void received(LinkHeader header, orch.api.model.ControllerMessage message) {
      events.add("received " + message.getClass().getSimpleName());
    }

    @Override
    public void writable() {}

    @Override
    public void closed(String why) {
      events.add("closed");
    }

    void expect(String event) throws InterruptedException {
      assertEquals(event, events.poll(LIMIT_SECONDS, TimeUnit.SECONDS));
    }
  }

  private Controller controller() throws IOException {
    Controller controller = new Controller();
    controllers.add(controller);
    return controller;
  }

  private GrpcControllerLink dial(String... addresses) {
    GrpcControllerLink dialled =
        new GrpcControllerLink(
            List.of(addresses),
            loop,
            (delay, action) -> {
              if (delay.equals(GrpcControllerLink.ANSWER)) {
                patience.add(action);
                return () -> {};
              }
              waits.add(delay);
              ScheduledFuture<?> timer =
                  timers.schedule(
                      () -> loop.execute(action), delay.toNanos(), TimeUnit.NANOSECONDS);
              return () -> timer.cancel(false);
            },
            () -> random);
    link = dialled;
    loop.execute(() -> dialled.start(heard));
    return dialled;
  }

  @AfterEach
  void end() throws Exception {
    GrpcControllerLink open = link;
    if (open != null) {
      loop.submit(open::close).get(LIMIT_SECONDS, TimeUnit.SECONDS);
    }
    timers.shutdownNow();
    for (Controller controller : controllers) {
      controller.server.shutdownNow().awaitTermination();
    }
    loop.shutdown();
  }

  private static AgentMessage next(Controller controller) throws InterruptedException {
    AgentMessage message = controller.messages.poll(LIMIT_SECONDS, TimeUnit.SECONDS);
    assertNotNull(message);
    return message;
  }

  @Test
  void theFirstMessageIsTheHelloAndTheAnswerOpensTheSession() throws Exception {
    Controller controller = controller();
    dial(controller.address());
    assertTrue(next(controller).hasHello());
    heard.expect("opened");
    heard.expect("received Welcome");
  }

  @Test
  void aStandbyNamesTheLeaderWhichIsDialledNext() throws Exception {
    Controller standby = controller();
    Controller leader = controller();
    standby.leader = leader.address();
    dial(standby.address());
    heard.expect("opened");
    assertTrue(next(leader).hasHello());
  }

  @Test
  void aControllerThatIsNotThereIsPassedOver() throws Exception {
    Controller gone = controller();
    // The port is known only while the server listens.
    String nobody = gone.address();
    gone.server.shutdownNow().awaitTermination();
    Controller there = controller();
    dial(nobody, there.address());
    heard.expect("opened");
  }

  @Test
  void aStandbyIsToldWhichLeaderCouldNotBeReached() throws Exception {
    Controller gone = controller();
    String nobody = gone.address();
    gone.server.shutdownNow().awaitTermination();
    Controller standby = controller();
    Controller there = controller();
    standby.leader = nobody;
    standby.successor = there.address();
    dial(standby.address());
    heard.expect("opened");
    assertEquals("", standby.unreached.take());
    assertEquals(nobody, standby.unreached.take());
    assertEquals(nobody, there.unreached.take());
    heard.expect("received Welcome");
    // A session opened: what went before does not matter to the next.
    StreamObserver<ControllerMessage> answers = there.answers;
    assertNotNull(answers);
    answers.onCompleted();
    heard.expect("closed");
    heard.expect("opened");
    assertEquals("", standby.unreached.take());
  }

  @Test
  void aFrozenControllerIsLeftForAnother() throws Exception {
    Controller there = controller();
    try (ServerSocket frozen = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      dial("localhost:" + frozen.getLocalPort(), there.address());
      try (Socket taken = frozen.accept()) {
        // The connection's first words: it was taken, and nobody will answer.
        assertTrue(taken.getInputStream().read() >= 0);
        loop.execute(patience.take());
        heard.expect("opened");
        assertEquals("localhost:" + frozen.getLocalPort(), there.unreached.take());
      }
    }
  }

  @Test
  void headersAreAnAnswerThoughNoMessageFollows() throws Exception {
    Controller standby = controller();
    standby.keepsWaiting = true;
    GrpcControllerLink open = dial(standby.address());
    Runnable over = patience.take();
    while (!loop.submit(open::answered).get(LIMIT_SECONDS, TimeUnit.SECONDS)) {
      Thread.onSpinWait();
    }
    loop.submit(over).get(LIMIT_SECONDS, TimeUnit.SECONDS);
    assertTrue(next(standby).hasHello());
    StreamObserver<ControllerMessage> answers = standby.answers;
    assertNotNull(answers);
    answers.onNext(WELCOME);
    heard.expect("opened");
    assertEquals(1, standby.unreached.size());
  }

  @Test
  void aControllerThatAnsweredIsKept() throws Exception {
    Controller controller = controller();
    dial(controller.address());
    heard.expect("opened");
    loop.submit(patience.take()).get(LIMIT_SECONDS, TimeUnit.SECONDS);
    heard.expect("received Welcome");
    assertEquals(1, controller.unreached.size());
    assertTrue(heard.events.isEmpty());
  }

  @Test
  void aControllerWhoseSessionWasBrokenOffIsToldToTheNext() throws Exception {
    Controller silent = controller();
    Controller there = controller();
    GrpcControllerLink open = dial(silent.address(), there.address());
    heard.expect("opened");
    heard.expect("received Welcome");
    loop.execute(() -> open.reset("it has not answered"));
    heard.expect("closed");
    heard.expect("opened");
    assertEquals(silent.address(), there.unreached.take());
  }

  @Test
  void aStandbyThatLeadsByNowNamesItself() throws Exception {
    Controller elected = controller();
    elected.leader = elected.address();
    dial(elected.address());
    assertEquals("", elected.unreached.take());
    elected.leader = "";
    heard.expect("opened");
  }

  @Test
  void withSeveralControllersNoWaitIsLong() throws Exception {
    Controller gone = controller();
    String nobody = gone.address();
    gone.server.shutdownNow().awaitTermination();
    // Always the longest wait that is allowed.
    random = -1;
    dial(nobody, nobody);
    Duration longest = Duration.ZERO;
    for (int i = 0; i < 8; i++) {
      Duration wait = waits.poll(LIMIT_SECONDS, TimeUnit.SECONDS);
      assertNotNull(wait);
      longest = wait.compareTo(longest) > 0 ? wait : longest;
    }
    assertEquals(Duration.ofSeconds(1), longest);
  }

  @Test
  void aSessionThatBreaksIsOpenedAgain() throws Exception {
    Controller controller = controller();
    dial(controller.address());
    heard.expect("opened");
    heard.expect("received Welcome");
    StreamObserver<ControllerMessage> answers = controller.answers;
    assertNotNull(answers);
    answers.onCompleted();
    heard.expect("closed");
    heard.expect("opened");
  }

  @Test
  void messagesArriveInOrder() throws Exception {
    Controller controller = controller();
    GrpcControllerLink open = dial(controller.address());
    heard.expect("opened");
    next(controller);
    for (int i = 0; i < 100; i++) {
      long sequence = i;
      loop.execute(() -> open.send(new orch.api.model.AgentMessage.Heartbeat(sequence, 0)));
    }
    for (int i = 0; i < 100; i++) {
      assertEquals(i, next(controller).getHeartbeat().getSequence());
    }
  }

  @Test
  void outputWaitsForCredit() throws Exception {
    Controller controller = controller();
    GrpcControllerLink open = dial(controller.address());
    heard.expect("opened");
    LogSink sink = loop.submit(() -> open.logSink(7)).get(LIMIT_SECONDS, TimeUnit.SECONDS);
    LogBatch first = controller.batches.poll(LIMIT_SECONDS, TimeUnit.SECONDS);
    assertNotNull(first);
    assertEquals(7, first.getStream());
    Thread writer =
        Thread.ofPlatform()
            .start(() -> {
              try {
                sink.send(
                    List.of(
                        new LogRecord(
                            1,
                            0,
                            1,
                            1,
                            0,
                            Blob.of("line\n".getBytes(StandardCharsets.UTF_8)),
                            false,
                            0)));
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
            });
    while (writer.getState() != Thread.State.WAITING) {
      Thread.onSpinWait();
    }
    assertTrue(controller.batches.isEmpty());
    StreamObserver<LogCredit> credit = controller.credits.poll(LIMIT_SECONDS, TimeUnit.SECONDS);
    assertNotNull(credit);
    credit.onNext(LogCredit.newBuilder().setBytes(1_000).build());
    LogBatch batch = controller.batches.poll(LIMIT_SECONDS, TimeUnit.SECONDS);
    assertNotNull(batch);
    assertEquals("line\n", batch.getRecords(0).getData().toStringUtf8());
    writer.join();
    assertFalse(writer.isAlive());
  }
}

package orch.controller.rpc;

import com.google.rpc.Code;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import orch.agent.v1.AgentServiceGrpc;
import orch.agent.v1.ExecInput;
import orch.agent.v1.ExecOutput;
import orch.agent.v1.LogBatch;
import orch.agent.v1.LogCredit;
import orch.api.convert.LinkConvert;
import orch.api.model.AgentMessage;
import orch.api.model.ControllerMessage;
import orch.api.model.LinkHeader;
import orch.controller.core.Rejection;
import orch.controller.port.AgentLink;
import orch.controller.port.AgentSession;
import orch.controller.port.ControllerPort;
import org.jspecify.annotations.Nullable;

/**
 * AgentService: carries the messages between an agent and the loop, and its output to whoever reads
 * it. What is said is the loop's affair.
 */
final class AgentRpc extends AgentServiceGrpc.AgentServiceImplBase {
  /** Messages of a session that may wait for the loop. */
  private static final int WINDOW = 4;

  private static final int PROTOCOL_VERSION = 1;
  private static final Duration HELLO_TIMEOUT = Duration.ofSeconds(10);
  private static final String NOT_LEADER = "NOT_LEADER";

  private final ControllerPort port;
  private final Executor executor;
  private final Signals signals;
  private final Inspections inspections;
  private final LogStreams logs;
  private final LastHeard heard;
  private final Events events;
  private final ExecStreams execs;
  private final int maxOutbox;

  AgentRpc(
      ControllerPort port,
      Executor executor,
      Signals signals,
      Inspections inspections,
      LogStreams logs,
      ExecStreams execs,
      LastHeard heard,
      Events events,
      int maxOutbox) {
    this.execs = execs;
    this.inspections = inspections;
    this.port = port;
    this.executor = executor;
    this.signals = signals;
    this.logs = logs;
    this.heard = heard;
    this.events = events;
    this.maxOutbox = maxOutbox;
  }

  @Override
  public StreamObserver<orch.agent.v1.AgentMessage> session(
      StreamObserver<orch.agent.v1.ControllerMessage> responses) {
    return new Session((ServerCallStreamObserver<orch.agent.v1.ControllerMessage>) responses);
  }

  @Override
  public StreamObserver<LogBatch> serveLogs(StreamObserver<LogCredit> credits) {
    return logs.serve((ServerCallStreamObserver<LogCredit>) credits);
  }

  @Override
  public StreamObserver<ExecOutput> serveExec(StreamObserver<ExecInput> inputs) {
    return execs.serve((ServerCallStreamObserver<ExecInput>) inputs);
  }

  private final class Session implements StreamObserver<orch.agent.v1.AgentMessage>, AgentLink {
    private final ServerCallStreamObserver<orch.agent.v1.ControllerMessage> stream;
    private final AgentOutbox outbox;
    private final AtomicBoolean over = new AtomicBoolean();
    private volatile @Nullable AgentSession session;
    private volatile String nodeUid = "";

    Session(ServerCallStreamObserver<orch.agent.v1.ControllerMessage> stream) {
      this.stream = stream;
      this.outbox = new AgentOutbox(stream, executor, this::end, maxOutbox);
      stream.disableAutoRequest();
      stream.setOnReadyHandler(outbox::wake);
      stream.setOnCancelHandler(this::end);
      stream.request(1);
      CompletableFuture.delayedExecutor(HELLO_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS, executor)
          .execute(() -> {
            if (session == null) {
              refuse(Code.DEADLINE_EXCEEDED, "NO_HELLO", "the agent said no Hello within 10 s");
            }
          });
    }

    // ---- from the agent

    @Override
    public void onNext(orch.agent.v1.AgentMessage message) {
      Optional<AgentMessage> known;
      try {
        known = LinkConvert.fromMessage(message);
      } catch (IllegalArgumentException malformed) {
        refuse(
            Code.INVALID_ARGUMENT,
            "MALFORMED_MESSAGE",
            "the agent's message makes no sense: " + malformed.getMessage());
        return;
      }
      AgentSession open = session;
      if (open == null) {
        hello(known.orElse(null));
        return;
      }
      heard.now(nodeUid);
      if (known.isEmpty()) {
        // Of a newer agent; it knows that an older controller does without.
        stream.request(1);
        return;
      }
      switch (known.get()) {
        case AgentMessage.SignalOutcome outcome -> {
          signals.outcome(nodeUid, outcome);
          stream.request(1);
        }
        case AgentMessage.Inspected answer -> {
          inspections.outcome(nodeUid, answer);
          stream.request(1);
        }
        case AgentMessage.Events told -> {
          events.heard(nodeUid, told);
          stream.request(1);
        }
        case AgentMessage.Reports reports -> {
          events.said(reports.attempts());
          open.receive(reports, () -> stream.request(1));
        }
        case AgentMessage.Inventory inventory -> {
          events.said(inventory.attempts());
          open.receive(inventory, () -> stream.request(1));
        }
        case AgentMessage.Hello _, AgentMessage.Heartbeat _ ->
            open.receive(known.get(), () -> stream.request(1));
      }
    }

    private void hello(@Nullable AgentMessage message) {
      if (!(message instanceof AgentMessage.Hello hello)) {
        refuse(Code.INVALID_ARGUMENT, "NO_HELLO", "a session begins with the agent's Hello");
        return;
      }
      if (hello.protocolVersion() != PROTOCOL_VERSION) {
        refuse(
            Code.FAILED_PRECONDITION,
            "PROTOCOL_VERSION",
            "the agent speaks version "
                + hello.protocolVersion()
                + " of the protocol, this controller version "
                + PROTOCOL_VERSION
                + "; bring both to the same release");
        return;
      }
      nodeUid = hello.node().uid();
      AgentSession opened = port.openSession(hello, this);
      session = opened;
      if (over.get()) {
        opened.closed();
        return;
      }
      stream.request(WINDOW);
    }

    @Override
    public void onError(Throwable failure) {
      end();
    }

    @Override
    public void onCompleted() {
      end();
      outbox.ended();
      try {
        stream.onCompleted();
      } catch (StatusRuntimeException | IllegalStateException closed) {
        // Closed from this side at the same moment.
      }
    }

    private void refuse(Code code, String reason, String message) {
      outbox.close(Errors.error(code, reason, message));
      end();
    }

    /** The stream is over, by whichever side. */
    private void end() {
      if (over.compareAndSet(false, true)) {
        AgentSession open = session;
        if (open != null) {
          open.closed();
        }
      }
    }

    // ---- from the loop

    @Override
    public void send(LinkHeader header, ControllerMessage message) {
      outbox.send(header, message);
    }

    @Override
    public void close(Rejection why) {
      outbox.close(
          why.reason().equals(NOT_LEADER)
              ? Errors.notLeader(
                  Code.FAILED_PRECONDITION, why.message(), port.leadership().leader())
              : Errors.of(why));
    }
  }
}

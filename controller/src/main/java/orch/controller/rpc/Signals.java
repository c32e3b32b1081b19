package orch.controller.rpc;

import com.google.rpc.Code;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import orch.api.model.AgentMessage;
import orch.api.model.ControllerMessage;
import orch.api.model.Uid;

/** Signals on their way to nodes, and who waits to hear what became of them. */
final class Signals {
  private static final int MAX_WAITING = 10_000;

  private final Requests requests;
  private final Duration timeout;
  private final AtomicLong numbers = new AtomicLong();
  private final Map<Long, Waiting> waiting = new ConcurrentHashMap<>();

  private record Waiting(String nodeUid, CompletableFuture<AgentMessage.SignalOutcome> outcome) {}

  Signals(Requests requests, Duration timeout) {
    this.requests = requests;
    this.timeout = timeout;
  }

  /** Processes that were signalled. */
  CompletionStage<Integer> send(
      String nodeUid, String nodeName, Uid attempt, int signal, int target) {
    if (waiting.size() >= MAX_WAITING) {
      throw Errors.error(
          Code.RESOURCE_EXHAUSTED,
          "OVERLOADED",
          MAX_WAITING + " signals are on their way already; try again later");
    }
    long number = numbers.incrementAndGet();
    CompletableFuture<AgentMessage.SignalOutcome> outcome = new CompletableFuture<>();
    waiting.put(number, new Waiting(nodeUid, outcome));
    outcome.orTimeout(timeout.toMillis(), TimeUnit.MILLISECONDS);
    return requests
        .port()
        .send(nodeUid, new ControllerMessage.Signal(number, attempt, signal, target))
        .thenCompose(sent -> {
          if (!sent) {
            outcome.completeExceptionally(
                Errors.error(
                    Code.UNAVAILABLE,
                    "NODE_UNREACHABLE",
                    "node " + nodeName + " does not answer; nothing was signalled"));
          }
          return outcome;
        })
        .handleAsync(
            (answer, failure) -> {
              waiting.remove(number);
              if (failure != null) {
                throw failed(failure, nodeName);
              }
              if (!answer.error().isEmpty()) {
                throw Errors.error(Code.FAILED_PRECONDITION, "NOT_SIGNALLED", answer.error());
              }
              return answer.processes();
            },
            requests.executor());
  }

  private RuntimeException failed(Throwable failure, String nodeName) {
    Throwable cause = failure instanceof CompletionException ? failure.getCause() : failure;
    return cause instanceof TimeoutException
        ? Errors.error(
            Code.UNAVAILABLE,
            "NODE_UNREACHABLE",
            "node "
                + nodeName
                + " did not say within "
                + timeout.toSeconds()
                + " s what became of the signal; it may have been sent")
        : Errors.of(failure);
  }

  /** A node says what became of one. */
  void outcome(String nodeUid, AgentMessage.SignalOutcome outcome) {
    Waiting waits = waiting.get(outcome.request());
    if (waits != null && waits.nodeUid.equals(nodeUid)) {
      waits.outcome.complete(outcome);
    }
  }
}

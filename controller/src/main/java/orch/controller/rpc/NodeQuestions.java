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
import java.util.function.LongFunction;
import orch.api.model.ControllerMessage;

/**
 * Questions on their way to nodes, and who waits for the answers.
 *
 * @param <A> the answer
 */
final class NodeQuestions<A> {
  private static final int MAX_WAITING = 10_000;

  private final Requests requests;
  private final Duration timeout;
  private final String many;
  private final AtomicLong numbers = new AtomicLong();
  private final Map<Long, Waiting<A>> waiting = new ConcurrentHashMap<>();

  private record Waiting<A>(String nodeUid, CompletableFuture<A> answer) {}

  /**
   * @param timeout for an answer
   * @param many what they are, for messages: {@code signals}
   */
  NodeQuestions(Requests requests, Duration timeout, String many) {
    this.requests = requests;
    this.timeout = timeout;
    this.many = many;
  }

  /**
   * Asks a node.
   *
   * @param message from the number of the question
   * @param undone what was not done when the node cannot be reached: {@code nothing was signalled}
   * @param unheard what follows "did not say within 5 s"
   */
  CompletionStage<A> ask(
      String nodeUid,
      String nodeName,
      LongFunction<ControllerMessage> message,
      String undone,
      String unheard) {
    if (waiting.size() >= MAX_WAITING) {
      throw Errors.error(
          Code.RESOURCE_EXHAUSTED,
          "OVERLOADED",
          MAX_WAITING + " " + many + " are on their way already; try again later");
    }
    long number = numbers.incrementAndGet();
    CompletableFuture<A> answer = new CompletableFuture<>();
    waiting.put(number, new Waiting<>(nodeUid, answer));
    answer.orTimeout(timeout.toMillis(), TimeUnit.MILLISECONDS);
    return requests
        .port()
        .send(nodeUid, message.apply(number))
        .thenCompose(sent -> {
          if (!sent) {
            answer.completeExceptionally(unreachable(nodeName, "does not answer; " + undone));
          }
          return answer;
        })
        .handleAsync(
            (heard, failure) -> {
              waiting.remove(number);
              if (failure != null) {
                throw failed(failure, nodeName, unheard);
              }
              return heard;
            },
            requests.executor());
  }

  private RuntimeException failed(Throwable failure, String nodeName, String unheard) {
    Throwable cause = failure instanceof CompletionException ? failure.getCause() : failure;
    return cause instanceof TimeoutException
        ? unreachable(nodeName, "did not say within " + timeout.toSeconds() + " s " + unheard)
        : Errors.of(failure);
  }

  private static RuntimeException unreachable(String nodeName, String what) {
    return Errors.error(Code.UNAVAILABLE, "NODE_UNREACHABLE", "node " + nodeName + " " + what);
  }

  /** A node answers; what nobody waits for any more, or another node was asked, is dropped. */
  void answered(String nodeUid, long number, A answer) {
    Waiting<A> waits = waiting.get(number);
    if (waits != null && waits.nodeUid.equals(nodeUid)) {
      waits.answer.complete(answer);
    }
  }
}

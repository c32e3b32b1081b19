package orch.controller.rpc;

import com.google.rpc.Code;
import java.time.Duration;
import java.util.concurrent.CompletionStage;
import orch.api.model.AgentMessage;
import orch.api.model.ControllerMessage;
import orch.api.model.Uid;

/** Signals on their way to nodes, and who waits to hear what became of them. */
final class Signals {
  private final NodeQuestions<AgentMessage.SignalOutcome> questions;

  Signals(Requests requests, Duration timeout) {
    this.questions = new NodeQuestions<>(requests, timeout, "signals");
  }

  /** Processes that were signalled. */
  CompletionStage<Integer> send(
      String nodeUid, String nodeName, Uid attempt, int signal, int target) {
    return questions
        .ask(
            nodeUid,
            nodeName,
            number -> new ControllerMessage.Signal(number, attempt, signal, target),
            "nothing was signalled",
            "what became of the signal; it may have been sent")
        .thenApply(answer -> {
          if (!answer.error().isEmpty()) {
            throw Errors.error(Code.FAILED_PRECONDITION, "NOT_SIGNALLED", answer.error());
          }
          return answer.processes();
        });
  }

  /** A node says what became of one. */
  void outcome(String nodeUid, AgentMessage.SignalOutcome outcome) {
    questions.answered(nodeUid, outcome.request(), outcome);
  }
}

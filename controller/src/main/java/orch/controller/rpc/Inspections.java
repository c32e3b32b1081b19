package orch.controller.rpc;

import com.google.rpc.Code;
import java.time.Duration;
import java.util.concurrent.CompletionStage;
import orch.api.convert.InspectConvert;
import orch.api.model.AgentMessage.Inspected;
import orch.api.model.ControllerMessage;
import orch.controller.core.AttemptView;
import orch.v1.TaskStats;
import orch.v1.TaskTree;

/** Asks nodes what runs of an attempt and what it uses. */
final class Inspections {
  private final NodeQuestions<Inspected> questions;

  Inspections(Requests requests, Duration timeout) {
    this.questions = new NodeQuestions<>(requests, timeout, "questions");
  }

  CompletionStage<TaskTree> tree(AttemptView attempt) {
    return ask(attempt, false)
        .thenApply(answer -> {
          if (answer.tree() == null) {
            throw wrongAnswer(attempt);
          }
          return InspectConvert.toProto(answer.tree()).toBuilder()
              .setNode(attempt.node())
              .setAttempt(attempt.number())
              .build();
        });
  }

  CompletionStage<TaskStats> stats(AttemptView attempt) {
    return ask(attempt, true)
        .thenApply(answer -> {
          if (answer.usage() == null) {
            throw wrongAnswer(attempt);
          }
          return InspectConvert.toProto(answer.usage()).toBuilder()
              .setNode(attempt.node())
              .setAttempt(attempt.number())
              .build();
        });
  }

  private CompletionStage<Inspected> ask(AttemptView attempt, boolean usage) {
    return questions
        .ask(
            attempt.nodeUid(),
            attempt.node(),
            number -> new ControllerMessage.Inspect(number, attempt.uid(), usage),
            "what runs there cannot be seen",
            "what runs there; its agent may be too old to know the question")
        .thenApply(answer -> {
          if (!answer.error().isEmpty()) {
            throw Errors.error(
                Code.FAILED_PRECONDITION,
                "NOT_INSPECTED",
                "node " + attempt.node() + ": " + answer.error());
          }
          return answer;
        });
  }

  private static RuntimeException wrongAnswer(AttemptView attempt) {
    return Errors.error(
        Code.INTERNAL,
        "WRONG_ANSWER",
        "node " + attempt.node() + " answers another question than it was asked");
  }

  /** A node answers. */
  void outcome(String nodeUid, Inspected answer) {
    questions.answered(nodeUid, answer.request(), answer);
  }
}

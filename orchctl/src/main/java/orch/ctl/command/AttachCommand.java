package orch.ctl.command;

import java.io.IOException;
import orch.ctl.http.CallException;
import orch.ctl.json.JsonObject;
import orch.ctl.output.RawTerminal;

/** {@code attach}. */
final class AttachCommand implements Command {
  @Override
  public void syntax(Syntax syntax) {
    syntax
        .flag("--no-stdin", "only the output, of an interactive task as well")
        .option("--tail", "N", "the last N lines of what was printed before (default: 0)")
        .operand("TASK", "1", "JOB/INDEX, such as web/3; JOB alone when it has one task")
        .example("orchctl attach last");
  }

  @Override
  public boolean passesExitCodeOn() {
    return true;
  }

  @Override
  public int run(Session session, Arguments arguments) throws CallException, UsageException {
    String task = Tasks.find(session, arguments.operand(0, "")).name();
    long tail = Units.integer(arguments.option("--tail", "0"), 0, Integer.MAX_VALUE, "--tail");
    JsonObject spec =
        session
            .call(
                "JobService/GetJob",
                new JsonObject().put("name", task.substring(0, task.indexOf("/tasks/"))))
            .object("spec");
    boolean input = spec.flag("interactive") && !arguments.has("--no-stdin");
    boolean tty = input && spec.flag("tty") && session.console().terminal().input();
    JsonObject start =
        new JsonObject().put("name", task).put("stdin", input).put("tail", Long.toString(tail));
    try (Conversation conversation = Conversation.open(session, "Attach", start)) {
      if (tty) {
        return onTerminal(session, conversation);
      }
      session
          .world()
          .signals()
          .handle(new Leaving(conversation), session.console().terminal().input());
      if (input) {
        conversation.sendInput(false);
      }
      return end(session, conversation);
    }
  }

  private static int onTerminal(Session session, Conversation conversation)
      throws CallException, UsageException {
    try (RawTerminal raw = RawTerminal.open()) {
      if (raw.isTaken()) {
        conversation.followWindow();
      }
      conversation.sendInput(true);
      return end(session, conversation);
    } catch (IOException noTerminal) {
      throw new UsageException("cannot take the terminal: " + noTerminal.getMessage());
    }
  }

  private static int end(Session session, Conversation conversation) throws CallException {
    JsonObject result = conversation.printToTheEnd();
    if (!result.has("kind") && conversation.hasLeft()) {
      session.console().note("the task goes on");
      return ExitCodes.DONE;
    }
    return conversation.code(result);
  }

  /** Ctrl-C leaves the task alone. */
  private record Leaving(Conversation conversation) implements Signals.Handler {
    @Override
    public void interrupted() {
      conversation.leave();
    }

    @Override
    public void terminated() {
      conversation.leave();
    }
  }
}

package orch.ctl.command;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import orch.ctl.http.CallException;
import orch.ctl.json.JsonArray;
import orch.ctl.json.JsonObject;
import orch.ctl.output.RawTerminal;

/** {@code task exec}. */
final class TaskExecCommand implements Command {
  private static final int SIGINT = 2;
  private static final int SIGTERM = 15;

  @Override
  public void syntax(Syntax syntax) {
    syntax
        .flag("-i,--interactive", "the command reads standard input")
        .flag("-t,--tty", "with a terminal; takes this one")
        .repeated("-e,--env", "K=V", "variable beside the task's own; K alone: its value here")
        .operand("TASK", "1", "JOB/INDEX, such as web/3; JOB alone when it has one task")
        .operand("COMMAND", "1..*", "program and arguments, after --")
        .endsAtOperand()
        .example("orchctl exec web/3 -- ls -l")
        .example("orchctl exec -it web/3 -- bash");
  }

  @Override
  public boolean passesExitCodeOn() {
    return true;
  }

  @Override
  public int run(Session session, Arguments arguments) throws CallException, UsageException {
    List<String> command = new ArrayList<>(arguments.operands(1));
    if (command.get(0).equals("--")) {
      command.remove(0);
    }
    if (command.isEmpty()) {
      throw new UsageException("the command is missing; it stands after --");
    }
    boolean tty = arguments.has("--tty");
    boolean input = arguments.has("--interactive");
    if (tty && !session.console().terminal().input()) {
      throw new UsageException("-t needs a terminal on standard input; leave it out in a pipe");
    }
    JsonObject env = new JsonObject();
    Map<String, String> given =
        ExportedEnvironment.of(session.world().environment(), "NONE", arguments.options("--env"));
    given.forEach(env::put);
    if (tty && !env.has("TERM")) {
      env.put("TERM", session.world().variable("TERM"));
    }
    JsonObject start =
        new JsonObject()
            .put("name", Tasks.find(session, arguments.operand(0, "")).name())
            .put("command", JsonArray.of(command))
            .put("env", env);
    if (tty) {
      start.put("tty", true).put("size", Conversation.window(RawTerminal.size()));
    }
    try (Conversation conversation = Conversation.open(session, "Exec", start)) {
      return tty ? onTerminal(conversation, input) : inPipes(session, conversation, input);
    }
  }

  private static int inPipes(Session session, Conversation conversation, boolean input)
      throws CallException {
    session
        .world()
        .signals()
        .handle(new Forwarding(session, conversation), session.console().terminal().input());
    if (input) {
      conversation.sendInput(false);
    } else {
      conversation.endInput();
    }
    return conversation.code(conversation.printToTheEnd());
  }

  private static int onTerminal(Conversation conversation, boolean input)
      throws CallException, UsageException {
    try (RawTerminal raw = RawTerminal.open()) {
      if (raw.isTaken()) {
        conversation.followWindow();
      }
      if (input) {
        conversation.sendInput(false);
      }
      return conversation.code(conversation.printToTheEnd());
    } catch (IOException noTerminal) {
      throw new UsageException("-t cannot take the terminal: " + noTerminal.getMessage());
    }
  }

  /** Signals to this process go to the command, which then ends as it likes. */
  private record Forwarding(Session session, Conversation conversation) implements Signals.Handler {
    @Override
    public void interrupted() {
      conversation.signal(SIGINT);
    }

    @Override
    public void terminated() {
      conversation.signal(SIGTERM);
    }
  }
}

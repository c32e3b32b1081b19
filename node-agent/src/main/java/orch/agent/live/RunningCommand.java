package orch.agent.live;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import orch.agent.linux.Linux;
import orch.agent.linux.LinuxException;
import orch.agent.process.CommandPort;
import orch.agent.process.StartRequest;
import orch.api.model.ControllerMessage;
import orch.api.model.Result;
import orch.api.model.ResultKind;
import orch.api.model.StartFailure;

/**
 * A command inside an attempt, between its shim and whoever asked for it. It lives as long as the
 * conversation: the pipe that only this agent holds open ends it when the agent dies, too.
 */
final class RunningCommand extends CallerInput implements CommandPort.CommandListener {
  private final CommandPort commands;
  private final Executor loop;
  private final Conversation conversation;
  private final Runnable over;
  private final List<OutputReader> readers = new ArrayList<>();

  private int life = -1;
  private boolean begun;

  /**
   * @param over told once, when nothing of it is left
   */
  RunningCommand(
      Linux linux, CommandPort commands, Executor loop, Conversation conversation, Runnable over) {
    super(linux);
    this.commands = commands;
    this.loop = loop;
    this.conversation = conversation;
    this.over = over;
  }

  /** Makes its streams and hands it to a shim. On the loop. */
  void start(StartRequest request, ControllerMessage.OpenExec order) {
    List<Integer> passed = new ArrayList<>();
    try {
      if (order.tty()) {
        Linux.Terminal pty = linux.terminal();
        terminal = pty.master();
        passed.addAll(List.of(pty.slave(), pty.slave(), pty.slave()));
        linux.nonBlocking(terminal);
        StartRequest.Identity identity = request.identity();
        if (identity != null) {
          linux.changeOwner(pty.path(), identity.uid(), identity.gid());
        }
        resize(order.rows(), order.columns());
        input = new InputWriter(linux, terminal, true, false, conversation, () -> {});
        readers.add(reader(terminal, Conversation.STDOUT));
      } else {
        Linux.Pipe in = linux.pipe();
        passed.add(in.reading());
        linux.nonBlocking(in.writing());
        input = new InputWriter(linux, in.writing(), false, true, conversation, () -> {});
        for (int stream = Conversation.STDOUT; stream <= Conversation.STDERR; stream++) {
          Linux.Pipe out = linux.pipe();
          passed.add(out.writing());
          readers.add(reader(out.reading(), stream));
        }
      }
      Linux.Pipe alive = linux.pipe();
      passed.add(alive.reading());
      life = alive.writing();
    } catch (LinuxException e) {
      passed.stream().distinct().forEach(linux::close);
      conversation.refuse("cannot make the streams of the command: " + e.getMessage());
      drop();
      return;
    }
    commands.exec(
        new CommandPort.Command(
            request.forCommand(order.command(), order.env()), order.tty(), passed),
        this);
    conversation.listen(this);
  }

  private OutputReader reader(int descriptor, int stream) {
    return new OutputReader(
        linux, descriptor, stream, conversation, () -> loop.execute(this::hangUp));
  }

  /** Nobody wants it any more. On the loop. */
  private void hangUp() {
    commands.forget(this);
    if (life >= 0) {
      linux.close(life);
      life = -1;
    }
    InputWriter writer = input;
    if (writer != null) {
      writer.close();
    }
  }

  // ---- from the shim, on the loop

  @Override
  public void started(int pid) {
    begun = true;
    InputWriter writer = input;
    if (writer != null) {
      writer.start("exec-in-" + pid);
    }
    readers.forEach(reader -> reader.start("exec-out-" + pid));
  }

  @Override
  public void failed(StartFailure why) {
    Result result = Result.without(ResultKind.START_FAILED, why);
    if (begun) {
      exited(result);
      return;
    }
    conversation.result(result);
    drop();
  }

  @Override
  public void exited(Result result) {
    hangUp();
    // Every process of it is gone: what is in the pipes is all there will be.
    readers.forEach(OutputReader::close);
    Thread.ofVirtual()
        .start(() -> {
          try {
            for (OutputReader reader : readers) {
              reader.await();
            }
            conversation.result(result);
            InputWriter writer = input;
            if (writer != null) {
              writer.await();
            }
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
          terminal = -1;
          readers.forEach(reader -> linux.close(reader.descriptor()));
          loop.execute(over);
        });
  }

  @Override
  public void attemptEnds() {
    hangUp();
  }

  /** It never ran: what was made for it is closed. */
  private void drop() {
    hangUp();
    InputWriter writer = input;
    if (writer != null) {
      writer.drop();
    }
    terminal = -1;
    readers.forEach(reader -> linux.close(reader.descriptor()));
    over.run();
  }

  // ---- from whoever asked for it

  @Override
  public void signal(int signal) {
    loop.execute(() -> commands.signal(this, signal));
  }

  @Override
  public void gone() {
    loop.execute(this::hangUp);
  }
}

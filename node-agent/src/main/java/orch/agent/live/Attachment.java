package orch.agent.live;

import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import orch.agent.linux.Linux;
import orch.agent.linux.LinuxException;
import orch.agent.logs.LogSink;
import orch.agent.process.CommandPort;
import orch.api.model.LogRecord;
import orch.api.model.Result;
import orch.api.model.Uid;

/** Somebody's conversation with a running attempt: its output from the log, its input by a pipe. */
final class Attachment extends CallerInput implements LogSink {
  private final CommandPort commands;
  private final Executor loop;
  private final Conversation conversation;
  private final Uid uid;
  private final Runnable closed;
  private final CountDownLatch outputSent = new CountDownLatch(1);
  private boolean over;

  /**
   * @param closed told on the loop when the receiver is gone
   */
  Attachment(
      Linux linux,
      CommandPort commands,
      Executor loop,
      Conversation conversation,
      Uid uid,
      Runnable closed) {
    super(linux);
    this.commands = commands;
    this.loop = loop;
    this.conversation = conversation;
    this.uid = uid;
    this.closed = closed;
  }

  /** Without input. On the loop. */
  void begin() {
    conversation.listen(this);
  }

  /** With this descriptor to write to. On the loop. */
  void begin(int descriptor, boolean isTerminal) {
    if (over) {
      linux.close(descriptor);
      return;
    }
    try {
      linux.nonBlocking(descriptor);
    } catch (LinuxException e) {
      linux.close(descriptor);
      conversation.refuse("cannot write to the task's input: " + e.getMessage());
      return;
    }
    if (isTerminal) {
      terminal = descriptor;
    }
    InputWriter writer =
        new InputWriter(
            linux,
            descriptor,
            isTerminal,
            true,
            conversation,
            () -> loop.execute(() -> commands.endInput(uid)));
    input = writer;
    writer.start("attach-" + uid);
    conversation.listen(this);
  }

  /** No output is wanted: it counts as sent. */
  void withoutOutput() {
    outputSent.countDown();
  }

  /** The attempt has ended. On the loop. */
  void ended(Result result) {
    closeInput();
    Thread.ofVirtual()
        .start(() -> {
          try {
            outputSent.await();
            conversation.result(result);
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
        });
  }

  private void closeInput() {
    over = true;
    terminal = -1;
    InputWriter writer = input;
    if (writer != null) {
      // Not the end of the input: somebody may attach again.
      writer.close();
    }
  }

  // ---- output

  @Override
  public boolean send(List<LogRecord> records) throws InterruptedException {
    for (LogRecord record : records) {
      if (record.data().size() > 0
          && !conversation.send(
              record.stream() == 2 ? Conversation.STDERR : Conversation.STDOUT,
              record.data().toByteArray())) {
        return false;
      }
    }
    return true;
  }

  @Override
  public void notice(String sentence) {
    // What cannot be read is seen by StreamLogs.
  }

  @Override
  public void complete() {
    outputSent.countDown();
  }

  // ---- from whoever is attached

  @Override
  public void signal(int signal) {
    // Signals to tasks go by SignalTask.
  }

  @Override
  public void gone() {
    loop.execute(() -> {
      closeInput();
      outputSent.countDown();
      closed.run();
    });
  }
}

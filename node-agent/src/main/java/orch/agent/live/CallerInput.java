package orch.agent.live;

import orch.agent.linux.Linux;
import orch.agent.linux.LinuxException;
import org.jspecify.annotations.Nullable;

/** What a caller sends to a process: its input, and the size of its terminal. */
abstract class CallerInput implements Conversation.Listener {
  protected final Linux linux;

  /** Null: the process takes no input. */
  protected volatile @Nullable InputWriter input;

  /** Master of its terminal; -1: it has none, or none any more. */
  protected volatile int terminal = -1;

  CallerInput(Linux linux) {
    this.linux = linux;
  }

  @Override
  public final void input(byte[] bytes) {
    InputWriter writer = input;
    if (writer != null) {
      writer.write(bytes);
    }
  }

  @Override
  public final void endOfInput() {
    InputWriter writer = input;
    if (writer != null) {
      writer.end();
    }
  }

  @Override
  public final void resize(int rows, int columns) {
    int master = terminal;
    if (master >= 0 && rows > 0 && columns > 0) {
      try {
        linux.windowSize(master, rows, columns);
      } catch (LinuxException ended) {
        // Then nobody looks at it.
      }
    }
  }
}

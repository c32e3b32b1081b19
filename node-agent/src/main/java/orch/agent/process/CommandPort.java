package orch.agent.process;

import java.util.List;
import orch.api.model.Result;
import orch.api.model.StartFailure;
import orch.api.model.Uid;

/**
 * Commands inside running attempts, and the input of tasks. Called on the agent's loop, returns at
 * once; listeners are called on the loop.
 */
public interface CommandPort {
  /**
   * A command to start.
   *
   * @param start who it runs as, where, with what
   * @param terminal descriptor 0 becomes its controlling terminal
   * @param descriptors of its stdin, stdout and stderr, and the reading end of a pipe: when all
   *     writing ends of that are closed, whoever wanted the command is gone and it is ended
   */
  record Command(StartRequest start, boolean terminal, List<Integer> descriptors) {
    public Command {
      descriptors = List.copyOf(descriptors);
      if (descriptors.size() != 4) {
        throw new IllegalArgumentException("a command has four descriptors");
      }
    }
  }

  /**
   * Starts a command as soon as a shim is free. The descriptors are closed once they are passed.
   */
  void exec(Command command, CommandListener listener);

  /** Sends a signal to a command's leader; nothing when it does not run (any more). */
  void signal(CommandListener of, int signal);

  /** Forgets a command that no shim has yet; a started one is ended by its pipe. */
  void forget(CommandListener of);

  /**
   * Asks for a descriptor that writes to the input of an attempt.
   *
   * @param answer a descriptor of the caller's own, or -1: the attempt has no such input (any more)
   */
  void input(Uid uid, InputAnswer answer);

  /** The attempt's input has ended: it reads what is there, then the end. */
  void endInput(Uid uid);

  /** Takes a descriptor. */
  @FunctionalInterface
  interface InputAnswer {
    void input(int descriptor);
  }

  /** Hears of one command. */
  interface CommandListener {
    /** It executes. */
    void started(int pid);

    /** It never executed; nothing follows. */
    void failed(StartFailure why);

    /** It ended, and nothing that it started is left; nothing follows. */
    void exited(Result result);

    /** The attempt ends: whoever holds the pipe is to close it. */
    void attemptEnds();
  }
}

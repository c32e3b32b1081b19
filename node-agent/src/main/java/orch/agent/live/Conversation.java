package orch.agent.live;

import orch.api.model.Result;

/**
 * The agent's side of a ServeExec stream. Methods may be called by any thread; those that send
 * output wait while the receiver grants no credit.
 */
public interface Conversation {
  int STDOUT = 1;
  int STDERR = 2;

  /** From now on {@code listener} hears what comes in; what came before is told first. */
  void listen(Listener listener);

  /**
   * Sends a piece of output, waiting for credit.
   *
   * @return false when the receiver is gone
   */
  boolean send(int stream, byte[] bytes) throws InterruptedException;

  /** The agent takes so many bytes of input more. */
  void credit(long bytes);

  /** The end: how it ended. */
  void result(Result result);

  /** The end: nothing was done, for this reason. */
  void refuse(String why);

  /** What comes in; called by one thread at a time. Must not block. */
  interface Listener {
    void input(byte[] bytes);

    void endOfInput();

    void resize(int rows, int columns);

    void signal(int signal);

    /** The receiver is gone: nothing comes any more, and nothing can be sent. */
    void gone();
  }
}

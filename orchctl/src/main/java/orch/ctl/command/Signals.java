package orch.ctl.command;

/** Signals that ask this process to end. */
public interface Signals {
  /** What is to be done about them; called on a thread of its own. */
  interface Handler {
    /**
     * Ctrl-C on a terminal; the process goes on when this returns. May be called again meanwhile.
     */
    void interrupted();

    /** The process is to end, and does when this returns. */
    void terminated();
  }

  /**
   * From now on signals go to this handler.
   *
   * @param onTerminal whether somebody sits before it, so that SIGINT is a question
   */
  void handle(Handler handler, boolean onTerminal);

  /** Ends the process at once. */
  void halt(int exitCode);

  /** Runs the action whenever the terminal's window has another size. */
  default void onWindowChange(Runnable action) {
    // Where it cannot be known.
  }
}

package orch.ctl.command;

import orch.ctl.http.CallException;

/** One command of orchctl. */
interface Command {
  /** Says what it accepts. */
  void syntax(Syntax syntax);

  /**
   * Does it.
   *
   * @return the exit code
   */
  int run(Session session, Arguments arguments) throws CallException, UsageException;

  /** Whether its exit code is that of a task, so that Orch's own failures are 125. */
  default boolean passesExitCodeOn() {
    return false;
  }
}

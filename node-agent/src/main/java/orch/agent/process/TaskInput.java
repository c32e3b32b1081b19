package orch.agent.process;

import java.util.ArrayList;
import java.util.List;
import orch.agent.linux.Linux;
import orch.agent.linux.LinuxException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The descriptors that go with the START of an interactive task: its standard input (of a terminal
 * all three streams), and the other end, which its shim keeps. The agent keeps none: it asks the
 * shim when somebody attaches, so that its death ends no input.
 *
 * @param descriptors this agent's, to be closed once they were passed
 * @param targets what they become in the task
 * @param flags of START
 */
record TaskInput(List<Integer> descriptors, List<Integer> targets, long flags) {
  private static final Logger log = LoggerFactory.getLogger(TaskInput.class);
  private static final int ROWS = 24;
  private static final int COLUMNS = 80;

  /** SD_LISTEN_FDS_START. */
  private static final int FIRST_PASSED = 3;

  static final TaskInput NONE = new TaskInput(List.of(), List.of(), 0);

  static TaskInput of(Linux linux, StartRequest request) throws LinuxException {
    return switch (request.input()) {
      case NONE -> NONE;
      case PIPE -> {
        Linux.Pipe pipe = linux.pipe();
        yield new TaskInput(
            List.of(pipe.reading(), pipe.writing()),
            List.of(0, Protocol.FD_KEPT),
            Protocol.S_INPUT);
      }
      case TERMINAL -> terminal(linux, request);
    };
  }

  private static TaskInput terminal(Linux linux, StartRequest request) throws LinuxException {
    Linux.Terminal pty = linux.terminal();
    TaskInput input =
        new TaskInput(
            List.of(pty.slave(), pty.slave(), pty.slave(), pty.master()),
            List.of(0, 1, 2, Protocol.FD_KEPT),
            Protocol.S_INPUT | Protocol.S_TERMINAL | Protocol.S_CTTY);
    try {
      StartRequest.Identity identity = request.identity();
      if (identity != null) {
        linux.changeOwner(pty.path(), identity.uid(), identity.gid());
      }
      linux.windowSize(pty.master(), ROWS, COLUMNS);
      return input;
    } catch (LinuxException e) {
      input.close(linux);
      throw e;
    }
  }

  /**
   * Hands a START to a shim; false when it cannot be reached, or has not all of it.
   *
   * @param more descriptors that the task gets beside its input, from 3 on; they stay open
   */
  static boolean sendStart(
      Linux linux,
      Shim shim,
      StartRequest request,
      LauncherPort.Deadline deadline,
      List<Integer> more) {
    TaskInput input = NONE;
    try {
      input = of(linux, request);
      // Their order is that of their targets.
      List<Integer> passed = new ArrayList<>(input.descriptors);
      List<Integer> targets = new ArrayList<>(input.targets);
      for (int descriptor : more) {
        targets.add(FIRST_PASSED + targets.size() - input.targets.size());
        passed.add(descriptor);
      }
      for (byte[] part :
          Outgoing.start(
              Protocol.START,
              shim.startSeq,
              shim.slot,
              request,
              deadline,
              input.flags | (more.isEmpty() ? 0 : Protocol.S_LISTEN_PID),
              targets)) {
        linux.send(shim.fd, part, part.length, passed, true);
        passed = List.of();
      }
      return true;
    } catch (LinuxException e) {
      log.warn("cannot hand {} to shim {}: {}", request.name(), shim.slot, e.getMessage());
      return false;
    } finally {
      input.close(linux);
    }
  }

  private void close(Linux linux) {
    descriptors.stream().distinct().forEach(linux::close);
  }
}

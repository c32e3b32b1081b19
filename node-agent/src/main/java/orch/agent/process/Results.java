package orch.agent.process;

import orch.agent.linux.Errno;
import orch.agent.process.Incoming.ExitFacts;
import orch.agent.process.Incoming.FailureFacts;
import orch.api.model.Result;
import orch.api.model.ResultKind;
import orch.api.model.StartFailure;
import org.jspecify.annotations.Nullable;

/** From what the kernel and the shims said to the words of the API; nothing is added. */
final class Results {
  private static final int CLD_EXITED = 1;
  private static final int SIGKILL = 9;

  private Results() {}

  /** A start that was refused before anything was claimed. */
  static StartFailure of(Incoming.Refused of, StartRequest request) {
    String why = "cannot start " + request.name() + ": request: " + of.text();
    return new StartFailure("request", of.errno(), why);
  }

  static Result of(ExitFacts facts) {
    boolean oom = oomKilled(facts);
    boolean tree = facts.has(Protocol.E_CPU);
    return new Result(
        kind(facts, oom),
        facts.siCode(),
        facts.siStatus(),
        null,
        oom,
        facts.has(Protocol.E_MEMORY) ? facts.oomKill() : 0,
        tree ? facts.cpuUserMicros() : facts.userMicros(),
        tree ? facts.cpuSystemMicros() : facts.systemMicros(),
        facts.has(Protocol.E_PEAK) ? facts.memoryPeak() : 0,
        facts.outBytes() + facts.errBytes(),
        facts.lostBytes());
  }

  private static ResultKind kind(ExitFacts facts, boolean oom) {
    if (facts.has(Protocol.E_STATUS_UNKNOWN)) {
      return ResultKind.UNKNOWN;
    }
    if (oom) {
      return ResultKind.OUT_OF_MEMORY;
    }
    if (facts.has(Protocol.E_LEASE)) {
      return ResultKind.NO_LEASE;
    }
    if (facts.has(Protocol.E_DEADLINE)) {
      return ResultKind.TIMED_OUT;
    }
    if (facts.has(Protocol.E_STOPPED)) {
      return ResultKind.STOPPED;
    }
    return facts.siCode() == CLD_EXITED ? ResultKind.EXITED : ResultKind.SIGNALED;
  }

  /** The leader was ended by SIGKILL while the OOM killer was at work in its cgroup. */
  private static boolean oomKilled(ExitFacts facts) {
    return facts.has(Protocol.E_MEMORY)
        && facts.siCode() != CLD_EXITED
        && facts.siStatus() == SIGKILL
        && (facts.oomKill() > 0 || facts.oomGroupKill() > 0)
        && !facts.has(Protocol.E_STOPPED)
        && !facts.has(Protocol.E_LEASE);
  }

  /**
   * A start that failed, in a sentence with its remedy.
   *
   * @param task for people, {@code web/3@2}
   * @param request null: it is not known any more (an agent before this one made it)
   */
  static StartFailure of(FailureFacts facts, String task, @Nullable StartRequest request) {
    String stage = Protocol.stageName(facts.stage());
    String what = request == null ? stage : what(facts, request);
    String message =
        "cannot start "
            + task
            + ": "
            + what
            + ": "
            + (facts.stage() == Protocol.STAGE_KILLED
                ? "killed by signal " + facts.index() + " before it executed"
                : Errno.describe(facts.errno()))
            + remedy(facts, request);
    return new StartFailure(stage, facts.errno(), message);
  }

  private static String what(FailureFacts facts, StartRequest request) {
    return switch (facts.stage()) {
      case Protocol.STAGE_EXEC -> "exec " + request.arguments().getFirst();
      case Protocol.STAGE_CWD -> "chdir " + request.workingDirectory();
      case Protocol.STAGE_STDIN -> "open stdin " + request.stdin();
      case Protocol.STAGE_STDOUT -> "open stdout " + request.stdout();
      case Protocol.STAGE_STDERR -> "open stderr " + request.stderr();
      case Protocol.STAGE_LIMIT ->
          facts.index() < request.limits().size()
              ? "limit " + request.limits().get(facts.index()).file()
              : "limit";
      case Protocol.STAGE_LANDLOCK ->
          facts.index() < request.pathRules().size()
              ? "file access to " + request.pathRules().get(facts.index()).path()
              : "file access";
      default -> Protocol.stageName(facts.stage());
    };
  }

  private static String remedy(FailureFacts facts, @Nullable StartRequest request) {
    return switch (facts.stage()) {
      case Protocol.STAGE_EXEC ->
          switch (facts.errno()) {
            case Errno.ENOENT ->
                "; give the path of a program that exists on the node, or one in the task's PATH";
            case Errno.EACCES ->
                "; make it executable for the task's user"
                    + (request != null && !request.pathRules().isEmpty()
                        ? ", and open it, its interpreter and libraries by fileAccess.read"
                        : "");
            case Errno.ENOEXEC -> "; it is no program: give a script its #! line";
            case Errno.E2BIG -> "; pass less in arguments and environment, use files instead";
            default -> "";
          };
      case Protocol.STAGE_CWD -> "; make the directory on the node, or name another";
      case Protocol.STAGE_LIMIT ->
          "; this host cannot enforce the limit: leave it out or choose another node";
      case Protocol.STAGE_LANDLOCK ->
          facts.errno() == Errno.ENOENT
              ? "; make it on the node, or leave it out"
              : "; this needs a kernel with Landlock and noNewPrivileges: leave fileAccess out or"
                  + " choose another node";
      case Protocol.STAGE_PID_NAMESPACE ->
          facts.errno() == Errno.ESRCH
              ? "; the task has ended, or its guard is of an earlier launcher"
              : "; this needs an agent that runs as root: leave pidNamespace out or choose another"
                  + " node";
      case Protocol.STAGE_SECCOMP ->
          facts.errno() == Errno.EACCES ? "; leave noNewPrivileges at true" : "";
      default -> "";
    };
  }
}

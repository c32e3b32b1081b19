package orch.agent.process;

import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import orch.api.model.Blob;
import orch.api.model.StopPolicy;
import orch.api.model.Uid;
import org.jspecify.annotations.Nullable;

/**
 * Everything that a shim needs to start an attempt: nothing is left to expand or to look up.
 *
 * @param name for people, {@code web/3@2}
 * @param arguments program and arguments
 * @param environment complete
 * @param workingDirectory absolute
 * @param stdin path; null: /dev/null
 * @param stdout path; null: the log
 * @param stderr path; null: the log
 * @param joinStreams stderr goes where stdout goes
 * @param identity null: the launcher's own user
 * @param capabilities kept, bit n is capability n (capabilities(7)); null: as the identity has them
 * @param taskDirectory made by the shim, owned by the task's user
 * @param limits files of the leaf cgroup and what is written to them, in order
 * @param rlimits by number of the resource
 * @param deadlineBootNanos the shim stops the attempt itself at this CLOCK_BOOTTIME; 0: never
 * @param logTotalBytes kept of its output; 0: no limit
 * @param filter seccomp program, struct sock_filter[]; empty: none
 * @param preStop program and arguments run before the stop signal; empty: none
 * @param pidNamespace of its own; of a command: the attempt's
 * @param pathRules empty: the file system is as open as to any process of its user
 * @param input of its standard input
 */
public record StartRequest(
    Uid uid,
    String bootId,
    String name,
    List<String> arguments,
    SortedMap<String, String> environment,
    String workingDirectory,
    @Nullable String stdin,
    @Nullable String stdout,
    @Nullable String stderr,
    boolean joinStreams,
    @Nullable Identity identity,
    @Nullable Integer umask,
    @Nullable Integer nice,
    @Nullable Integer oomScoreAdj,
    boolean noNewPrivileges,
    @Nullable Long capabilities,
    boolean waitForDescendants,
    @Nullable String taskDirectory,
    List<Limit> limits,
    List<ResourceLimit> rlimits,
    StopPolicy stop,
    long deadlineBootNanos,
    long logTotalBytes,
    Blob filter,
    List<String> preStop,
    boolean pidNamespace,
    List<PathRule> pathRules,
    Input input) {

  /** Where standard input comes from when it is no path. */
  public enum Input {
    NONE,
    /** A pipe that is kept open for whoever attaches. */
    PIPE,
    /** A terminal that is standard output and error as well. */
    TERMINAL
  }

  /**
   * The same user, directory, environment and rlimits for a command inside the attempt: no files,
   * no log, no limits, which the attempt's cgroup has already.
   *
   * @param command program and arguments
   * @param more added to the environment
   */
  public StartRequest forCommand(List<String> command, SortedMap<String, String> more) {
    SortedMap<String, String> all = new TreeMap<>(environment);
    all.putAll(more);
    return new StartRequest(
        uid,
        bootId,
        name,
        command,
        all,
        workingDirectory,
        null,
        null,
        null,
        false,
        identity,
        umask,
        nice,
        oomScoreAdj,
        noNewPrivileges,
        capabilities,
        false,
        null,
        List.of(),
        rlimits,
        stop,
        0,
        0,
        filter,
        List.of(),
        pidNamespace,
        pathRules,
        Input.NONE);
  }

  /** Whom the task runs as. */
  public record Identity(int uid, int gid, List<Integer> groups) {
    public Identity {
      groups = List.copyOf(groups);
    }
  }

  /** A line written to a file of the leaf cgroup before the task exists. */
  public record Limit(String file, String value) {}

  /** One setrlimit(2); -1 is RLIM_INFINITY. */
  public record ResourceLimit(int resource, long soft, long hard) {}

  /** What a task may do beneath a path: read and execute, with {@code write} everything. */
  public record PathRule(String path, boolean write) {}

  public StartRequest {
    preStop = List.copyOf(preStop);
    pathRules = List.copyOf(pathRules);
    arguments = List.copyOf(arguments);
    limits = List.copyOf(limits);
    rlimits = List.copyOf(rlimits);
  }
}

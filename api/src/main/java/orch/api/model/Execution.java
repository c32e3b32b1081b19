package orch.api.model;

import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What a task executes and how its process is set up.
 *
 * @param command program and arguments; empty when {@code script} is set
 * @param script executed from ORCH_TASK_DIR; empty when {@code command} is set
 * @param files small inputs laid into ORCH_TASK_DIR, by name
 * @param stdin path opened as the job's user; empty: /dev/null
 * @param stdout path; empty: the log
 * @param stderr path; empty: the log; {@code stdout}: one stream in true order
 * @param user login name or uid; empty: the agent's own, or nobody under a root agent
 * @param workingDirectory empty: ORCH_TASK_DIR
 * @param umask null: 022
 * @param rlimits by lower-case name without RLIMIT_
 * @param capabilities kept, lower case without CAP_
 * @param seccomp name of a profile; empty: none
 * @param waitForDescendants when the leader exits: wait for its descendants in place of killing
 *     them
 * @param pidNamespace the task sees only its own processes
 * @param fileAccess null: whatever its user may
 * @param interactive standard input stays open for whoever attaches, until one of them ends it
 * @param tty with {@code interactive}: the three standard streams are one pseudo-terminal
 */
public record Execution(
    List<String> command,
    Blob script,
    SortedMap<String, Blob> files,
    SortedMap<String, String> env,
    String stdin,
    String stdout,
    String stderr,
    String user,
    String workingDirectory,
    @Nullable Integer umask,
    @Nullable Integer nice,
    @Nullable Integer oomScoreAdj,
    SortedMap<String, Rlimit> rlimits,
    List<String> capabilities,
    boolean noNewPrivileges,
    String seccomp,
    boolean waitForDescendants,
    List<ListenSocket> sockets,
    boolean pidNamespace,
    @Nullable FileAccess fileAccess,
    boolean interactive,
    boolean tty) {
  public Execution {
    command = List.copyOf(command);
    files = Collections.unmodifiableSortedMap(new TreeMap<>(files));
    env = Collections.unmodifiableSortedMap(new TreeMap<>(env));
    rlimits = Collections.unmodifiableSortedMap(new TreeMap<>(rlimits));
    capabilities = List.copyOf(capabilities);
    sockets = List.copyOf(sockets);
    if (tty && !interactive) {
      throw new IllegalArgumentException("a terminal is interactive");
    }
    if (command.isEmpty() == script.isEmpty()) {
      throw new IllegalArgumentException("a job has either a command or a script");
    }
  }

  /** A command with every other setting at its default. */
  public static Execution command(List<String> command) {
    return new Execution(
        command,
        Blob.EMPTY,
        new TreeMap<>(),
        new TreeMap<>(),
        "",
        "",
        "",
        "",
        "",
        null,
        null,
        null,
        new TreeMap<>(),
        List.of(),
        true,
        "",
        false,
        List.of(),
        false,
        null,
        false,
        false);
  }

  /** The same with another name of a seccomp profile. */
  public Execution withSeccomp(String profile) {
    return new Execution(
        command,
        script,
        files,
        env,
        stdin,
        stdout,
        stderr,
        user,
        workingDirectory,
        umask,
        nice,
        oomScoreAdj,
        rlimits,
        capabilities,
        noNewPrivileges,
        profile,
        waitForDescendants,
        sockets,
        pidNamespace,
        fileAccess,
        interactive,
        tty);
  }

  /** The same with another view of the host. */
  public Execution withIsolation(boolean ownPids, @Nullable FileAccess access) {
    return new Execution(
        command,
        script,
        files,
        env,
        stdin,
        stdout,
        stderr,
        user,
        workingDirectory,
        umask,
        nice,
        oomScoreAdj,
        rlimits,
        capabilities,
        noNewPrivileges,
        seccomp,
        waitForDescendants,
        sockets,
        ownPids,
        access,
        interactive,
        tty);
  }
}

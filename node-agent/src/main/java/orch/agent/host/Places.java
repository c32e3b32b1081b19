package orch.agent.host;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Where an agent keeps what.
 *
 * @param data journal, output and the agent's own files; survives a reboot
 * @param run sockets, pipes and scratch directories; on a tmpfs where the host has one
 * @param launcher the launcher's executable
 */
public record Places(Path data, Path run, Path launcher) {
  private static final String TRAVERSE = "rwx--x--x";
  private static final Path SYSTEM_RUN = Path.of("/run");
  private static final Path SYSTEMD = Path.of("/run/systemd/system");

  /** The unit that the agent is in when it was installed as documented. */
  private static final String SERVICE = "orch-agent.service";

  /** Room that a socket's name has beside the directory: unix(7) allows 107 bytes in all. */
  private static final int LONGEST_RUN_DIRECTORY = 80;

  /**
   * Finds the places of a node; the same ones at each start.
   *
   * @param root whether the agent is root
   */
  public static Places of(
      Path data, NodeIdentity identity, boolean root, Map<String, String> environment)
      throws IOException {
    Path remembered = data.resolve("run-directory");
    Path run;
    if (Files.exists(remembered)) {
      run = Path.of(Files.readString(remembered, StandardCharsets.UTF_8).strip());
    } else {
      run = chooseRun(data, identity, root, environment);
      Files.writeString(remembered, run + "\n", StandardCharsets.UTF_8);
    }
    if (run.toString().length() > LONGEST_RUN_DIRECTORY) {
      Files.delete(remembered);
      throw new IOException(
          "the directory for sockets, "
              + run
              + ", has too long a name (a socket's name has 107 bytes); give a shorter"
              + " --data-dir, or set XDG_RUNTIME_DIR");
    }
    return new Places(data, run, findLauncher());
  }

  /** Makes the run directory and, in it, that of the tasks' scratch directories. */
  public void make() throws IOException {
    for (Path directory : List.of(run, tasks())) {
      Files.createDirectories(directory);
      Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString(TRAVERSE));
    }
  }

  /** Others pass through it, and see only what is theirs. */
  public Path tasks() {
    return run.resolve("tasks");
  }

  public Path segments() {
    return data.resolve("segments");
  }

  /**
   * One agent a data directory; the lock lasts as long as the process.
   *
   * @return null when another agent has it
   */
  public static @Nullable FileLock lock(Path data) throws IOException {
    FileChannel file =
        FileChannel.open(data.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    try {
      FileLock lock = file.tryLock();
      if (lock == null) {
        file.close();
      }
      return lock;
    } catch (OverlappingFileLockException e) {
      file.close();
      return null;
    }
  }

  /** Whether systemd is this host's PID 1. */
  public static boolean hasSystemd() {
    return Files.isDirectory(SYSTEMD);
  }

  /**
   * What starts the launcher so that it outlives the agent: under systemd, as root, in a scope of
   * its own whose cgroup is delegated; elsewhere in a session of its own.
   */
  public static List<String> prefix(boolean root, String scope) {
    if (!root || !hasSystemd()) {
      return List.of("setsid");
    }
    return new ArrayList<>(
        List.of(
            "systemd-run",
            "--quiet",
            "--scope",
            "--collect",
            "--unit=" + scope,
            "--property=Delegate=yes",
            // When the host stops, units end in the reverse order: first the agent, which sees to
            // its tasks, then this scope with what is left.
            "--property=Before=" + SERVICE,
            "--description=Tasks of Orch",
            "setsid"));
  }

  private static Path chooseRun(
      Path data, NodeIdentity identity, boolean root, Map<String, String> environment) {
    String name = "orch-" + identity.shortUid();
    if (root && Files.isWritable(SYSTEM_RUN)) {
      return SYSTEM_RUN.resolve(name);
    }
    String own = environment.getOrDefault("XDG_RUNTIME_DIR", "");
    if (!root && own.startsWith("/") && Files.isWritable(Path.of(own))) {
      return Path.of(own).resolve(name);
    }
    return data.resolve("run");
  }

  private static Path findLauncher() throws IOException {
    String named = System.getProperty("orch.launcher", "");
    String home = System.getProperty("orch.home", "");
    Path program = !named.isEmpty() ? Path.of(named) : Path.of(home, "libexec", "orch-launcher");
    if (!Files.isExecutable(program)) {
      throw new IOException(
          program
              + " is missing; start the agent as bin/orch-agent of a distribution, or name the"
              + " launcher by -Dorch.launcher=FILE");
    }
    return program.toAbsolutePath();
  }
}

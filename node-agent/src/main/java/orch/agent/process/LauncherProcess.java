package orch.agent.process;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import orch.agent.linux.Errno;
import orch.agent.linux.Linux;
import orch.agent.linux.LinuxException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The launcher as a process: found by its socket, or started. It is started in a session of its
 * own, so that neither the agent's end nor a Ctrl-C reaches it; where systemd runs as PID 1 and the
 * agent is root, in a scope of its own, whose cgroup is delegated to it.
 */
public final class LauncherProcess {
  private static final Logger log = LoggerFactory.getLogger(LauncherProcess.class);
  private static final String SOCKET = "launcher.sock";
  private static final long START_SECONDS = 20;

  private final Path program;
  private final Path runDirectory;
  private final Path dataDirectory;
  private final List<String> prefix;
  private final @Nullable Path cgroup;
  private final int maxShims;

  /**
   * @param program the launcher's executable
   * @param runDirectory its sockets, pipes and locks; short, since socket paths are
   * @param dataDirectory its journal and the tasks' output
   * @param prefix what starts it in its place: {@code setsid}, or {@code systemd-run --scope ...}
   * @param cgroup subtree for its tasks; null: none
   */
  public LauncherProcess(
      Path program,
      Path runDirectory,
      Path dataDirectory,
      List<String> prefix,
      @Nullable Path cgroup,
      int maxShims) {
    this.program = program;
    this.runDirectory = runDirectory;
    this.dataDirectory = dataDirectory;
    this.prefix = List.copyOf(prefix);
    this.cgroup = cgroup;
    this.maxShims = maxShims;
  }

  /** A socket to the launcher, which is started if none listens. */
  int connect(Linux linux) throws IOException {
    String path = runDirectory.resolve(SOCKET).toString();
    try {
      return linux.connectSeqpacket(path);
    } catch (LinuxException e) {
      if (e.errno() != Errno.ENOENT && e.errno() != Errno.ECONNREFUSED) {
        throw e;
      }
    }
    start();
    return linux.connectSeqpacket(path);
  }

  /** A socket to a launcher that runs already; -1 when none does. */
  int connectIfRunning(Linux linux) throws IOException {
    try {
      return linux.connectSeqpacket(runDirectory.resolve(SOCKET).toString());
    } catch (LinuxException e) {
      if (e.errno() == Errno.ENOENT || e.errno() == Errno.ECONNREFUSED) {
        return -1;
      }
      throw e;
    }
  }

  /** Whether a launcher runs. */
  public boolean answers(Linux linux) throws IOException {
    int socket = connectIfRunning(linux);
    if (socket < 0) {
      return false;
    }
    linux.close(socket);
    return true;
  }

  /** Whether this process is a launcher or a shim that lives. */
  boolean alive(int pid) {
    try {
      String name = Files.readString(Path.of("/proc", Integer.toString(pid), "comm"));
      return name.startsWith("orch-");
    } catch (IOException gone) {
      return false;
    }
  }

  private void start() throws IOException {
    Files.createDirectories(runDirectory);
    Files.createDirectories(dataDirectory);
    List<String> command = new ArrayList<>(prefix);
    command.addAll(
        List.of(
            program.toString(),
            "--run-dir",
            runDirectory.toString(),
            "--journal-dir",
            dataDirectory.resolve("journal").toString(),
            "--segments-dir",
            dataDirectory.resolve("segments").toString(),
            "--max-shims",
            Integer.toString(maxShims)));
    if (cgroup != null) {
      command.addAll(List.of("--cgroup", cgroup.toString()));
    }
    Path output = dataDirectory.resolve("launcher.log");
    log.info("starting the launcher; its words are in {}", output);
    Process started =
        new ProcessBuilder(command)
            .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
            .redirectError(ProcessBuilder.Redirect.appendTo(output.toFile()))
            .start();
    // Read by hand: the pipe stays open in the launcher for life, and must not be waited for.
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(START_SECONDS);
    StringBuilder said = new StringBuilder();
    while (said.indexOf("ready") < 0) {
      if (started.getInputStream().available() > 0) {
        said.append((char) started.getInputStream().read());
      } else if (!started.isAlive() || System.nanoTime() > deadline) {
        throw new IOException("the launcher did not start: " + lastWords(output));
      } else {
        try {
          TimeUnit.MILLISECONDS.sleep(5);
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          throw new IOException("interrupted while the launcher was starting", e);
        }
      }
    }
  }

  private static String lastWords(Path output) {
    try {
      List<String> lines = Files.readAllLines(output, StandardCharsets.UTF_8);
      return lines.isEmpty() ? "it said nothing" : lines.getLast();
    } catch (IOException e) {
      return "its log cannot be read: " + e.getMessage();
    }
  }
}

package orch.systemtests;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * Controllers and agents of the distribution on this machine, each a process of its own with a data
 * directory of its name below one directory, and {@code orchctl} against them.
 */
final class Daemons {
  /** What is to end between the daemons and the look for what they left. */
  @FunctionalInterface
  interface Ending {
    void end() throws IOException, InterruptedException;
  }

  private final Path directory;
  private final String user;
  private final List<String> prefix;
  private final TreeMap<String, Daemon> controllers = new TreeMap<>();
  private final TreeMap<String, Daemon> agents = new TreeMap<>();
  private Path distribution;

  /** As the user that runs the tests. */
  Daemons(Path directory) {
    this(Cluster.distribution(), directory, System.getProperty("user.name"), List.of());
  }

  /**
   * @param directory is there already, and goes when they are closed
   * @param user whom tasks run as
   * @param prefix put in front of every command; makes it run as {@code user}
   */
  Daemons(Path distribution, Path directory, String user, List<String> prefix) {
    this.distribution = distribution;
    this.directory = directory;
    this.user = user;
    this.prefix = List.copyOf(prefix);
  }

  Path directory() {
    return directory;
  }

  Path distribution() {
    return distribution;
  }

  /** Daemons that are started from now on are of another version. */
  void upgrade(Path to) {
    distribution = to;
  }

  /** Where the daemon of that name has its data. */
  Path data(String name) {
    return directory.resolve(name);
  }

  /** Starts a controller, for the first time or again; returns when it is ready. */
  Daemon startController(String name, List<String> flags) throws IOException, InterruptedException {
    return start(controllers, "orch-controller", name, flags);
  }

  /**
   * Starts an agent, for the first time or again; returns when it is ready.
   *
   * @param controllers {@code host:port} of their gRPC, by commas
   * @param node its node's name
   */
  Daemon startAgent(String name, String controllers, String node, List<String> flags)
      throws IOException, InterruptedException {
    List<String> all =
        new ArrayList<>(
            List.of(
                "--controller",
                controllers,
                "--name",
                node,
                "--allow-missing-limits",
                "--allow-root"));
    all.addAll(flags);
    return start(agents, "orch-agent", name, all);
  }

  private Daemon start(Map<String, Daemon> daemons, String program, String name, List<String> flags)
      throws IOException, InterruptedException {
    List<String> command = command(program, List.of("--data-dir", data(name).toString()));
    command.addAll(flags);
    Daemon started = Daemon.start(name, command);
    daemons.put(name, started);
    return started;
  }

  Daemon controller(String name) {
    return found(controllers, name);
  }

  Daemon agent(String name) {
    return found(agents, name);
  }

  private static Daemon found(Map<String, Daemon> daemons, String name) {
    Daemon daemon = daemons.get(name);
    if (daemon == null) {
      throw new IllegalStateException(name + " was not started");
    }
    return daemon;
  }

  /** Sends a signal, such as STOP. */
  void signal(Daemon daemon, String signal) throws IOException, InterruptedException {
    CommandResult sent =
        Shell.run(
            List.of("kill", "-" + signal, Long.toString(daemon.pid())),
            Map.of(),
            directory,
            new byte[0]);
    if (sent.code() != 0) {
      throw new IOException("kill -" + signal + " " + daemon.pid() + ": " + sent);
    }
  }

  /** Runs a program of the distribution to its end. */
  CommandResult run(String program, String... arguments) throws IOException, InterruptedException {
    List<String> command = command(program, List.of(arguments));
    return Shell.run(command, environment(""), directory, new byte[0]);
  }

  /** {@code bin/orchctl} with its arguments, to be started with {@link #environment}. */
  List<String> orchctlCommand(String... arguments) {
    return command("orchctl", List.of(arguments));
  }

  /** Of an {@code orchctl} that knows the address, or several by commas. */
  Map<String, String> environment(String address) {
    return Map.of("ORCH_ADDRESS", address, "HOME", directory.toString());
  }

  CommandResult orchctl(String address, byte[] input, String... arguments)
      throws IOException, InterruptedException {
    return Shell.run(orchctlCommand(arguments), environment(address), directory, input);
  }

  /** As {@link #orchctl}; throws when the exit code is not 0. */
  CommandResult expect(String address, byte[] input, String... arguments)
      throws IOException, InterruptedException {
    CommandResult result = orchctl(address, input, arguments);
    if (result.code() != 0) {
      throw new AssertionError(
          "orchctl " + String.join(" ", arguments) + ": " + result + "\n" + output());
    }
    return result;
  }

  /** Submits a spec given as text, to run as the daemons' own user; its job number. */
  String submit(String address, String spec) throws IOException, InterruptedException {
    String own = spec + "user: " + user + "\n";
    byte[] input = own.getBytes(StandardCharsets.UTF_8);
    String name = expect(address, input, "job", "submit", "-o", "name", "-").text().strip();
    return name.substring(name.lastIndexOf('/') + 1);
  }

  /** What they printed, for messages of failed tests. */
  String output() {
    StringBuilder all = new StringBuilder();
    for (Map<String, Daemon> daemons : List.of(controllers, agents)) {
      daemons.forEach(
          (name, daemon) -> all.append(name).append(":\n").append(daemon.output()).append('\n'));
    }
    return all.toString();
  }

  /** The name of an agent's cgroup: orch- and the first part of the node's uid. */
  String cgroup(String agent) throws IOException {
    Path node = data(agent).resolve("node");
    return "orch-" + Files.readAllLines(node, StandardCharsets.UTF_8).getFirst().substring(0, 8);
  }

  /** Stops every task, every daemon and {@code more}; fails when anything of them is left. */
  void close(Ending more) throws IOException {
    try {
      List<String> left = stopAll(more);
      delete();
      if (!left.isEmpty()) {
        throw new AssertionError("left behind: " + left);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while the daemons were being stopped", e);
    }
  }

  private List<String> stopAll(Ending more) throws IOException, InterruptedException {
    List<String> left = new ArrayList<>();
    List<Path> runs = new ArrayList<>();
    List<String> cgroups = new ArrayList<>();
    for (String name : agents.keySet()) {
      end(agent(name));
      cgroups.add(cgroup(name));
      runs.add(Guards.of(data(name)).run());
      CommandResult stopped = run("orch-agent", "--data-dir", data(name).toString(), "--stop-all");
      if (stopped.code() != 0) {
        left.add("orch-agent --stop-all: " + stopped);
      }
    }
    for (Daemon controller : controllers.values()) {
      end(controller);
    }
    more.end();
    left.addAll(Leftovers.of(directory));
    for (String cgroup : cgroups) {
      left.addAll(Leftovers.cgroups(cgroup));
    }
    for (Path run : runs) {
      left.addAll(Leftovers.of(run));
      if (Files.exists(run)) {
        left.add(run.toString());
      }
    }
    return left;
  }

  /** Also of one that a test had stopped with SIGSTOP. */
  private void end(Daemon daemon) throws IOException, InterruptedException {
    if (daemon.alive()) {
      signal(daemon, "CONT");
      daemon.terminate();
    }
  }

  private void delete() throws IOException {
    try (Stream<Path> paths = Files.walk(directory)) {
      for (Path path : paths.toList().reversed()) {
        Files.deleteIfExists(path);
      }
    }
  }

  private List<String> command(String program, List<String> arguments) {
    List<String> command = new ArrayList<>(prefix);
    command.add(distribution.resolve("bin").resolve(program).toString());
    command.addAll(arguments);
    return command;
  }

  /** Different ports of loopback, since all are taken at the same time. */
  static List<Integer> freePorts(int count) {
    List<ServerSocket> sockets = new ArrayList<>();
    List<Integer> ports = new ArrayList<>();
    try {
      for (int i = 0; i < count; i++) {
        ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        sockets.add(socket);
        ports.add(socket.getLocalPort());
      }
      for (ServerSocket socket : sockets) {
        socket.close();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return ports;
  }
}

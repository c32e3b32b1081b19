package orch.systemtests;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;

/**
 * A controller and an agent of the distribution on free loopback ports, and {@code orchctl} against
 * them. Closing it stops every task and fails when a process, a cgroup or a file is left.
 */
public final class Cluster implements AutoCloseable {
  private static final AtomicInteger COUNTER = new AtomicInteger();

  private final Path directory;
  private final String user;
  private final List<String> prefix;
  private final int httpPort = freePort();
  private final int grpcPort = freePort();
  private final String node;
  private Path distribution;
  private Path controllerData;
  private Daemon controller;
  private Daemon agent;

  private Cluster(Path distribution, Path directory, String user, List<String> prefix)
      throws IOException, InterruptedException {
    this.distribution = distribution;
    this.directory = directory;
    this.user = user;
    this.prefix = List.copyOf(prefix);
    this.node = "test-" + ProcessHandle.current().pid() + "-" + COUNTER.incrementAndGet();
    this.controllerData = directory.resolve("controller");
    this.controller = startController();
    this.agent = startAgent();
  }

  /** As the user that runs the tests. */
  public static Cluster start() throws IOException, InterruptedException {
    return startIn(Files.createTempDirectory("orch-system-test-"));
  }

  /**
   * As {@link #start()}, in a directory that is there already; it goes when the cluster is closed.
   */
  public static Cluster startIn(Path directory) throws IOException, InterruptedException {
    return new Cluster(distribution(), directory, System.getProperty("user.name"), List.of());
  }

  /**
   * As another user of this machine, from a copy of the distribution, since the clone may lie where
   * that user cannot read; needs root.
   */
  public static Cluster startAs(String user) throws IOException, InterruptedException {
    Path directory = Files.createTempDirectory("orch-system-test-");
    Path copy = directory.resolve("orch");
    Path root = Path.of("/");
    Shell.run(
        List.of("cp", "-r", distribution().toString(), copy.toString()),
        Map.of(),
        root,
        new byte[0]);
    Shell.run(List.of("chown", "-R", user, directory.toString()), Map.of(), root, new byte[0]);
    return new Cluster(
        copy,
        directory,
        user,
        List.of("setpriv", "--reuid", user, "--clear-groups", "--inh-caps=-all"));
  }

  /** Where the build left the distribution. */
  public static Path distribution() {
    Path path =
        Path.of(System.getProperty("orch.distribution", "../deploy/target/orch"))
            .toAbsolutePath()
            .normalize();
    if (!Files.isExecutable(path.resolve("bin/orchctl"))) {
      throw new IllegalStateException(
          "no distribution at " + path + "; build it first: mvn -pl deploy -am package");
    }
    return path;
  }

  public Path directory() {
    return directory;
  }

  public String node() {
    return node;
  }

  public String address() {
    return "http://localhost:" + httpPort;
  }

  public Daemon controller() {
    return controller;
  }

  public Daemon agent() {
    return agent;
  }

  /** Starts the controller on the same data and ports again. */
  public void restartController() throws IOException, InterruptedException {
    controller = startController();
  }

  /** Starts the controller on other data, and on the same ports. */
  public void restartControllerOn(Path data) throws IOException, InterruptedException {
    controllerData = data;
    controller = startController();
  }

  public Path controllerData() {
    return controllerData;
  }

  /** Runs one of the tools of {@code orch-controller}, such as check and restore. */
  public CommandResult controllerTool(String... arguments)
      throws IOException, InterruptedException {
    return Shell.run(command("orch-controller", arguments), environment(), directory, new byte[0]);
  }

  /** Starts the agent on the same data again. */
  public void restartAgent() throws IOException, InterruptedException {
    agent = startAgent();
  }

  public CommandResult orchctl(String... arguments) throws IOException, InterruptedException {
    return orchctlWithInput(new byte[0], arguments);
  }

  public CommandResult orchctlWithInput(byte[] input, String... arguments)
      throws IOException, InterruptedException {
    return Shell.run(orchctlCommand(arguments), environment(), directory, input);
  }

  /** As {@link #orchctl}; throws when the exit code is not 0. */
  public CommandResult expectSuccess(String... arguments) throws IOException, InterruptedException {
    CommandResult result = orchctl(arguments);
    if (result.code() != 0) {
      throw new AssertionError(
          "orchctl " + String.join(" ", arguments) + ": " + result + "\n" + daemonOutput());
    }
    return result;
  }

  /** Starts another version of the agent, in place of one that has ended. */
  public void upgradeAgent(Path to) throws IOException, InterruptedException {
    distribution = to;
    agent = startAgent();
  }

  /** Launcher and shims of the agent. */
  public Guards guards() throws IOException {
    return Guards.of(directory.resolve("agent"));
  }

  /**
   * Submits a spec given as text, to run as the cluster's own user (else it could not reach the
   * tests' files); its job number.
   */
  public String submit(String spec) throws IOException, InterruptedException {
    String own = spec + "user: " + user + "\n";
    CommandResult result =
        orchctlWithInput(own.getBytes(StandardCharsets.UTF_8), "job", "submit", "-o", "name", "-");
    if (result.code() != 0) {
      throw new AssertionError("submit: " + result + "\n" + daemonOutput());
    }
    String name = result.text().strip();
    return name.substring(name.lastIndexOf('/') + 1);
  }

  /** {@code bin/orchctl} with its arguments, to be started with {@link #environment}. */
  public List<String> orchctlCommand(String... arguments) {
    List<String> command = new ArrayList<>(prefix);
    command.add(distribution.resolve("bin/orchctl").toString());
    command.addAll(List.of(arguments));
    return command;
  }

  public Map<String, String> environment() {
    return Map.of("ORCH_ADDRESS", address(), "HOME", directory.toString());
  }

  /** For messages of failed tests. */
  public String daemonOutput() {
    return "controller:\n" + controller.output() + "\nagent:\n" + agent.output();
  }

  @Override
  public void close() throws IOException {
    try {
      stopAll();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while the cluster was being stopped", e);
    }
  }

  private void stopAll() throws IOException, InterruptedException {
    agent.terminate();
    String cgroup = cgroup();
    Path run = guards().run();
    CommandResult stopped =
        Shell.run(
            command(
                "orch-agent", "--data-dir", directory.resolve("agent").toString(), "--stop-all"),
            environment(),
            directory,
            new byte[0]);
    controller.terminate();
    List<String> left = new ArrayList<>(Leftovers.of(directory));
    left.addAll(Leftovers.of(run));
    left.addAll(Leftovers.cgroups(cgroup));
    if (Files.exists(run)) {
      left.add(run.toString());
    }
    delete(directory);
    if (stopped.code() != 0 || !left.isEmpty()) {
      throw new AssertionError("left behind: " + left + "\n--stop-all: " + stopped);
    }
  }

  /** The name of the agent's cgroup: orch- and the first part of the node's uid. */
  public String cgroup() throws IOException {
    return cgroup(directory.resolve("agent"));
  }

  /** As above, of the agent with this data directory. */
  static String cgroup(Path agentDirectory) throws IOException {
    Path node = agentDirectory.resolve("node");
    return "orch-" + Files.readAllLines(node, StandardCharsets.UTF_8).getFirst().substring(0, 8);
  }

  private Daemon startController() throws IOException, InterruptedException {
    return Daemon.start(
        "controller",
        command(
            "orch-controller",
            "--data-dir",
            controllerData.toString(),
            "--listen",
            "localhost:" + httpPort,
            "--grpc-listen",
            "localhost:" + grpcPort));
  }

  private Daemon startAgent() throws IOException, InterruptedException {
    return Daemon.start(
        "agent",
        command(
            "orch-agent",
            "--data-dir",
            directory.resolve("agent").toString(),
            "--controller",
            "localhost:" + grpcPort,
            "--name",
            node,
            "--allow-missing-limits",
            "--allow-root"));
  }

  private List<String> command(String program, String... arguments) {
    List<String> command = new ArrayList<>(prefix);
    command.add(distribution.resolve("bin").resolve(program).toString());
    command.addAll(List.of(arguments));
    return command;
  }

  private static void delete(Path directory) throws IOException {
    try (Stream<Path> paths = Files.walk(directory)) {
      paths
          .sorted(Comparator.reverseOrder())
          .forEach(path -> {
            try {
              Files.deleteIfExists(path);
            } catch (IOException e) {
              throw new UncheckedIOException(e);
            }
          });
    }
  }

  private static int freePort() {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}

package orch.systemtests;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A controller and an agent of the distribution on free loopback ports, and {@code orchctl} against
 * them. Closing it stops every task and fails when a process, a cgroup or a file is left.
 */
public final class Cluster implements AutoCloseable {
  private static final AtomicInteger COUNTER = new AtomicInteger();

  private static final String AGENT = "agent";

  private final Daemons daemons;
  private final List<Integer> ports = Daemons.freePorts(2);
  private final String node;

  /** Names its data directory too. */
  private String controller = "controller";

  private Cluster(Daemons daemons) throws IOException, InterruptedException {
    this.daemons = daemons;
    this.node = "test-" + ProcessHandle.current().pid() + "-" + COUNTER.incrementAndGet();
    restartController();
    restartAgent();
  }

  /** As the user that runs the tests. */
  public static Cluster start() throws IOException, InterruptedException {
    return startIn(Files.createTempDirectory("orch-system-test-"));
  }

  /**
   * As {@link #start()}, in a directory that is there already; it goes when the cluster is closed.
   */
  public static Cluster startIn(Path directory) throws IOException, InterruptedException {
    return new Cluster(new Daemons(directory));
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
        new Daemons(
            copy,
            directory,
            user,
            List.of("setpriv", "--reuid", user, "--clear-groups", "--inh-caps=-all")));
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
    return daemons.directory();
  }

  public String node() {
    return node;
  }

  public String address() {
    return "http://localhost:" + ports.getFirst();
  }

  public Daemon controller() {
    return daemons.controller(controller);
  }

  public Daemon agent() {
    return daemons.agent(AGENT);
  }

  /** Starts the controller on the same data and ports again. */
  public void restartController() throws IOException, InterruptedException {
    daemons.startController(
        controller,
        List.of(
            "--listen",
            "localhost:" + ports.getFirst(),
            "--grpc-listen",
            "localhost:" + ports.getLast()));
  }

  /**
   * Starts the controller on other data, and on the same ports.
   *
   * @param data directly below {@link #directory}
   */
  public void restartControllerOn(Path data) throws IOException, InterruptedException {
    controller = directory().relativize(data).toString();
    restartController();
  }

  public Path controllerData() {
    return daemons.data(controller);
  }

  /** Runs one of the tools of {@code orch-controller}, such as check and restore. */
  public CommandResult controllerTool(String... arguments)
      throws IOException, InterruptedException {
    return daemons.run("orch-controller", arguments);
  }

  /** Ends the agent, then every task of it in order; its end is awaited. */
  public CommandResult stopNodeInOrder() throws IOException, InterruptedException {
    agent().terminate();
    return daemons.run(
        "orch-agent",
        "--data-dir",
        daemons.data(AGENT).toString(),
        "--controller",
        "localhost:" + ports.getLast(),
        "--name",
        node,
        "--stop-in-order");
  }

  /** Starts the agent on the same data again. */
  public void restartAgent() throws IOException, InterruptedException {
    daemons.startAgent(AGENT, "localhost:" + ports.getLast(), node, List.of());
  }

  public CommandResult orchctl(String... arguments) throws IOException, InterruptedException {
    return orchctlWithInput(new byte[0], arguments);
  }

  public CommandResult orchctlWithInput(byte[] input, String... arguments)
      throws IOException, InterruptedException {
    return daemons.orchctl(address(), input, arguments);
  }

  /** As {@link #orchctl}; throws when the exit code is not 0. */
  public CommandResult expectSuccess(String... arguments) throws IOException, InterruptedException {
    return daemons.expect(address(), new byte[0], arguments);
  }

  /** Starts another version of the agent, in place of one that has ended. */
  public void upgradeAgent(Path to) throws IOException, InterruptedException {
    daemons.upgrade(to);
    restartAgent();
  }

  /** Launcher and shims of the agent. */
  public Guards guards() throws IOException {
    return Guards.of(daemons.data(AGENT));
  }

  /**
   * Submits a spec given as text, to run as the cluster's own user (else it could not reach the
   * tests' files); its job number.
   */
  public String submit(String spec) throws IOException, InterruptedException {
    return daemons.submit(address(), spec);
  }

  /** {@code bin/orchctl} with its arguments, to be started with {@link #environment}. */
  public List<String> orchctlCommand(String... arguments) {
    return daemons.orchctlCommand(arguments);
  }

  public Map<String, String> environment() {
    return daemons.environment(address());
  }

  /** For messages of failed tests. */
  public String daemonOutput() {
    return daemons.output();
  }

  /** The name of the agent's cgroup. */
  public String cgroup() throws IOException {
    return daemons.cgroup(AGENT);
  }

  @Override
  public void close() throws IOException {
    daemons.close(() -> {});
  }
}

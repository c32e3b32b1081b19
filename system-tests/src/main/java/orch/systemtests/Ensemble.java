package orch.systemtests;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Three ZooKeeper servers, three controllers and an agent of the distribution on this machine, each
 * a process of its own on free loopback ports. Closing it stops every task and fails when something
 * is left.
 */
public final class Ensemble implements AutoCloseable {
  private static final int SIZE = 3;
  private static final Duration PATIENCE = Duration.ofSeconds(90);
  private static final long POLL_MILLIS = 50;

  private final Path distribution = Cluster.distribution();
  private final Path directory = Files.createTempDirectory("orch-ensemble-test-");
  private final List<ZooKeeperServer> servers = new ArrayList<>();
  private final List<Integer> httpPorts = freePorts(SIZE);
  private final List<Integer> grpcPorts = freePorts(SIZE);
  private final TreeMap<Integer, Daemon> controllers = new TreeMap<>();
  private @Nullable Daemon agent;

  /**
   * Starts everything.
   *
   * @param agentArguments further flags of the agent
   */
  public Ensemble(String... agentArguments) throws IOException, InterruptedException {
    List<Integer> ports = freePorts(3 * SIZE);
    for (int id = 1; id <= SIZE; id++) {
      Path own = Files.createDirectories(directory.resolve("zookeeper-" + id));
      servers.add(new ZooKeeperServer(distribution, own, id, ports));
    }
    for (ZooKeeperServer server : servers) {
      server.start();
    }
    awaitQuorum();
    for (int i = 0; i < SIZE; i++) {
      Path data = Files.createDirectories(directory.resolve("controller-" + i));
      Files.setPosixFilePermissions(data, PosixFilePermissions.fromString("rwx------"));
      Path secret = data.resolve("zookeeper.secret");
      Files.writeString(secret, "0123456789abcdef".repeat(4) + "\n");
      Files.setPosixFilePermissions(secret, PosixFilePermissions.fromString("rw-------"));
      startController(i);
    }
    List<String> command =
        new ArrayList<>(
            List.of(
                program("orch-agent"),
                "--data-dir",
                directory.resolve("agent").toString(),
                "--controller",
                String.join(",", grpcPorts.stream().map(port -> "localhost:" + port).toList()),
                "--name",
                "ensemble-" + ProcessHandle.current().pid(),
                "--allow-missing-limits",
                "--allow-root"));
    command.addAll(List.of(agentArguments));
    agent = Daemon.start("agent", command);
  }

  // ---- ZooKeeper

  List<ZooKeeperServer> servers() {
    return List.copyOf(servers);
  }

  /** Waits until every server that runs serves. */
  void awaitQuorum() throws InterruptedException {
    await(
        "a quorum of ZooKeeper",
        () ->
            servers.stream()
                .filter(ZooKeeperServer::alive)
                .noneMatch(server -> server.mode().isEmpty()));
  }

  /** How many lines of the servers' logs hold {@code text}. */
  public long countInZooKeeperLogs(String text) throws IOException {
    long count = 0;
    for (ZooKeeperServer server : servers) {
      try (Stream<String> lines = Files.lines(server.log(), StandardCharsets.ISO_8859_1)) {
        count += lines.filter(line -> line.contains(text)).count();
      }
    }
    return count;
  }

  // ---- controllers

  public int size() {
    return SIZE;
  }

  public Daemon controller(int index) {
    Daemon controller = controllers.get(index);
    if (controller == null) {
      throw new IllegalStateException(name(index) + " was not started");
    }
    return controller;
  }

  public String address(int index) {
    return "http://localhost:" + httpPorts.get(index);
  }

  /** Of all, as a list for orchctl. */
  public String addresses() {
    return String.join(",", Stream.iterate(0, i -> i + 1).limit(SIZE).map(this::address).toList());
  }

  /** {@code host:port} of gRPC. */
  public List<String> grpcAddresses() {
    return grpcPorts.stream().map(port -> "localhost:" + port).toList();
  }

  public String name(int index) {
    return "c" + index;
  }

  /** Starts a controller on its data and ports, for the first time or again. */
  public void startController(int index) throws IOException, InterruptedException {
    controllers.put(
        index,
        Daemon.start(
            name(index),
            List.of(
                program("orch-controller"),
                "--name",
                name(index),
                "--data-dir",
                directory.resolve("controller-" + index).toString(),
                "--listen",
                "localhost:" + httpPorts.get(index),
                "--grpc-listen",
                "localhost:" + grpcPorts.get(index),
                "--zookeeper",
                String.join(",", servers.stream().map(ZooKeeperServer::address).toList()))));
  }

  /** Which controller leads, as {@code asked} sees it; waits until one does that is accepted. */
  public int leader(int asked, Predicate<Integer> accepted)
      throws IOException, InterruptedException {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    CommandResult last = null;
    while (System.nanoTime() < deadline) {
      last = orchctl(address(asked), "cluster", "members");
      for (String line : last.lines()) {
        String[] cells = line.strip().split(" +", -1);
        if (cells.length > 1 && cells[1].equals("leader")) {
          int leader = Integer.parseInt(cells[0].substring(1));
          if (accepted.test(leader)) {
            return leader;
          }
        }
      }
      Thread.sleep(POLL_MILLIS);
    }
    throw new AssertionError("no leader: " + last + "\n" + output());
  }

  public int leader() throws IOException, InterruptedException {
    return leader(0, _ -> true);
  }

  /** Sends a signal to a controller, such as STOP. */
  public void signal(int index, String signal) throws IOException, InterruptedException {
    Shell.run(
        List.of("kill", "-" + signal, Long.toString(controller(index).pid())),
        Map.of(),
        directory,
        new byte[0]);
  }

  // ---- users

  public Path directory() {
    return directory;
  }

  public CommandResult orchctl(String address, String... arguments)
      throws IOException, InterruptedException {
    return orchctlWithInput(address, new byte[0], arguments);
  }

  private CommandResult orchctlWithInput(String address, byte[] input, String... arguments)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of(program("orchctl")));
    command.addAll(List.of(arguments));
    TreeMap<String, String> environment = new TreeMap<>();
    environment.put("ORCH_ADDRESS", address);
    environment.put("HOME", directory.toString());
    return Shell.run(command, environment, directory, input);
  }

  /** As {@link #orchctl}; throws when the exit code is not 0. */
  public CommandResult expectSuccess(String address, String... arguments)
      throws IOException, InterruptedException {
    CommandResult result = orchctl(address, arguments);
    if (result.code() != 0) {
      throw new AssertionError(
          "orchctl " + String.join(" ", arguments) + ": " + result + "\n" + output());
    }
    return result;
  }

  /** Submits a spec to run as the tests' own user; its job number. */
  public String submit(String address, String spec) throws IOException, InterruptedException {
    String own = spec + "user: " + System.getProperty("user.name") + "\n";
    CommandResult result =
        orchctlWithInput(
            address, own.getBytes(StandardCharsets.UTF_8), "job", "submit", "-o", "name", "-");
    if (result.code() != 0) {
      throw new AssertionError("submit: " + result + "\n" + output());
    }
    String name = result.text().strip();
    return name.substring(name.lastIndexOf('/') + 1);
  }

  /** What the daemons printed, for messages of failed tests. */
  public String output() {
    StringBuilder all = new StringBuilder();
    controllers.forEach((index, controller) ->
        all.append(name(index)).append(":\n").append(controller.output()).append('\n'));
    Daemon node = agent;
    if (node != null) {
      all.append("agent:\n").append(node.output());
    }
    return all.toString();
  }

  // ---- waiting

  /** A condition that may not be asked for now. */
  @FunctionalInterface
  public interface Condition {
    boolean holds() throws IOException, InterruptedException;
  }

  /** Waits for what other processes do, of which there is no event to wait for. */
  public void await(String what, Condition condition) throws InterruptedException {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    try {
      while (!condition.holds()) {
        if (System.nanoTime() > deadline) {
          throw new AssertionError("waited in vain for " + what + "\n" + output());
        }
        Thread.sleep(POLL_MILLIS);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  // ---- the end

  @Override
  public void close() throws IOException {
    try {
      stopAll();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while the ensemble was being stopped", e);
    }
  }

  private void stopAll() throws IOException, InterruptedException {
    CommandResult stopped = null;
    String cgroup = "orch-none";
    Daemon node = agent;
    if (node != null) {
      node.terminate();
      cgroup = Cluster.cgroup(directory.resolve("agent"));
      stopped =
          Shell.run(
              List.of(
                  program("orch-agent"),
                  "--data-dir",
                  directory.resolve("agent").toString(),
                  "--stop-all"),
              Map.of(),
              directory,
              new byte[0]);
    }
    for (Daemon controller : controllers.values()) {
      if (controller.alive()) {
        controller.terminate();
      }
    }
    for (ZooKeeperServer server : servers) {
      server.kill();
    }
    List<String> left = new ArrayList<>(Leftovers.of(directory));
    left.addAll(Leftovers.cgroups(cgroup));
    delete();
    if (stopped == null || stopped.code() != 0 || !left.isEmpty()) {
      throw new AssertionError("left behind: " + left + "\n--stop-all: " + stopped);
    }
  }

  private void delete() throws IOException {
    try (Stream<Path> paths = Files.walk(directory)) {
      for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(path);
      }
    }
  }

  private String program(String name) {
    return distribution.resolve("bin").resolve(name).toString();
  }

  /** Different ones, since all are taken at the same time. */
  private static List<Integer> freePorts(int count) {
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

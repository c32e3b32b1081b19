package orch.systemtests;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * Three ZooKeeper servers, three controllers and an agent of the distribution on this machine, each
 * a process of its own on free loopback ports. Closing it stops every task and fails when something
 * is left.
 */
public final class Ensemble implements AutoCloseable {
  private static final int SIZE = 3;
  private static final Duration PATIENCE = Duration.ofSeconds(90);
  private static final long POLL_MILLIS = 50;

  private static final String AGENT = "agent";

  private final Daemons daemons = new Daemons(Files.createTempDirectory("orch-ensemble-test-"));
  private final List<ZooKeeperServer> servers = new ArrayList<>();
  private final List<Integer> ports = Daemons.freePorts(2 * SIZE);

  /**
   * Starts everything.
   *
   * @param agentArguments further flags of the agent
   */
  public Ensemble(String... agentArguments) throws IOException, InterruptedException {
    List<Integer> serverPorts = Daemons.freePorts(3 * SIZE);
    for (int id = 1; id <= SIZE; id++) {
      Path own = Files.createDirectories(daemons.data("zookeeper-" + id));
      servers.add(new ZooKeeperServer(daemons.distribution(), own, id, serverPorts));
    }
    for (ZooKeeperServer server : servers) {
      server.start();
    }
    awaitQuorum();
    for (int i = 0; i < SIZE; i++) {
      Path data = Files.createDirectories(daemons.data(name(i)));
      Files.setPosixFilePermissions(data, PosixFilePermissions.fromString("rwx------"));
      Path secret = data.resolve("zookeeper.secret");
      Files.writeString(secret, "0123456789abcdef".repeat(4) + "\n");
      Files.setPosixFilePermissions(secret, PosixFilePermissions.fromString("rw-------"));
      startController(i);
    }
    daemons.startAgent(
        AGENT,
        String.join(",", grpcAddresses()),
        "ensemble-" + ProcessHandle.current().pid(),
        List.of(agentArguments));
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
    return daemons.controller(name(index));
  }

  public String address(int index) {
    return "http://localhost:" + ports.get(index);
  }

  /** Of all, as a list for orchctl. */
  public String addresses() {
    return String.join(",", Stream.iterate(0, i -> i + 1).limit(SIZE).map(this::address).toList());
  }

  /** {@code host:port} of gRPC. */
  public List<String> grpcAddresses() {
    return ports.subList(SIZE, 2 * SIZE).stream().map(port -> "localhost:" + port).toList();
  }

  public String name(int index) {
    return "c" + index;
  }

  /** Starts a controller on its data and ports, for the first time or again. */
  public void startController(int index) throws IOException, InterruptedException {
    daemons.startController(
        name(index),
        List.of(
            "--name",
            name(index),
            "--listen",
            "localhost:" + ports.get(index),
            "--grpc-listen",
            "localhost:" + ports.get(SIZE + index),
            "--zookeeper",
            String.join(",", servers.stream().map(ZooKeeperServer::address).toList())));
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
    daemons.signal(controller(index), signal);
  }

  // ---- users

  public Path directory() {
    return daemons.directory();
  }

  public CommandResult orchctl(String address, String... arguments)
      throws IOException, InterruptedException {
    return daemons.orchctl(address, new byte[0], arguments);
  }

  /** As {@link #orchctl}; throws when the exit code is not 0. */
  public CommandResult expectSuccess(String address, String... arguments)
      throws IOException, InterruptedException {
    return daemons.expect(address, new byte[0], arguments);
  }

  /** Submits a spec to run as the tests' own user; its job number. */
  public String submit(String address, String spec) throws IOException, InterruptedException {
    return daemons.submit(address, spec);
  }

  /** What the daemons printed, for messages of failed tests. */
  public String output() {
    return daemons.output();
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
    daemons.close(() -> {
      for (ZooKeeperServer server : servers) {
        server.kill();
      }
    });
  }
}

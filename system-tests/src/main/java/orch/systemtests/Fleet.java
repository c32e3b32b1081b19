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
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * A controller and several agents of the distribution on this machine, each agent behind a link of
 * its own that can be cut. Closing it stops every task and fails when a process is left.
 */
public final class Fleet implements AutoCloseable {
  private final Path distribution = Cluster.distribution();
  private final Path directory = Files.createTempDirectory("orch-fleet-test-");
  private final int httpPort = freePort();
  private final int grpcPort = freePort();
  private final Map<String, CutLink> links = new LinkedHashMap<>();
  private final Map<String, Daemon> agents = new LinkedHashMap<>();
  private Daemon controller;

  /** Agents of these names. */
  public Fleet(String... nodes) throws IOException, InterruptedException {
    controller = startController();
    for (String node : nodes) {
      links.put(node, new CutLink(grpcPort));
      agents.put(node, startAgent(node));
    }
  }

  public Path directory() {
    return directory;
  }

  /** What the agent of the node reaches the controller through. */
  public CutLink link(String node) {
    return found(links, node);
  }

  public Daemon controller() {
    return controller;
  }

  /** Stops the agent's process as it stands (SIGSTOP), or lets it go on. */
  public void freeze(String node, boolean frozen) throws IOException, InterruptedException {
    String signal = frozen ? "-STOP" : "-CONT";
    long pid = found(agents, node).pid();
    CommandResult result =
        Shell.run(List.of("kill", signal, "" + pid), Map.of(), directory, new byte[0]);
    if (result.code() != 0) {
      throw new IOException("kill " + signal + " " + pid + ": " + result);
    }
  }

  public void restartController() throws IOException, InterruptedException {
    controller = startController();
  }

  public CommandResult orchctl(String... arguments) throws IOException, InterruptedException {
    return orchctl(new byte[0], arguments);
  }

  private CommandResult orchctl(byte[] input, String... arguments)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(distribution.resolve("bin/orchctl").toString());
    command.addAll(List.of(arguments));
    return Shell.run(
        command,
        Map.of("ORCH_ADDRESS", "http://localhost:" + httpPort, "HOME", directory.toString()),
        directory,
        input);
  }

  /** As {@link #orchctl}; throws when the exit code is not 0. */
  public String expect(String... arguments) throws IOException, InterruptedException {
    CommandResult result = orchctl(arguments);
    if (result.code() != 0) {
      throw new AssertionError(
          "orchctl " + String.join(" ", arguments) + ": " + result + "\n" + output());
    }
    return result.text();
  }

  /** Submits a spec given as text, to run as the tests' own user; its job number. */
  public String submit(String spec) throws IOException, InterruptedException {
    String own = spec + "user: " + System.getProperty("user.name") + "\n";
    CommandResult result =
        orchctl(own.getBytes(StandardCharsets.UTF_8), "job", "submit", "-o", "name", "-");
    if (result.code() != 0) {
      throw new AssertionError("submit: " + result + "\n" + output());
    }
    String name = result.text().strip();
    return name.substring(name.lastIndexOf('/') + 1);
  }

  /** For messages of failed tests. */
  public String output() {
    StringBuilder text = new StringBuilder("controller:\n" + controller.output());
    agents.forEach((node, agent) -> text.append('\n' + node + ":\n" + agent.output()));
    return text.toString();
  }

  private static <T> T found(Map<String, T> map, String node) {
    T value = map.get(node);
    if (value == null) {
      throw new IllegalArgumentException("there is no node " + node);
    }
    return value;
  }

  @Override
  public void close() throws IOException {
    try {
      stopAll();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while the fleet was being stopped", e);
    }
  }

  private void stopAll() throws IOException, InterruptedException {
    for (Map.Entry<String, Daemon> agent : agents.entrySet()) {
      freeze(agent.getKey(), false);
      agent.getValue().terminate();
      Shell.run(
          command("orch-agent", "--data-dir", data(agent.getKey()), "--stop-all"),
          Map.of(),
          directory,
          new byte[0]);
    }
    controller.terminate();
    for (CutLink link : links.values()) {
      link.close();
    }
    List<String> left = Leftovers.of(directory);
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
    if (!left.isEmpty()) {
      throw new AssertionError("left behind: " + left);
    }
  }

  private Daemon startController() throws IOException, InterruptedException {
    return Daemon.start(
        "controller",
        command(
            "orch-controller",
            "--data-dir",
            directory.resolve("controller").toString(),
            "--listen",
            "localhost:" + httpPort,
            "--grpc-listen",
            "localhost:" + grpcPort));
  }

  private Daemon startAgent(String node) throws IOException, InterruptedException {
    return Daemon.start(
        node,
        command(
            "orch-agent",
            "--data-dir",
            data(node),
            "--controller",
            "localhost:" + link(node).port(),
            "--name",
            node,
            "--allow-missing-limits",
            "--allow-root"));
  }

  private String data(String node) {
    return directory.resolve(node).toString();
  }

  private List<String> command(String program, String... arguments) {
    List<String> command = new ArrayList<>();
    command.add(distribution.resolve("bin").resolve(program).toString());
    command.addAll(List.of(arguments));
    return command;
  }

  private static int freePort() {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}

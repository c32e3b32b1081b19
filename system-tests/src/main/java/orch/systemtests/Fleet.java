package orch.systemtests;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A controller and several agents of the distribution on this machine, each agent behind a link of
 * its own that can be cut. Closing it stops every task and fails when something is left.
 */
public final class Fleet implements AutoCloseable {
  private static final String CONTROLLER = "controller";

  private final Daemons daemons = new Daemons(Files.createTempDirectory("orch-fleet-test-"));
  private final List<Integer> ports = Daemons.freePorts(2);
  private final Map<String, CutLink> links = new LinkedHashMap<>();

  /** Agents of these names. */
  public Fleet(String... nodes) throws IOException, InterruptedException {
    restartController();
    for (String node : nodes) {
      links.put(node, new CutLink(ports.getLast()));
      daemons.startAgent(node, "localhost:" + link(node).port(), node, List.of());
    }
  }

  public Path directory() {
    return daemons.directory();
  }

  /** What the agent of the node reaches the controller through. */
  public CutLink link(String node) {
    CutLink link = links.get(node);
    if (link == null) {
      throw new IllegalArgumentException("there is no node " + node);
    }
    return link;
  }

  public Daemon controller() {
    return daemons.controller(CONTROLLER);
  }

  /** Stops the agent's process as it stands (SIGSTOP), or lets it go on. */
  public void freeze(String node, boolean frozen) throws IOException, InterruptedException {
    daemons.signal(daemons.agent(node), frozen ? "STOP" : "CONT");
  }

  /** Starts the controller on its data and ports, for the first time or again. */
  public void restartController() throws IOException, InterruptedException {
    daemons.startController(
        CONTROLLER,
        List.of(
            "--listen",
            "localhost:" + ports.getFirst(),
            "--grpc-listen",
            "localhost:" + ports.getLast()));
  }

  /** Runs orchctl; throws when its exit code is not 0. */
  public String expect(String... arguments) throws IOException, InterruptedException {
    return daemons.expect(address(), new byte[0], arguments).text();
  }

  /** Submits a spec given as text, to run as the tests' own user; its job number. */
  public String submit(String spec) throws IOException, InterruptedException {
    return daemons.submit(address(), spec);
  }

  private String address() {
    return "http://localhost:" + ports.getFirst();
  }

  /** For messages of failed tests. */
  public String output() {
    return daemons.output();
  }

  @Override
  public void close() throws IOException {
    daemons.close(() -> {
      for (CutLink link : links.values()) {
        link.close();
      }
    });
  }
}

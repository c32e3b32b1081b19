package orch.systemtests.host;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import orch.systemtests.Cluster;
import orch.systemtests.CommandResult;
import orch.systemtests.Json;

/**
 * A whole fleet in a lab: an ensemble of three ZooKeeper servers, three controllers (c1 to c3),
 * agents (n1 and so on) on hosts of their own. The servers have hosts of their own too (z1 to z3),
 * or share those of the controllers.
 */
public final class Fleet implements AutoCloseable {
  private static final Duration READY_LIMIT = Duration.ofMinutes(2);
  private static final Duration ONE_CALL = Duration.ofSeconds(60);
  private static final Duration ONE_LOOK = Duration.ofSeconds(5);
  private static final int MEMBERS = 3;
  private static final int SERVER_MEBIBYTES = 384;
  private static final int HOST_MEBIBYTES = 512;
  private static final String SECRET = "0123456789abcdef".repeat(4) + "\n";

  private final HostLab lab;
  private final List<Host> servers = new ArrayList<>();
  private final List<Host> controllers = new ArrayList<>();
  private final List<Host> agents = new ArrayList<>();

  private Fleet(HostLab lab) {
    this.lab = lab;
  }

  /** Boots it, each part on a host of its own; returns when every agent's node is ready. */
  public static Fleet start(int agents) throws IOException, InterruptedException {
    return start(agents, false);
  }

  /** Boots it with a server beside each controller; returns when every agent's node is ready. */
  public static Fleet startSmall(int agents) throws IOException, InterruptedException {
    return start(agents, true);
  }

  private static Fleet start(int agents, boolean shared) throws IOException, InterruptedException {
    Fleet fleet = new Fleet(HostLab.open());
    try {
      fleet.begin(agents, shared);
      return fleet;
    } catch (IOException | InterruptedException | RuntimeException e) {
      fleet.close();
      throw e;
    }
  }

  private void begin(int count, boolean shared) throws IOException, InterruptedException {
    for (int i = 1; i <= MEMBERS; i++) {
      controllers.add(lab.add("c" + i, HOST_MEBIBYTES));
    }
    for (int i = 1; i <= MEMBERS; i++) {
      servers.add(shared ? controllers.get(i - 1) : lab.add("z" + i, SERVER_MEBIBYTES));
    }
    for (int i = 1; i <= count; i++) {
      agents.add(lab.add("n" + i, HOST_MEBIBYTES));
    }
    lab.bootAll();
    List<Callable<Void>> starts = new ArrayList<>();
    for (int i = 0; i < MEMBERS; i++) {
      int number = i + 1;
      starts.add(() -> startServer(servers.get(number - 1), number));
      starts.add(() -> startController(controllers.get(number - 1)));
    }
    for (Host agent : agents) {
      starts.add(() -> startAgent(agent));
    }
    HostLab.together(starts);
    awaitNodes(count);
  }

  private Void startServer(Host host, int number) throws IOException, InterruptedException {
    StringBuilder members = new StringBuilder();
    for (int i = 1; i <= MEMBERS; i++) {
      members.append("server.%d=%s:2888:3888%n".formatted(i, servers.get(i - 1).name()));
    }
    host.write(
        "/etc/zookeeper/zoo.cfg",
        """
        tickTime=1000
        initLimit=10
        syncLimit=5
        dataDir=/var/lib/zookeeper
        clientPort=2181
        """
            + members);
    host.write("/var/lib/zookeeper/myid", number + "\n");
    host.write(
        "/etc/zookeeper/logback.xml",
        """
        <configuration>
          <appender name="out" class="ch.qos.logback.core.ConsoleAppender">
            <encoder><pattern>%level %logger{0} %msg%n</pattern></encoder>
          </appender>
          <root level="warn"><appender-ref ref="out"/></root>
        </configuration>
        """);
    host.write(
        "/etc/systemd/system/zookeeper.service",
        Files.readString(HostLab.part("zookeeper.service"), StandardCharsets.UTF_8));
    host.expect(
        """
        mkdir -p /etc/systemd/system/orch-host.target.wants
        ln -sf ../zookeeper.service /etc/systemd/system/orch-host.target.wants/
        systemctl daemon-reload && systemctl start zookeeper
        """);
    return null;
  }

  private Void startController(Host host) throws IOException, InterruptedException {
    List<String> ensemble = servers.stream().map(server -> server.name() + ":2181").toList();
    host.write("/var/lib/orch/controller/zookeeper.secret", SECRET);
    host.expect("chmod 700 /var/lib/orch/controller; chmod 600 /var/lib/orch/controller/*");
    Services.start(
        host,
        "orch-controller",
        """
        zookeeper: %s
        name: %s
        listen: %s:7400
        grpc-listen: %s:7401
        insecure-listen: true
        """
            .formatted(String.join(",", ensemble), host.name(), host.address(), host.address()));
    return null;
  }

  private static Void startAgent(Host host) throws IOException, InterruptedException {
    // What tasks write there is on the outer machine at once, whatever becomes of the host.
    host.expect("mkdir -p /mnt/host/history && chmod 777 /mnt/host/history");
    Services.start(
        host,
        "orch-agent",
        """
        controller: c1:7401,c2:7401,c3:7401
        name: %s
        allow-root: true
        """
            .formatted(host.name()));
    return null;
  }

  public List<Host> servers() {
    return List.copyOf(servers);
  }

  public List<Host> controllers() {
    return List.copyOf(controllers);
  }

  public List<Host> agents() {
    return List.copyOf(agents);
  }

  /** Runs orchctl on this machine against a controller. */
  public CommandResult orchctl(Host controller, String... arguments)
      throws IOException, InterruptedException {
    return orchctl(controller.address() + ":7400", ONE_CALL, arguments);
  }

  /** Runs orchctl against the leader, once there is one. */
  public CommandResult orchctl(String... arguments) throws IOException, InterruptedException {
    return orchctl(awaitLeader(READY_LIMIT), arguments);
  }

  /**
   * Runs orchctl as a user does who knows all controllers and not which of them leads.
   *
   * @param first of the controllers, the one that is asked first
   */
  public CommandResult orchctlAnywhere(int first, Duration limit, String... arguments)
      throws IOException, InterruptedException {
    List<String> addresses = new ArrayList<>();
    for (int i = 0; i < controllers.size(); i++) {
      addresses.add(controllers.get((first + i) % controllers.size()).address() + ":7400");
    }
    return orchctl(String.join(",", addresses), limit, arguments);
  }

  private CommandResult orchctl(String addresses, Duration limit, String... arguments)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of("timeout", "" + limit.toSeconds()));
    command.add(Cluster.distribution().resolve("bin/orchctl").toString());
    command.addAll(List.of(arguments));
    return lab.run(Map.of("ORCH_ADDRESS", addresses, "HOME", "/nonexistent"), command);
  }

  /** As {@link #orchctl}; throws when the exit code is not 0. */
  public String expect(String... arguments) throws IOException, InterruptedException {
    CommandResult result = orchctl(arguments);
    if (result.code() != 0) {
      throw new IOException("orchctl " + String.join(" ", arguments) + ": " + result);
    }
    return result.text().strip();
  }

  /** The controller that says that it leads itself. */
  public Host awaitLeader(Duration limit) throws IOException, InterruptedException {
    return awaitLeaderOtherThan("", limit);
  }

  /** As {@link #awaitLeader}, but not the one of that name. */
  public Host awaitLeaderOtherThan(String name, Duration limit)
      throws IOException, InterruptedException {
    long deadline = System.nanoTime() + limit.toNanos();
    List<CommandResult> answers = new ArrayList<>();
    while (System.nanoTime() < deadline) {
      answers.clear();
      for (Host controller : controllers) {
        if (controller.name().equals(name) || !controller.alive()) {
          continue;
        }
        CommandResult listed =
            orchctl(controller.address() + ":7400", ONE_LOOK, "cluster", "members", "-o", "json");
        answers.add(listed);
        if (listed.code() != 0) {
          continue;
        }
        for (Json member : Json.of(listed.text()).at("members").list()) {
          if (member.at("role").text().equals("MEMBER_ROLE_LEADER")
              && member.at("name").text().equals(controller.name())) {
            return controller;
          }
        }
      }
      Thread.sleep(200);
    }
    throw new IOException(
        "no leader in " + limit.toSeconds() + " s: " + answers + "\n" + journals(controllers));
  }

  /** Waits until so many nodes are ready. */
  public void awaitNodes(int count) throws IOException, InterruptedException {
    long deadline = System.nanoTime() + READY_LIMIT.toNanos();
    while (true) {
      CommandResult listed = orchctl("node", "list", "-o", "json");
      if (listed.code() == 0
          && listed.lines().stream().filter(line -> line.contains("NODE_STATE_READY")).count()
              >= count) {
        return;
      }
      if (System.nanoTime() > deadline) {
        throw new IOException(
            "not " + count + " nodes are ready: " + listed + journals(lab.hosts()));
      }
      Thread.sleep(300);
    }
  }

  /** The last words of the daemons of some hosts. */
  public static String journals(List<Host> hosts) throws InterruptedException {
    StringBuilder all = new StringBuilder();
    for (Host host : hosts) {
      all.append("---- ").append(host).append('\n');
      try {
        all.append(host.run("journalctl --no-pager -o cat -n 25 -u 'orch-*' -u zookeeper").text());
      } catch (IOException down) {
        all.append(down.getMessage()).append('\n');
      }
    }
    return all.toString();
  }

  @Override
  public void close() {
    lab.close();
  }
}

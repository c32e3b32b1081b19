package orch.systemtests;

import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One ZooKeeper server of an ensemble, a process of its own on loopback ports. */
final class ZooKeeperServer {
  private static final int ANSWER_MILLIS = 2_000;

  /** Tells of sessions that end. */
  private static final String LOGGING =
      """
      <configuration>
        <appender name="out" class="ch.qos.logback.core.ConsoleAppender">
          <encoder><pattern>%d{HH:mm:ss.SSS} %logger{0} %msg%n</pattern></encoder>
        </appender>
        <root level="INFO"><appender-ref ref="out"/></root>
      </configuration>
      """;

  private final int id;
  private final int clientPort;
  private final Path directory;
  private final List<String> command;
  private @Nullable Process process;

  /**
   * @param directory for its data and its log; the configuration is written there
   * @param ports of the whole ensemble, three a server: clients, followers, election
   */
  ZooKeeperServer(Path distribution, Path directory, int id, List<Integer> ports)
      throws IOException {
    this.id = id;
    this.clientPort = ports.get(3 * (id - 1));
    this.directory = directory;
    Path data = Files.createDirectories(directory.resolve("data"));
    Files.writeString(data.resolve("myid"), id + "\n");
    List<String> settings =
        new ArrayList<>(
            List.of(
                "dataDir=" + data,
                "tickTime=1000",
                "initLimit=20",
                "syncLimit=5",
                "clientPort=" + clientPort,
                "clientPortAddress=127.0.0.1",
                "maxClientCnxns=1000",
                "admin.enableServer=false",
                "4lw.commands.whitelist=srvr"));
    for (int server = 1; server <= ports.size() / 3; server++) {
      settings.add(
          "server.%d=127.0.0.1:%d:%d"
              .formatted(server, ports.get(3 * server - 2), ports.get(3 * server - 1)));
    }
    Path configuration = Files.write(directory.resolve("zoo.cfg"), settings);
    Path logging = Files.writeString(directory.resolve("logback.xml"), LOGGING);
    command =
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Xmx192m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-Dlogback.configurationFile=" + logging,
            "-cp",
            distribution.resolve("lib/controller") + "/*:" + distribution.resolve("lib/common/*"),
            "org.apache.zookeeper.server.quorum.QuorumPeerMain",
            configuration.toString());
  }

  void start() throws IOException {
    Process started =
        new ProcessBuilder(command)
            .directory(directory.toFile())
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.appendTo(log().toFile()))
            .start();
    started.getOutputStream().close();
    process = started;
  }

  /** SIGKILL; returns when it is dead. */
  void kill() throws InterruptedException {
    Process running = process;
    if (running != null) {
      running.destroyForcibly().waitFor();
    }
  }

  boolean alive() {
    Process started = process;
    return started != null && started.isAlive();
  }

  String address() {
    return "127.0.0.1:" + clientPort;
  }

  /** {@code leader} or {@code follower}; empty while it serves nobody. */
  String mode() {
    try (Socket socket = new Socket()) {
      socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), clientPort), 500);
      socket.setSoTimeout(ANSWER_MILLIS);
      OutputStream out = socket.getOutputStream();
      out.write("srvr".getBytes(StandardCharsets.US_ASCII));
      out.flush();
      String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
      return answer
          .lines()
          .filter(line -> line.startsWith("Mode: "))
          .map(line -> line.substring("Mode: ".length()))
          .findFirst()
          .orElse("");
    } catch (IOException away) {
      return "";
    }
  }

  /** What it wrote, both streams. */
  Path log() {
    return directory.resolve("log");
  }

  @Override
  public String toString() {
    return "ZooKeeper " + id;
  }
}

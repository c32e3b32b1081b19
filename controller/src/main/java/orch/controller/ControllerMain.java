package orch.controller;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import orch.api.config.DaemonCommand;
import orch.api.config.HostAndPort;
import orch.controller.http.HttpGateway;
import orch.controller.port.Member;
import orch.controller.port.Role;
import orch.controller.rpc.GrpcServer;
import orch.controller.rpc.YamlDialect;
import orch.controller.runtime.ControllerLoop;
import orch.controller.runtime.LoopThread;
import orch.controller.store.Election;
import orch.controller.store.LogLayout;
import orch.controller.zookeeper.CuratorPort;
import orch.controller.zookeeper.EmbeddedZooKeeper;
import orch.controller.zookeeper.EphemeralMembership;
import orch.controller.zookeeper.LatchElection;
import orch.controller.zookeeper.Secret;
import orch.controller.zookeeper.SoleElection;
import orch.controller.zookeeper.ZooKeeperConnection;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** The controller's composition root. */
@Command(
    name = "orch-controller",
    description = "Keeps the desired state, schedules and serves the API. SIGTERM ends it cleanly.",
    version = "orch-controller " + ControllerMain.VERSION)
public final class ControllerMain implements Callable<Integer> {
  static final String VERSION = "0.1.0";

  private static final int FORMAT_LEVEL = 1;
  private static final int FAILED = 1;
  private static final Duration ZOOKEEPER_PATIENCE = Duration.ofSeconds(30);
  private static final Duration LEADER_PATIENCE = Duration.ofSeconds(20);
  private static final long STOP_SECONDS = 5;
  private static final int ROLE_POLL_MILLIS = 10;

  @Option(
      names = "--data-dir",
      required = true,
      paramLabel = "DIR",
      description = "The cluster's secret and the embedded ZooKeeper's data.")
  private Path dataDir = Path.of("");

  @Option(
      names = "--listen",
      defaultValue = "localhost:7400",
      paramLabel = "HOST:PORT",
      description = "HTTP: Connect JSON, orchctl, health, metrics.")
  private HostAndPort listen = new HostAndPort("localhost", 7400);

  @Option(
      names = "--grpc-listen",
      defaultValue = "localhost:7401",
      paramLabel = "HOST:PORT",
      description = "gRPC: programs and agents.")
  private HostAndPort grpcListen = new HostAndPort("localhost", 7401);

  @Option(
      names = "--zookeeper",
      paramLabel = "CONNECT",
      description = "An ensemble, HOST:PORT[,HOST:PORT...][/PATH]; an embedded server if unsaid.")
  private @Nullable String zooKeeper;

  @Option(
      names = "--name",
      paramLabel = "NAME",
      description = "Unique among the cluster's controllers; the host's if unsaid.")
  private @Nullable String name;

  @Option(
      names = "--insecure-listen",
      description = "Listen beyond this host without TLS and authentication.")
  private boolean insecureListen;

  public static void main(String[] args) {
    if (System.getProperty("logback.configurationFile") == null) {
      System.setProperty(
          "logback.configurationFile",
          String.valueOf(ControllerMain.class.getResource("logback.xml")));
    }
    System.exit(
        DaemonCommand.of(new ControllerMain(), "ORCH_CONTROLLER", System.getenv()).execute(args));
  }

  @Override
  public Integer call() throws InterruptedException {
    try {
      return run(ControllerConfig.of(dataDir, listen, grpcListen, zooKeeper, name, insecureListen));
    } catch (IOException | IllegalArgumentException e) {
      System.err.println("orch-controller: " + e.getMessage());
      return FAILED;
    }
  }

  private static int run(ControllerConfig config) throws IOException, InterruptedException {
    try (DataDirectory data = DataDirectory.open(config.dataDirectory())) {
      Secret secret = Secret.load(data.resolve("secret"));
      EmbeddedZooKeeper embedded =
          config.zooKeeper() == null
              ? EmbeddedZooKeeper.start(data.resolve("zookeeper"), true)
              : null;
      try (ZooKeeperConnection connection =
          ZooKeeperConnection.open(
              embedded != null ? embedded.connectString() : String.valueOf(config.zooKeeper()),
              secret,
              embedded != null,
              ZOOKEEPER_PATIENCE)) {
        return serve(config, connection, secret, embedded != null);
      } finally {
        if (embedded != null) {
          embedded.close();
        }
      }
    }
  }

  private static int serve(
      ControllerConfig config, ZooKeeperConnection connection, Secret secret, boolean sole)
      throws IOException, InterruptedException {
    Logger log = LoggerFactory.getLogger(ControllerMain.class);
    ControllerLoop.Failure failure =
        (why, cause) -> {
          log.error("stopping: {}", why, cause);
          Runtime.getRuntime().halt(FAILED);
        };
    LogLayout layout = new LogLayout(connection.root());
    CountDownLatch terminated = new CountDownLatch(1);
    CountDownLatch cleaned = new CountDownLatch(1);
    try (LoopThread thread = new LoopThread(failure)) {
      Election election =
          sole
              ? new SoleElection(thread)
              : new LatchElection(connection, layout.election(), config.name(), thread);
      EphemeralMembership membership =
          new EphemeralMembership(connection, layout.members(), UUID.randomUUID().toString());
      ControllerLoop loop =
          new ControllerLoop(
              new ControllerLoop.Seams(
                  new CuratorPort(connection, secret, thread),
                  election,
                  membership,
                  thread,
                  thread,
                  thread,
                  new SecureRandom()::nextLong),
              layout,
              config.name(),
              failure);
      try (GrpcServer grpc =
              new GrpcServer(
                  config.grpcListen(), loop.port(), new YamlDialect(), VERSION, FORMAT_LEVEL);
          HttpGateway http = new HttpGateway(config.listen(), grpc.publicServices(), loop.port())) {
        grpc.start();
        http.start();
        String httpAddress = address(config.listen(), http.port());
        String grpcAddress = address(config.grpcListen(), grpc.port());
        loop.start(
            new Member(
                config.name(), false, 0, 0, httpAddress, grpcAddress, VERSION, FORMAT_LEVEL));
        Runtime.getRuntime().addShutdownHook(new Thread(() -> finish(terminated, cleaned), "stop"));
        announce(loop, httpAddress, grpcAddress);
        terminated.await();
        stop(loop, thread);
      } finally {
        membership.close();
        election.close();
      }
    } finally {
      cleaned.countDown();
    }
    return 0;
  }

  /** Says that it is ready: as soon as it leads, or as a standby when another does. */
  private static void announce(ControllerLoop loop, String http, String grpc)
      throws InterruptedException {
    long deadline = System.nanoTime() + LEADER_PATIENCE.toNanos();
    while (loop.port().leadership().role() != Role.LEADER && System.nanoTime() < deadline) {
      Member leader = loop.port().leadership().leader();
      if (leader != null && loop.port().leadership().role() == Role.STANDBY) {
        break;
      }
      Thread.sleep(ROLE_POLL_MILLIS);
    }
    System.out.println(
        "ready: "
            + (loop.port().leadership().role() == Role.LEADER ? "leading" : "standing by")
            + ", HTTP on "
            + http
            + ", gRPC on "
            + grpc);
    ServiceNotification.ready();
  }

  private static void stop(ControllerLoop loop, LoopThread thread) throws InterruptedException {
    try {
      loop.stop().toCompletableFuture().get(STOP_SECONDS, TimeUnit.SECONDS);
    } catch (ExecutionException | TimeoutException e) {
      LoggerFactory.getLogger(ControllerMain.class)
          .warn("what was decided last may not be committed: {}", e.toString());
    }
    thread.execute(loop::close);
  }

  /** The JVM halts when this returns: wait for the main thread's clean-up. */
  private static void finish(CountDownLatch terminated, CountDownLatch cleaned) {
    terminated.countDown();
    try {
      if (!cleaned.await(STOP_SECONDS * 2, TimeUnit.SECONDS)) {
        System.err.println("orch-controller: gave up waiting for a clean end");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static String address(InetSocketAddress listen, int port) {
    return listen.getHostString() + ":" + port;
  }
}

package orch.controller;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import orch.api.config.DaemonCommand;
import orch.api.config.HostAndPort;
import orch.controller.core.Change;
import orch.controller.core.StateView;
import orch.controller.http.HttpGateway;
import orch.controller.port.CommittedListener;
import orch.controller.port.ControllerPort;
import orch.controller.port.Leadership;
import orch.controller.port.Member;
import orch.controller.port.Membership;
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
    description =
        "Keeps what should run, schedules it and serves the API of a cluster. SIGTERM ends it and"
            + " touches no task.")
public final class ControllerMain implements Callable<Integer> {
  /** Newest format of the log that this version reads and writes. */
  static final int FORMAT_LEVEL = 1;

  private static final Duration ZOOKEEPER_PATIENCE = Duration.ofSeconds(20);
  private static final Duration LEADER_PATIENCE = Duration.ofSeconds(10);
  private static final Duration STOP_PATIENCE = Duration.ofSeconds(3);
  private static final Duration STOP_LIMIT = Duration.ofSeconds(10);
  private static final long POLL_MILLIS = 5;
  private static final int FAILED = 1;

  /** EX_SOFTWARE of sysexits.h: something that must never be. */
  private static final int BROKEN = 70;

  @Option(
      names = "--data-dir",
      required = true,
      paramLabel = "DIR",
      description = "The cluster's secret, and the embedded ZooKeeper's data.")
  private Path dataDir = Path.of("");

  @Option(
      names = "--listen",
      paramLabel = "HOST:PORT",
      defaultValue = "localhost:7400",
      description = "Address of the HTTP API.")
  private HostAndPort listen = new HostAndPort("localhost", 7400);

  @Option(
      names = "--grpc-listen",
      paramLabel = "HOST:PORT",
      defaultValue = "localhost:7401",
      description = "Address of the gRPC API, for programs and agents.")
  private HostAndPort grpcListen = new HostAndPort("localhost", 7401);

  @Option(
      names = "--zookeeper",
      paramLabel = "CONNECT",
      description =
          "HOST:PORT[,HOST:PORT...][/PATH] of a ZooKeeper ensemble, which several controllers"
              + " share; unsaid: an embedded server that keeps its data below DIR, for one"
              + " controller. DIR/zookeeper.secret is to be the same file on all.")
  private @Nullable String zooKeeper;

  @Option(
      names = "--name",
      paramLabel = "NAME",
      description = "Name of this controller, unique among them; the host's if unsaid.")
  private @Nullable String name;

  @Option(
      names = "--insecure-listen",
      description =
          "Listen on addresses that other hosts reach, although nothing protects them yet.")
  private boolean insecureListen;

  private final Deque<AutoCloseable> open = new ArrayDeque<>();
  private volatile boolean stopping;

  /** Exit codes: 0 or 143 stopped, 1 could not start, 2 wrong usage, 70 a broken invariant. */
  public static void main(String[] args) {
    if (System.getProperty("logback.configurationFile") == null) {
      System.setProperty("logback.configurationFile", "orch/controller/logback.xml");
    }
    if (LogToolsMain.isTool(args)) {
      System.exit(LogToolsMain.run(args));
    }
    int code =
        DaemonCommand.of(new ControllerMain(), "ORCH_CONTROLLER", System.getenv()).execute(args);
    System.exit(code);
  }

  @Override
  public Integer call() throws InterruptedException {
    ControllerConfig config;
    try {
      config = ControllerConfig.of(dataDir, listen, grpcListen, zooKeeper, name, insecureListen);
    } catch (IllegalArgumentException e) {
      complain(e.getMessage());
      return DaemonCommand.WRONG_USAGE;
    }
    Runtime.getRuntime().addShutdownHook(new Thread(this::stopInTime, "orch-stop"));
    try {
      start(config);
    } catch (IOException | RuntimeException e) {
      if (!stopping) {
        stop();
        if (e instanceof RuntimeException bug) {
          throw bug;
        }
        complain(e.getMessage());
      }
      return FAILED;
    }
    // From here on a signal or a failure ends the process.
    new CountDownLatch(1).await();
    return FAILED;
  }

  private void start(ControllerConfig config) throws IOException, InterruptedException {
    DataDirectory directory = opened(DataDirectory.open(config.dataDirectory()));
    Secret secret = Secret.load(directory.resolve("zookeeper.secret"));
    String connect = config.zooKeeper();
    boolean sole = connect == null;
    if (connect == null) {
      connect =
          opened(EmbeddedZooKeeper.start(directory.resolve("zookeeper"), true)).connectString();
    }
    ZooKeeperConnection connection =
        opened(ZooKeeperConnection.open(connect, secret, sole, ZOOKEEPER_PATIENCE));
    LogLayout layout = new LogLayout(connection.root());
    LoopThread thread = opened(new LoopThread(ControllerMain::broken));
    CuratorPort port = new CuratorPort(connection, secret, thread);
    Membership membership =
        new EphemeralMembership(connection, layout.members(), UUID.randomUUID().toString());
    Election election =
        sole
            ? new SoleElection(thread)
            : new LatchElection(connection, layout.election(), config.name(), thread);
    ControllerLoop loop =
        new ControllerLoop(
            new ControllerLoop.Seams(
                port, election, membership, thread, thread, thread, new SecureRandom()::nextLong),
            layout,
            config.name(),
            ControllerMain::broken);
    opened(() -> {
      // Another controller may take over from here on.
      membership.close();
      election.close();
      thread.execute(loop::close);
      port.close();
    });
    String version = version();
    GrpcServer grpc =
        opened(
            new GrpcServer(
                config.grpcListen(), loop.port(), new YamlDialect(), version, FORMAT_LEVEL));
    HttpGateway http = opened(new HttpGateway(config.listen(), grpc.publicServices(), loop.port()));
    grpc.start();
    http.start();
    opened(() -> finish(loop));
    Member self =
        new Member(
            config.name(),
            false,
            0,
            0,
            advertised(config.listen(), http.port()),
            advertised(config.grpcListen(), grpc.port()),
            version,
            FORMAT_LEVEL);
    loop.start(self);
    awaitLog(loop.port());
    membership.join(self, other -> nameTaken(config.name(), other));
    awaitLeader(loop.port());
    announce(loop.port().leadership(), self);
  }

  /** Waits until the log was read, so that all that is made with it is there. */
  private static void awaitLog(ControllerPort port) throws InterruptedException {
    CountDownLatch read = new CountDownLatch(1);
    ControllerPort.Subscription subscription =
        port.addListener(
            new CommittedListener() {
              @Override
              public void committed(
                  long revision, Instant now, List<Change> changes, StateView view) {}

              @Override
              public void rebuilt(long revision, StateView view) {
                read.countDown();
              }
            });
    read.await();
    subscription.cancel();
  }

  /** Waits until this controller leads, or another does. */
  private static void awaitLeader(ControllerPort port) throws InterruptedException {
    Logger log = LoggerFactory.getLogger(ControllerMain.class);
    long patienceEnds = System.nanoTime() + LEADER_PATIENCE.toNanos();
    while (port.leadership().role() != Role.LEADER
        && (port.leadership().role() != Role.STANDBY || port.leadership().leader() == null)) {
      if (System.nanoTime() > patienceEnds) {
        log.warn("No controller leads yet; still waiting");
        patienceEnds = System.nanoTime() + LEADER_PATIENCE.toNanos();
      }
      Thread.sleep(POLL_MILLIS);
    }
  }

  /** One line on standard output, which begins with {@code ready}: scripts wait for it. */
  private static void announce(Leadership leadership, Member self) {
    Member leader = leadership.leader();
    System.out.println(
        "ready: controller "
            + self.name()
            + (leadership.role() == Role.LEADER || leader == null
                ? " leads"
                : " stands by for " + leader.name())
            + ", HTTP on "
            + self.httpAddress()
            + ", gRPC on "
            + self.grpcAddress());
    System.out.flush();
    ServiceNotification.ready();
  }

  // ---- the end

  /** Keeps something to be closed, last opened first; closes it at once if it comes too late. */
  private synchronized <T extends AutoCloseable> T opened(T resource) throws IOException {
    if (stopping) {
      close(resource);
      throw new IOException("stopped while it started");
    }
    open.push(resource);
    return resource;
  }

  /**
   * As {@link #stop}, but what hangs is left behind: nothing of it is needed for the next start.
   */
  private void stopInTime() {
    Thread stop = Thread.ofPlatform().daemon().name("orch-close").start(this::stop);
    try {
      if (!stop.join(STOP_LIMIT)) {
        complain("did not close everything within " + STOP_LIMIT.toSeconds() + " s, ends anyway");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private synchronized void stop() {
    stopping = true;
    while (!open.isEmpty()) {
      close(open.pop());
    }
  }

  private static void close(AutoCloseable resource) {
    try {
      resource.close();
    } catch (Exception e) {
      if (e instanceof InterruptedException) {
        Thread.currentThread().interrupt();
      }
      LoggerFactory.getLogger(ControllerMain.class).warn("Did not close cleanly: {}", e, e);
    }
  }

  /** Lets what was decided commit; requests are refused from here on. */
  private static void finish(ControllerLoop loop) throws InterruptedException {
    Logger log = LoggerFactory.getLogger(ControllerMain.class);
    log.info("Stops");
    try {
      loop.stop().toCompletableFuture().get(STOP_PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException | TimeoutException e) {
      log.warn(
          "What was decided last was not committed within {} s; who asked will ask again",
          STOP_PATIENCE.toSeconds());
    }
  }

  /** What must never be: the process ends at once, and touches nothing more. */
  private static void broken(String why, @Nullable Throwable cause) {
    LoggerFactory.getLogger(ControllerMain.class).error("Broken: {}", why, cause);
    complain(
        why
            + "; the controller stops, the log is as it was: start it again, and report this with"
            + " the lines before");
    Runtime.getRuntime().halt(BROKEN);
  }

  private static void nameTaken(String name, Member other) {
    complain(
        "another controller is called "
            + name
            + ", at "
            + other.httpAddress()
            + "; give this one a --name of its own");
    // Not on the thread that told it, for that one is joined at the end.
    Thread.ofPlatform().name("orch-exit").start(() -> System.exit(FAILED));
  }

  private static void complain(@Nullable String sentence) {
    System.err.println("orch-controller: " + sentence);
  }

  private static String advertised(InetSocketAddress listen, int port) {
    String host = listen.getHostString();
    if (listen.getAddress().isAnyLocalAddress()) {
      try {
        host = InetAddress.getLocalHost().getHostName();
      } catch (UnknownHostException e) {
        LoggerFactory.getLogger(ControllerMain.class)
            .warn("This host does not know its own name; others are told {}", host);
      }
    }
    return new HostAndPort(host, port).toString();
  }

  /** Of the build; {@code development} where it was not packaged. */
  private static String version() {
    return Objects.requireNonNullElse(
        ControllerMain.class.getPackage().getImplementationVersion(), "development");
  }
}

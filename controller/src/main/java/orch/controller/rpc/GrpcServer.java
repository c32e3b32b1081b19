package orch.controller.rpc;

import io.grpc.BindableService;
import io.grpc.Server;
import io.grpc.ServerInterceptors;
import io.grpc.ServerServiceDefinition;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.protobuf.services.HealthStatusManager;
import io.grpc.protobuf.services.ProtoReflectionServiceV1;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import orch.controller.port.ControllerPort;

/**
 * The gRPC server: the public services, health, reflection, and the agents' service. {@link
 * #publicServices} are what the HTTP port serves too.
 */
public final class GrpcServer implements AutoCloseable {
  /** An agent's inventory comes in parts of 500 attempts, some kilobytes each at the worst. */
  private static final int MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

  /** More than the HTTP port takes: a standby sends the headers of a call on. */
  private static final int MAX_METADATA_BYTES = 32 * 1024;

  private static final long KEEP_ALIVE_SECONDS = 10;

  /** Agents ask every 10 s whether the connection lives; more often is impolite. */
  private static final long MIN_KEEP_ALIVE_SECONDS = 5;

  private static final long STOP_SECONDS = 1;

  private final InetSocketAddress listen;
  private final ExecutorService executor;
  private final Watches watches;
  private final Forwarding forwarding;
  private final LeaderWait leaderWait;
  private final Events events;
  private final List<ServerServiceDefinition> publicServices;
  private final HealthStatusManager health = new HealthStatusManager();
  private final Server server;

  /**
   * Does not listen yet.
   *
   * @param version of this build
   * @param maxFormatLevel newest format of the log that it reads
   */
  public GrpcServer(
      InetSocketAddress listen,
      ControllerPort controller,
      SpecDialect dialect,
      String version,
      int maxFormatLevel) {
    this(listen, controller, dialect, version, maxFormatLevel, Bounds.DEFAULT);
  }

  /**
   * What tests make small.
   *
   * @param watchWeight see {@link Watches#MAX_WEIGHT}
   * @param bookmarks of watches in which nothing happens
   * @param outbox see {@link AgentOutbox#MAX_ITEMS}
   * @param signalTimeout of an agent that does not say what became of a signal
   * @param logPatience with a node whose output is all that is missing
   * @param forwardPatience see {@link Forwarding#PATIENCE}
   * @param leaderPatience see {@link LeaderWait#PATIENCE}
   */
  record Bounds(
      int watchWeight,
      Duration bookmarks,
      int outbox,
      Duration signalTimeout,
      Duration logPatience,
      Duration forwardPatience,
      Duration leaderPatience) {
    static final Bounds DEFAULT =
        new Bounds(
            Watches.MAX_WEIGHT,
            Duration.ofSeconds(15),
            AgentOutbox.MAX_ITEMS,
            // An agent answers a signal at once or not at all.
            Duration.ofSeconds(10),
            Duration.ofSeconds(5),
            Forwarding.PATIENCE,
            LeaderWait.PATIENCE);
  }

  GrpcServer(
      InetSocketAddress listen,
      ControllerPort controller,
      SpecDialect dialect,
      String version,
      int maxFormatLevel,
      Bounds bounds) {
    this.listen = listen;
    executor = Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("rpc-", 0).factory());
    Requests requests = new Requests(controller, executor);
    watches = new Watches(requests, bounds.watchWeight(), bounds.bookmarks());
    events =
        new Events(requests, new EventRing(), bounds.bookmarks(), new SecureRandom().nextLong());
    LogStreams logs = new LogStreams(requests, watches, bounds.logPatience());
    Signals signals = new Signals(requests, bounds.signalTimeout());
    LastHeard heard = new LastHeard();
    forwarding = new Forwarding(controller, executor, bounds.forwardPatience());
    leaderWait = new LeaderWait(controller, executor, bounds.leaderPatience());
    Inspections inspections = new Inspections(requests, bounds.signalTimeout());
    ExecStreams execs = new ExecStreams(requests, bounds.signalTimeout());
    publicServices =
        List.of(
            service(new JobRpc(requests, watches, events, dialect)),
            service(new TaskRpc(requests, watches, logs, signals, inspections, execs, events)),
            service(new NodeRpc(requests, watches, heard)),
            service(new ClusterRpc(requests, events, version, maxFormatLevel)),
            health.getHealthService().bindService());
    server =
        NettyServerBuilder.forAddress(listen)
            .executor(executor)
            .addServices(publicServices)
            .addService(
                ServerInterceptors.intercept(
                    new AgentRpc(
                        controller,
                        executor,
                        signals,
                        inspections,
                        logs,
                        execs,
                        heard,
                        events,
                        bounds.outbox()),
                    leaderWait,
                    // The last is the first to be asked.
                    new EarlyHeaders()))
            .addService(ProtoReflectionServiceV1.newInstance())
            .maxInboundMessageSize(MAX_MESSAGE_BYTES)
            .maxInboundMetadataSize(MAX_METADATA_BYTES)
            .keepAliveTime(KEEP_ALIVE_SECONDS, TimeUnit.SECONDS)
            .keepAliveTimeout(KEEP_ALIVE_SECONDS, TimeUnit.SECONDS)
            .permitKeepAliveTime(MIN_KEEP_ALIVE_SECONDS, TimeUnit.SECONDS)
            .permitKeepAliveWithoutCalls(true)
            .build();
    health.setStatus(HealthStatusManager.SERVICE_NAME_ALL_SERVICES, ServingStatus.SERVING);
  }

  private ServerServiceDefinition service(BindableService service) {
    return ServerInterceptors.interceptForward(
        service.bindService(), forwarding, Caller.interceptor());
  }

  /** The services for clients, with their interceptors; not the agents' one. */
  public List<ServerServiceDefinition> publicServices() {
    return publicServices;
  }

  /** Listens; fails with a sentence when it cannot. */
  public void start() throws IOException {
    try {
      server.start();
    } catch (IOException failure) {
      Throwable cause = failure.getCause() == null ? failure : failure.getCause();
      close();
      throw new IOException(
          "cannot listen for gRPC on "
              + listen.getHostString()
              + ":"
              + listen.getPort()
              + ": "
              + cause.getMessage()
              + "; choose another address with --grpc-listen",
          failure);
    }
  }

  /** How many agents wait here for a leader. */
  int waitingAgents() {
    return leaderWait.waiting();
  }

  /** The port that it listens on. */
  public int port() {
    return server.getPort();
  }

  /** Ends every call and session. */
  @Override
  public void close() {
    health.enterTerminalState();
    watches.close();
    forwarding.close();
    leaderWait.close();
    events.close();
    server.shutdownNow();
    try {
      server.awaitTermination(STOP_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
    executor.shutdownNow();
  }
}

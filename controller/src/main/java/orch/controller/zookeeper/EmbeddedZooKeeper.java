package orch.controller.zookeeper;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Properties;
import org.apache.zookeeper.server.embedded.ExitHandler;
import org.apache.zookeeper.server.embedded.ZooKeeperServerEmbedded;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A ZooKeeper server in this process, for a cluster with a single controller. Its data are as
 * durable as an ensemble's on one disk (every write is synced), it listens on the loopback
 * interface only, on a port of its own choice, and answers no administration request. What its
 * nodes hold is guarded by the {@link Secret}, since any local user can find the port.
 */
public final class EmbeddedZooKeeper implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(EmbeddedZooKeeper.class);
  private static final Duration START_TIMEOUT = Duration.ofSeconds(30);
  private static final int ATTEMPTS = 5;

  private final ZooKeeperServerEmbedded server;
  private final int port;

  private EmbeddedZooKeeper(ZooKeeperServerEmbedded server, int port) {
    this.server = server;
    this.port = port;
  }

  /**
   * Starts the server on the data below {@code directory}, which is made where it is missing.
   *
   * @param exitOnFailure whether the process ends when the server cannot go on, as on a full disk;
   *     tests say no
   * @throws IOException with a sentence for the operator
   */
  public static EmbeddedZooKeeper start(Path directory, boolean exitOnFailure) throws IOException {
    Files.createDirectories(
        directory,
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwx------"));
    // Read by the server's classes when they are loaded, so before anything else of it.
    System.setProperty("zookeeper.jmx.log4j.disable", "true");
    for (int attempt = 1; ; attempt++) {
      int port = freePort();
      ZooKeeperServerEmbedded server = null;
      try {
        server =
            ZooKeeperServerEmbedded.builder()
                .baseDir(directory)
                .configuration(settings(port))
                .exitHandler(exitOnFailure ? ExitHandler.EXIT : ExitHandler.LOG_ONLY)
                .build();
        server.start(START_TIMEOUT.toMillis());
        deleteCopiesOfSettings(directory);
        return new EmbeddedZooKeeper(server, port);
      } catch (Exception e) {
        if (server != null) {
          server.close();
        }
        if (e instanceof InterruptedException) {
          Thread.currentThread().interrupt();
          throw new IOException("interrupted while the embedded ZooKeeper started", e);
        }
        if (attempt == ATTEMPTS) {
          throw new IOException(
              "the embedded ZooKeeper cannot start on " + directory + ": " + e.getMessage(), e);
        }
        LOG.info("The embedded ZooKeeper did not start on port {}: {}", port, e.getMessage());
      }
    }
  }

  /** {@code 127.0.0.1:PORT}. */
  public String connectString() {
    return "127.0.0.1:" + port;
  }

  @Override
  public void close() {
    server.close();
  }

  private static Properties settings(int port) {
    Properties settings = new Properties();
    settings.setProperty("clientPort", Integer.toString(port));
    settings.setProperty("clientPortAddress", "127.0.0.1");
    settings.setProperty("tickTime", "1000");
    // Every process of this host shares one address, so the limit by address is one for all.
    settings.setProperty("maxClientCnxns", "1000");
    settings.setProperty("forceSync", "yes");
    settings.setProperty("snapSizeLimitInKb", "262144");
    settings.setProperty("commitLogCount", "64");
    settings.setProperty("preAllocSize", "16384");
    settings.setProperty("autopurge.snapRetainCount", "3");
    settings.setProperty("autopurge.purgeInterval", "1");
    settings.setProperty("admin.enableServer", "false");
    // None; ZooKeeper itself keeps srvr, which tells only counters.
    settings.setProperty("4lw.commands.whitelist", "");
    return settings;
  }

  /** The server leaves a copy of its settings at every start. */
  private static void deleteCopiesOfSettings(Path directory) throws IOException {
    try (DirectoryStream<Path> copies =
        Files.newDirectoryStream(directory, "zookeeper.configuration*.properties")) {
      for (Path copy : copies) {
        Files.deleteIfExists(copy);
      }
    }
  }

  /** A port that was free a moment ago. Somebody may be faster: then another is tried. */
  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket()) {
      socket.bind(new InetSocketAddress(InetAddress.getByAddress(new byte[] {127, 0, 0, 1}), 0));
      return socket.getLocalPort();
    }
  }
}

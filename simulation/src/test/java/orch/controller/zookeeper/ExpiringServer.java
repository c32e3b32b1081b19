package orch.controller.zookeeper;

import java.io.File;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import orch.controller.store.ZooKeeperPort;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.ZooKeeper;

/**
 * A real ZooKeeper server that lets sessions expire on request. Its class is used by reflection:
 * the class file names annotations that ZooKeeper does not bring along, of which the compiler would
 * warn.
 */
public final class ExpiringServer implements AutoCloseable {
  private static final int TICK_MILLIS = 1_000;
  private static final int CONNECTIONS = 100;
  private static final String PACKAGE = "org.apache.zookeeper.server.";

  private final Object server;
  private final Object factory;

  private ExpiringServer(Object server, Object factory) {
    this.server = server;
    this.factory = factory;
  }

  /** Starts on a directory, which is made, and a free port of the loopback interface. */
  public static ExpiringServer start(Path directory) throws ReflectiveOperationException {
    System.setProperty("zookeeper.jmx.log4j.disable", "true");
    Class<?> servers = Class.forName(PACKAGE + "ZooKeeperServer");
    Class<?> factories = Class.forName(PACKAGE + "ServerCnxnFactory");
    File data = directory.toFile();
    Object server =
        servers
            .getConstructor(File.class, File.class, int.class)
            .newInstance(data, data, TICK_MILLIS);
    Object factory =
        factories
            .getMethod("createFactory", InetSocketAddress.class, int.class)
            .invoke(null, new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), CONNECTIONS);
    factories.getMethod("startup", servers).invoke(factory, server);
    return new ExpiringServer(server, factory);
  }

  /** {@code 127.0.0.1:PORT}. */
  public String connectString() throws ReflectiveOperationException {
    return "127.0.0.1:" + factory.getClass().getMethod("getLocalPort").invoke(factory);
  }

  /** The session that a connection has now. */
  public static ZooKeeper session(ZooKeeperConnection connection) throws Exception {
    return connection.curator().getZookeeperClient().getZooKeeper();
  }

  /** What the session asks from now on comes after its end, and its connection breaks. */
  public void expire(ZooKeeper session) throws ReflectiveOperationException {
    server.getClass().getMethod("closeSession", long.class).invoke(server, session.getSessionId());
  }

  /** Makes an empty node that goes with the session; a thread of the client calls back. */
  public static void createEphemeral(
      ZooKeeper session, Secret secret, String path, ZooKeeperPort.Callback callback) {
    session.create(
        path,
        new byte[0],
        secret.everything(),
        CreateMode.EPHEMERAL,
        (code, name, context, made) -> callback.done(CuratorPort.code(code)),
        null);
  }

  @Override
  public void close() throws ReflectiveOperationException {
    factory.getClass().getMethod("shutdown").invoke(factory);
  }
}

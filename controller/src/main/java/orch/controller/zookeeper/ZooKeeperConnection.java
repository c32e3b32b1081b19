package orch.controller.zookeeper;

import java.io.IOException;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.api.ACLProvider;
import org.apache.curator.framework.state.SessionConnectionStateErrorPolicy;
import org.apache.curator.retry.RetryForever;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.client.ZKClientConfig;
import org.apache.zookeeper.data.ACL;

/**
 * A session with ZooKeeper under the cluster's {@link Secret}, renewed by Curator whenever it
 * expires. Its owner closes it after everything that was built on it.
 */
public final class ZooKeeperConnection implements AutoCloseable {
  /** How long a controller may be silent before ZooKeeper counts it as gone. */
  public static final Duration SESSION_TIMEOUT = Duration.ofSeconds(8);

  private static final Duration CONNECTION_TIMEOUT = Duration.ofSeconds(5);
  private static final int RETRY_MILLIS = 200;
  private static final int CLOSE_MILLIS = 1_000;

  private final CuratorFramework curator;
  private final String root;

  private ZooKeeperConnection(CuratorFramework curator, String root) {
    this.curator = curator;
    this.root = root;
  }

  /**
   * Connects, and makes the cluster's root node where it is missing.
   *
   * @param connectString {@code HOST:PORT[,HOST:PORT…][/PATH]}; the cluster lies below PATH
   * @param closed whether nobody but this cluster is to use this server: then a stranger cannot
   *     even make nodes of his own
   * @param patience how long to wait for a server that answers
   * @throws IOException with a sentence for the operator: nobody answers, or the secret is another
   */
  public static ZooKeeperConnection open(
      String connectString, Secret secret, boolean closed, Duration patience) throws IOException {
    int slash = connectString.indexOf('/');
    String servers = slash < 0 ? connectString : connectString.substring(0, slash);
    String parent = slash < 0 ? "" : withoutSlashAtEnd(connectString.substring(slash));
    CuratorFramework curator = curator(servers, secret);
    ZooKeeperConnection connection = new ZooKeeperConnection(curator, parent + "/orch");
    boolean ready = false;
    curator.start();
    try {
      if (!curator.blockUntilConnected((int) patience.toMillis(), TimeUnit.MILLISECONDS)) {
        throw new IOException(
            "ZooKeeper is unreachable: no server of "
                + servers
                + " answered within "
                + patience.toSeconds()
                + " s; check the address (--zookeeper) and that the ensemble has a quorum");
      }
      connection.makeRoot(secret, parent, closed);
      ready = true;
      return connection;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while connecting to ZooKeeper", e);
    } finally {
      if (!ready) {
        connection.close();
      }
    }
  }

  /** Path of the node that everything of the cluster lies below. */
  public String root() {
    return root;
  }

  /** Whether a server answers at the moment; if not, whatever asks for an answer may wait long. */
  boolean connected() {
    return curator.getZookeeperClient().isConnected();
  }

  CuratorFramework curator() {
    return curator;
  }

  @Override
  public void close() {
    curator.close();
  }

  private static CuratorFramework curator(String servers, Secret secret) {
    ZKClientConfig config = new ZKClientConfig();
    config.setProperty(ZKClientConfig.ENABLE_CLIENT_SASL_KEY, "false");
    List<ACL> acl = secret.everything();
    return CuratorFrameworkFactory.builder()
        .connectString(servers)
        .zkClientConfig(config)
        .sessionTimeoutMs((int) SESSION_TIMEOUT.toMillis())
        .connectionTimeoutMs((int) CONNECTION_TIMEOUT.toMillis())
        .maxCloseWaitMs(CLOSE_MILLIS)
        // For the recipes; the log goes past Curator's retries.
        .retryPolicy(new RetryForever(RETRY_MILLIS))
        // A short interruption does not cost the leadership, the session's end does.
        .connectionStateErrorPolicy(new SessionConnectionStateErrorPolicy())
        .authorization("digest", secret.credentials())
        .aclProvider(
            new ACLProvider() {
              @Override
              public List<ACL> getDefaultAcl() {
                return acl;
              }

              @Override
              public List<ACL> getAclForPath(String path) {
                return acl;
              }
            })
        .build();
  }

  private void makeRoot(Secret secret, String parent, boolean closed)
      throws IOException, InterruptedException {
    try {
      if (closed) {
        // The fourth that is there from the start, /zookeeper/config, can be changed by nobody.
        for (String path : List.of("/", "/zookeeper", "/zookeeper/quota")) {
          curator.setACL().withACL(secret.everything()).forPath(path);
        }
      }
      if (!parent.isEmpty()) {
        makeParents(parent);
      }
      List<ACL> wanted = secret.everythingButDeletion();
      try {
        curator.create().withACL(wanted).forPath(root);
      } catch (KeeperException.NodeExistsException e) {
        // Made at an earlier start; looked at below.
      }
      if (!new HashSet<>(curator.getACL().forPath(root)).equals(new HashSet<>(wanted))) {
        throw refused(secret, "its access list is not this cluster's");
      }
    } catch (KeeperException.NoAuthException e) {
      throw refused(secret, "access was denied");
    } catch (IOException | InterruptedException e) {
      throw e;
    } catch (Exception e) {
      throw new IOException("cannot make " + root + " in ZooKeeper: " + e.getMessage(), e);
    }
  }

  private void makeParents(String parent) throws Exception {
    for (int end = parent.indexOf('/', 1); ; end = parent.indexOf('/', end + 1)) {
      String path = end < 0 ? parent : parent.substring(0, end);
      try {
        if (curator.checkExists().forPath(path) == null) {
          curator.create().forPath(path);
        }
      } catch (KeeperException.NodeExistsException e) {
        // Another member was faster.
      }
      if (end < 0) {
        return;
      }
    }
  }

  private IOException refused(Secret secret, String how) {
    return new IOException(
        "the node "
            + root
            + " in ZooKeeper belongs to another secret ("
            + how
            + "); copy the file of a controller that is a member already to "
            + secret.file()
            + ", or give a path of its own to this cluster (--zookeeper HOST:PORT/PATH)");
  }

  private static String withoutSlashAtEnd(String path) {
    return path.endsWith("/") ? path.substring(0, path.length() - 1) : path;
  }
}

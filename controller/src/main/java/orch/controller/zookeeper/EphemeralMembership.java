package orch.controller.zookeeper;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import orch.controller.port.Member;
import orch.controller.port.Membership;
import org.apache.curator.framework.recipes.cache.ChildData;
import org.apache.curator.framework.recipes.cache.CuratorCache;
import org.apache.curator.framework.recipes.nodes.PersistentNode;
import org.apache.zookeeper.CreateMode;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Members as ephemeral nodes, {@code /members/NAME+INSTANCE}, where the instance is the process:
 * one that was killed and started again need not wait for its former self to expire.
 */
public final class EphemeralMembership implements Membership {
  /** After it the node of a former self is gone, and one of the same name is somebody else's. */
  private static final Duration FORMER_SELF =
      ZooKeeperConnection.SESSION_TIMEOUT.plus(Duration.ofSeconds(4));

  private static final Logger LOG = LoggerFactory.getLogger(EphemeralMembership.class);

  private final ZooKeeperConnection connection;
  private final String path;
  private final String instance;
  private final Duration formerSelf;
  private final CuratorCache cache;
  private final ScheduledExecutorService timer =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("orch-members").factory());
  private volatile @Nullable Member self;
  private @Nullable PersistentNode node;
  private boolean closed;

  /**
   * @param path of the node below which the members stand; exists
   * @param instance unique to this process
   */
  public EphemeralMembership(ZooKeeperConnection connection, String path, String instance) {
    this(connection, path, instance, FORMER_SELF);
  }

  EphemeralMembership(
      ZooKeeperConnection connection, String path, String instance, Duration formerSelf) {
    this.formerSelf = formerSelf;
    this.connection = connection;
    this.path = path;
    this.instance = instance;
    this.cache = CuratorCache.build(connection.curator(), path);
  }

  @Override
  public synchronized void join(Member self, NameTaken nameTaken) {
    if (closed || node != null) {
      return;
    }
    this.self = self;
    cache.start();
    PersistentNode created =
        new PersistentNode(
            connection.curator(), CreateMode.EPHEMERAL, false, nodeOf(self), encode(self));
    created.start();
    node = created;
    var _ =
        timer.schedule(
            () -> lookForNamesake(self.name(), nameTaken),
            formerSelf.toMillis(),
            TimeUnit.MILLISECONDS);
  }

  @Override
  public synchronized void update(Member self) {
    if (closed || node == null || self.equals(this.self)) {
      return;
    }
    this.self = self;
    PersistentNode current = node;
    timer.execute(() -> {
      try {
        current.setData(encode(self));
      } catch (Exception e) {
        LOG.warn("The members were not told that this one changed: {}", e.toString());
      }
    });
  }

  @Override
  public List<Member> members() {
    TreeMap<String, Member> byName = new TreeMap<>();
    Map<String, Long> newest = new TreeMap<>();
    cache.stream()
        .filter(child -> child.getPath().length() > path.length())
        .forEach(child -> {
          Member member = decode(child.getData());
          // Of a name that is there twice the newer process is the living one.
          if (member != null
              && newest.getOrDefault(member.name(), -1L) < child.getStat().getCzxid()) {
            newest.put(member.name(), child.getStat().getCzxid());
            byName.put(member.name(), member);
          }
        });
    Member own = self;
    if (own != null) {
      byName.put(own.name(), own);
    }
    return List.copyOf(byName.values());
  }

  @Override
  public synchronized void close() {
    closed = true;
    timer.shutdownNow();
    cache.close();
    // With no server to tell, the node goes when the session ends.
    if (node != null && connection.connected()) {
      try {
        node.close();
      } catch (IOException e) {
        LOG.info("This member's node stays until its session ends: {}", e.toString());
      }
    }
  }

  /** Whether this member's own node is known to be there. */
  boolean isThere() {
    return cache.stream().anyMatch(child -> child.getPath().endsWith("+" + instance));
  }

  private void lookForNamesake(String name, NameTaken nameTaken) {
    long own = Long.MAX_VALUE;
    ChildData oldest = null;
    for (ChildData child : (Iterable<ChildData>) cache.stream()::iterator) {
      if (!child.getPath().startsWith(path + "/" + name + "+")) {
        continue;
      }
      if (child.getPath().endsWith("+" + instance)) {
        own = child.getStat().getCzxid();
      } else if (oldest == null || child.getStat().getCzxid() < oldest.getStat().getCzxid()) {
        oldest = child;
      }
    }
    // The one that came later gives way.
    if (oldest != null && oldest.getStat().getCzxid() < own) {
      Member other = decode(oldest.getData());
      if (other != null) {
        nameTaken.by(other);
      }
    }
  }

  private String nodeOf(Member member) {
    return path + "/" + member.name() + "+" + instance;
  }

  /** A line for each field, {@code name value}; unknown ones are skipped when read. */
  private static byte[] encode(Member member) {
    return String.join(
            "\n",
            "format 1",
            "name " + member.name(),
            "leader " + member.leader(),
            "epoch " + member.epoch(),
            "applied " + member.appliedRevision(),
            "http " + member.httpAddress(),
            "grpc " + member.grpcAddress(),
            "version " + member.version(),
            "formatLevel " + member.maxFormatLevel(),
            "")
        .getBytes(StandardCharsets.UTF_8);
  }

  private static @Nullable Member decode(byte @Nullable [] data) {
    if (data == null) {
      return null;
    }
    TreeMap<String, String> fields = new TreeMap<>();
    for (String line : new String(data, StandardCharsets.UTF_8).lines().toList()) {
      int space = line.indexOf(' ');
      if (space > 0) {
        fields.put(line.substring(0, space), line.substring(space + 1));
      }
    }
    try {
      return new Member(
          fields.getOrDefault("name", ""),
          Boolean.parseBoolean(fields.getOrDefault("leader", "false")),
          Long.parseLong(fields.getOrDefault("epoch", "0")),
          Long.parseLong(fields.getOrDefault("applied", "0")),
          fields.getOrDefault("http", ""),
          fields.getOrDefault("grpc", ""),
          fields.getOrDefault("version", ""),
          Integer.parseInt(fields.getOrDefault("formatLevel", "0")));
    } catch (NumberFormatException e) {
      LOG.warn("A member's node cannot be read, it is left out: {}", e.getMessage());
      return null;
    }
  }
}

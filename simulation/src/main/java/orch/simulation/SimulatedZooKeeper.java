package orch.simulation;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import orch.controller.store.MultiResult;
import orch.controller.store.Operation;
import orch.controller.store.ResultCode;

/**
 * A ZooKeeper ensemble as its clients see it: writes in one order, each durable once a majority
 * lives; servers that lag behind it, each in its own way; sessions that expire when nothing was
 * heard of their client for too long. Without a majority nothing is written, nobody is served, and
 * no session expires.
 */
final class SimulatedZooKeeper {
  static final Duration SESSION_TIMEOUT = Duration.ofSeconds(8);

  private static final Duration CHECK = Duration.ofMillis(500);
  private static final Duration LEAST_COMMIT = Duration.ofNanos(100_000);
  private static final Duration MOST_COMMIT = Duration.ofMillis(2);

  private final World world;
  private final ZooKeeperTree tree = new ZooKeeperTree();
  private final List<List<Operation>> transactions = new ArrayList<>();
  private final List<ZooKeeperServer> servers = new ArrayList<>();
  private final Map<Long, Session> sessions = new TreeMap<>();
  private final List<Proposal> proposals = new ArrayList<>();
  private final CommitListener listener;
  private long nextSession = 1;
  private long lastCommit;
  private boolean majority = true;

  /** Hears of every multi that was done, as it becomes durable, in the order of all. */
  interface CommitListener {
    void committed(List<Operation> operations);
  }

  /** A session as the ensemble knows it. */
  static final class Session {
    final long id;
    final SimulatedSession client;
    private long heardNanos;
    private boolean expired;

    private Session(long id, SimulatedSession client, long heardNanos) {
      this.id = id;
      this.client = client;
      this.heardNanos = heardNanos;
    }

    boolean expired() {
      return expired;
    }
  }

  /** A write that was handed to the ensemble's leader. */
  static final class Proposal {
    final Session session;
    final List<Operation> operations;
    final boolean ephemeral;
    final Done done;
    boolean dropped;

    Proposal(Session session, List<Operation> operations, boolean ephemeral, Done done) {
      this.session = session;
      this.operations = operations;
      this.ephemeral = ephemeral;
      this.done = done;
    }
  }

  /** Hears how a proposal ended; a server knows it once it has applied {@code zxid}. */
  interface Done {
    void committed(MultiResult result, long zxid);
  }

  SimulatedZooKeeper(World world, List<SimulatedMachine> machines, CommitListener listener) {
    this.world = world;
    this.listener = listener;
    for (SimulatedMachine machine : machines) {
      servers.add(new ZooKeeperServer(world, this, machine));
    }
    world.after(CHECK, "zookeeper", "looks at its sessions", this::check);
  }

  List<ZooKeeperServer> servers() {
    return servers;
  }

  boolean majority() {
    return majority;
  }

  /** Number of the newest write. */
  long zxid() {
    return transactions.size();
  }

  List<Operation> transaction(long zxid) {
    return transactions.get((int) zxid - 1);
  }

  /** The tree with every write that is durable. */
  ZooKeeperTree tree() {
    return tree;
  }

  // ---- sessions

  Session open(SimulatedSession client) {
    Session session = new Session(nextSession++, client, world.nowNanos());
    sessions.put(session.id, session);
    world.record("zookeeper", "opens session", session.id);
    return session;
  }

  void heard(Session session) {
    session.heardNanos = world.nowNanos();
  }

  /** It is over, by its client's wish or because it expired: its nodes go with it. */
  void end(Session session) {
    session.expired = true;
    sessions.remove(session.id);
    List<Operation> operations = new ArrayList<>();
    for (String path : tree.ownedBy(session.id)) {
      operations.add(new Operation.Delete(path, Operation.ANY_VERSION));
    }
    if (!operations.isEmpty()) {
      if (!tree.multi(operations).equals(MultiResult.OK)) {
        throw new IllegalStateException("the nodes of session " + session.id + " stay");
      }
      done(operations);
    }
    servers.forEach(server -> server.forget(session, zxid()));
  }

  private void check() {
    world.after(CHECK, "zookeeper", "looks at its sessions", this::check);
    if (!majority) {
      // A new leader gives every session its whole time again.
      sessions.values().forEach(this::heard);
      return;
    }
    for (Session session : List.copyOf(sessions.values())) {
      if (session.client.heardBy(session)) {
        heard(session);
      } else if (world.nowNanos() - session.heardNanos > SESSION_TIMEOUT.toNanos()) {
        expire(session);
      }
    }
  }

  /** It expires now, however well its client is heard. */
  void expire(SimulatedSession client) {
    sessions.values().stream()
        .filter(session -> session.client == client)
        .toList()
        .forEach(this::expire);
  }

  private void expire(Session session) {
    world.record("zookeeper", "expires session", session.id);
    end(session);
  }

  // ---- writes

  /**
   * Takes a write; it becomes durable later, in the order of all proposals, if it does at all.
   *
   * @param ephemeral whether the nodes that it makes go with the session
   */
  Proposal propose(Session session, List<Operation> operations, boolean ephemeral, Done done) {
    Proposal proposal = new Proposal(session, operations, ephemeral, done);
    proposals.add(proposal);
    lastCommit =
        Math.max(lastCommit, world.nowNanos() + world.between(LEAST_COMMIT, MOST_COMMIT).toNanos());
    if (majority) {
      commitLater(proposal);
    }
    return proposal;
  }

  private void commitLater(Proposal proposal) {
    world.after(
        Duration.ofNanos(lastCommit - world.nowNanos()),
        "zookeeper",
        "commits",
        () -> {
          if (majority && proposals.remove(proposal) && !proposal.dropped) {
            commit(proposal);
          }
        });
  }

  private void commit(Proposal proposal) {
    if (proposal.session.expired()) {
      proposal.done.committed(new MultiResult(ResultCode.SESSION_EXPIRED, -1), zxid());
      return;
    }
    MultiResult result = tree.multi(proposal.operations);
    if (proposal.operations.isEmpty()) {
      proposal.done.committed(result, zxid());
      return;
    }
    if (result.equals(MultiResult.OK)) {
      if (proposal.ephemeral) {
        proposal.operations.forEach(made -> tree.own(made.path(), proposal.session.id));
      }
      done(proposal.operations);
    } else {
      world.record("zookeeper", "refuses: " + result.code(), result.failedOperation());
    }
    proposal.done.committed(result, zxid());
  }

  private void done(List<Operation> operations) {
    transactions.add(operations);
    listener.committed(operations);
    servers.forEach(ZooKeeperServer::follow);
  }

  // ---- servers

  /** A server failed or came back. */
  void counted() {
    long up = servers.stream().filter(ZooKeeperServer::up).count();
    boolean now = 2 * up > servers.size();
    if (now == majority) {
      return;
    }
    majority = now;
    world.record("zookeeper", now ? "has a majority again" : "has lost its majority");
    if (!now) {
      servers.forEach(ZooKeeperServer::breakConnections);
      return;
    }
    sessions.values().forEach(this::heard);
    // The new leader knows of the first so many of what was proposed to the old one.
    int known = world.below(proposals.size() + 1);
    List<Proposal> waiting = List.copyOf(proposals);
    proposals.clear();
    for (int i = 0; i < known; i++) {
      if (!waiting.get(i).dropped) {
        commit(waiting.get(i));
      }
    }
  }
}

package orch.simulation;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import orch.controller.store.MultiResult;
import orch.controller.store.Operation;

/**
 * A server of the ensemble: it applies the ensemble's writes in order, perhaps long after they
 * became durable, answers reads from what it has applied, and answers each session in the order of
 * its requests.
 */
final class ZooKeeperServer {
  private static final Duration MOST_LAG = Duration.ofMillis(1);

  private final World world;
  private final SimulatedZooKeeper ensemble;
  private final SimulatedMachine machine;
  private final SimulatedProcess process;
  private final ZooKeeperTree tree = new ZooKeeperTree();
  private final Map<String, List<Watch>> watches = new TreeMap<>();
  private final List<Client> clients = new ArrayList<>();
  private final List<Waiting> waiting = new ArrayList<>();
  private Duration lag = MOST_LAG;
  private long applied;
  private long appliesAt;
  private boolean up = true;

  private record Watch(Client client, Runnable action) {}

  private record Waiting(long zxid, Runnable action) {}

  /** A session's connection, seen from here. */
  static final class Client {
    private final SimulatedZooKeeper.Session session;
    private final SimulatedConnection connection;
    private final ArrayDeque<Request> requests = new ArrayDeque<>();
    private final List<SimulatedZooKeeper.Proposal> undecided = new ArrayList<>();

    private Client(SimulatedZooKeeper.Session session, SimulatedConnection connection) {
      this.session = session;
      this.connection = connection;
    }
  }

  private static final class Request {
    final Runnable answer;
    boolean ready;

    Request(Runnable answer) {
      this.answer = answer;
    }
  }

  ZooKeeperServer(World world, SimulatedZooKeeper ensemble, SimulatedMachine machine) {
    this.world = world;
    this.ensemble = ensemble;
    this.machine = machine;
    this.process = new SimulatedProcess(world, machine, machine.name());
  }

  SimulatedProcess process() {
    return process;
  }

  SimulatedMachine machine() {
    return machine;
  }

  boolean up() {
    return up;
  }

  /** Whether it takes clients. */
  boolean serves() {
    return up && ensemble.majority();
  }

  /** Number of the newest write that it has applied. */
  long applied() {
    return applied;
  }

  ZooKeeperTree tree() {
    return tree;
  }

  /** It fails; what it had applied is on its disk. */
  void fail() {
    up = false;
    world.record(machine.name(), "fails");
    breakConnections();
    ensemble.counted();
  }

  void comeBack() {
    up = true;
    world.record(machine.name(), "comes back");
    ensemble.counted();
    follow();
  }

  /** It applies what it hears up to so much later from now on. */
  void lag(Duration most) {
    lag = most.compareTo(MOST_LAG) < 0 ? MOST_LAG : most;
    world.record(machine.name(), "lags by ms", lag.toMillis());
  }

  // ---- clients

  Client accept(SimulatedZooKeeper.Session session, SimulatedConnection connection) {
    Client client = new Client(session, connection);
    clients.add(client);
    return client;
  }

  /**
   * The session is over: so is its connection. Whether it still hears of its own nodes that went is
   * a matter of luck.
   */
  void forget(SimulatedZooKeeper.Session session, long zxid) {
    if (world.chance(0.5)) {
      disconnect(session);
    } else {
      onceApplied(zxid, () -> disconnect(session));
    }
  }

  private void disconnect(SimulatedZooKeeper.Session session) {
    for (Client client : List.copyOf(clients)) {
      if (client.session == session) {
        gone(client);
        client.connection.closeByCalled();
      }
    }
  }

  void breakConnections() {
    for (Client client : List.copyOf(clients)) {
      gone(client);
      client.connection.reset();
    }
  }

  /**
   * The connection is over. Of the writes that the ensemble has not decided upon it goes on with
   * the first so many.
   */
  void gone(Client client) {
    if (!clients.remove(client)) {
      return;
    }
    watches.values().forEach(list -> list.removeIf(watch -> watch.client() == client));
    client.requests.clear();
    int kept = world.below(client.undecided.size() + 1);
    for (int i = kept; i < client.undecided.size(); i++) {
      client.undecided.get(i).dropped = true;
    }
    client.undecided.clear();
  }

  // ---- requests

  /** Answers from what is applied here, once everything that the session asked before is. */
  void read(Client client, Runnable answer) {
    Request request = new Request(answer);
    request.ready = true;
    client.requests.add(request);
    pump(client);
  }

  /** Answers once this server has everything that was durable when the leader was asked. */
  void sync(Client client, Runnable answer) {
    Request request = new Request(answer);
    client.requests.add(request);
    ensemble.propose(
        client.session,
        List.of(),
        false,
        (result, zxid) -> onceApplied(zxid, () -> ready(client, request)));
  }

  /** Answers once the write is decided upon, and applied here. */
  void write(Client client, List<Operation> operations, boolean ephemeral, WriteAnswer answer) {
    MultiResult[] done = new MultiResult[1];
    Request request = new Request(() -> answer.done(done[0]));
    client.requests.add(request);
    SimulatedZooKeeper.Proposal[] own = new SimulatedZooKeeper.Proposal[1];
    own[0] =
        ensemble.propose(
            client.session,
            operations,
            ephemeral,
            (result, zxid) -> {
              done[0] = result;
              client.undecided.remove(own[0]);
              onceApplied(zxid, () -> ready(client, request));
            });
    client.undecided.add(own[0]);
  }

  interface WriteAnswer {
    void done(MultiResult result);
  }

  void watch(Client client, String path, Runnable action) {
    watches.computeIfAbsent(path, p -> new ArrayList<>()).add(new Watch(client, action));
  }

  private void ready(Client client, Request request) {
    request.ready = true;
    pump(client);
  }

  private void pump(Client client) {
    while (!client.requests.isEmpty() && client.requests.peek().ready) {
      client.requests.remove().answer.run();
    }
  }

  private void onceApplied(long zxid, Runnable action) {
    if (applied >= zxid) {
      action.run();
    } else {
      waiting.add(new Waiting(zxid, action));
    }
  }

  // ---- what the ensemble writes

  /** There is something to apply. */
  void follow() {
    if (!up || applied >= ensemble.zxid()) {
      return;
    }
    long at = world.nowNanos() + world.between(Duration.ZERO, lag).toNanos();
    appliesAt = Math.max(appliesAt, at);
    world.after(
        Duration.ofNanos(appliesAt - world.nowNanos()), machine.name(), "applies", this::applyNext);
  }

  private void applyNext() {
    if (!up || applied >= ensemble.zxid()) {
      return;
    }
    List<Operation> operations = ensemble.transaction(++applied);
    if (!tree.multi(operations).equals(MultiResult.OK)) {
      throw new IllegalStateException(machine.name() + " cannot apply write " + applied);
    }
    for (Operation operation : operations) {
      if (!(operation instanceof Operation.Check)) {
        fire(operation.path());
      }
    }
    for (Waiting next : List.copyOf(waiting)) {
      if (next.zxid() <= applied) {
        waiting.remove(next);
        next.action().run();
      }
    }
    if (applied < ensemble.zxid()) {
      follow();
    }
  }

  private void fire(String path) {
    List<Watch> fired = watches.remove(path);
    if (fired != null) {
      fired.forEach(watch -> watch.client().connection.answer("watch", watch.action()));
    }
  }
}

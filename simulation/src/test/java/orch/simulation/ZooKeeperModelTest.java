package orch.simulation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import orch.controller.store.Operation;
import orch.controller.store.ResultCode;
import orch.controller.store.ZooKeeperPort;
import orch.controller.zookeeper.CuratorPort;
import orch.controller.zookeeper.EmbeddedZooKeeper;
import orch.controller.zookeeper.Secret;
import orch.controller.zookeeper.ZooKeeperConnection;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The simulated ZooKeeper against the real server: the same random operations of two sessions lead
 * to the same outcomes, data, versions and watch events, in the same order. Faults of the network
 * are the simulator's affair; here the network is good.
 */
@Timeout(180)
final class ZooKeeperModelTest {
  private static final int SESSIONS = 2;
  private static final int ROUNDS = 150;
  private static final int MAX_BATCH = 4;
  private static final int MAX_OPERATIONS = 4;
  private static final List<String> PATHS = List.of("/a", "/b", "/a/x", "/a/y", "/a/x/z", "/b/x");

  @TempDir Path directory;
  private EmbeddedZooKeeper server;

  @BeforeEach
  void start() throws Exception {
    server = EmbeddedZooKeeper.start(directory.resolve("zookeeper"), false);
  }

  @AfterEach
  void stop() {
    server.close();
  }

  @Test
  void theModelDoesWhatTheServerDoes() throws Exception {
    for (long seed : new long[] {1, 2, Boolean.getBoolean("soak") ? System.nanoTime() : 3}) {
      try (Real real = new Real("seed" + Long.toHexString(seed))) {
        Modelled model = new Modelled(real.root, seed);
        compare(seed, real, model);
      }
    }
  }

  @Test
  void aPortThatWasClosedHearsNothingInEither() throws Exception {
    try (Real real = new Real("closed")) {
      for (Side side : List.of(real, new Modelled(real.root, 1))) {
        List<String> heard = side.heard.getFirst();
        ZooKeeperPort first = side.ports.getFirst();
        String path = side.root + "/a";
        first.exists(path, () -> heard.add("watch"), code -> heard.add("exists: " + code));
        side.settle();
        first.close();
        first.get(path, (code, data, version) -> heard.add("get: " + code));
        side.ports
            .get(1)
            .multi(
                List.of(new Operation.Create(path, new byte[0])),
                result -> side.heard.get(1).add(result.code().toString()));
        side.settle();
        assertEquals(List.of("exists: NO_NODE", "get: CLOSED"), heard);
        assertEquals(List.of("OK"), side.heard.get(1));
      }
    }
  }

  private static void compare(long seed, Side real, Side model) throws Exception {
    SplittableRandom random = new SplittableRandom(seed);
    int told = 0;
    for (int round = 0; round < ROUNDS; round++) {
      int session = random.nextInt(SESSIONS);
      List<Request> batch = new ArrayList<>();
      for (int i = random.nextInt(MAX_BATCH); i >= 0; i--) {
        batch.add(request(random, real.root, round * MAX_BATCH + i));
      }
      for (Side side : List.of(real, model)) {
        batch.forEach(request -> request.send(side.ports.get(session), side.heard.get(session)));
        side.settle();
      }
      for (int i = 0; i < SESSIONS; i++) {
        assertEquals(
            comparable(real.heard.get(i)),
            comparable(model.heard.get(i)),
            "seed " + seed + ", round " + round + ", session " + i + ", real above, model below");
        told += real.heard.get(i).size();
        real.heard.get(i).clear();
        model.heard.get(i).clear();
      }
    }
    assertTrue(told > ROUNDS, "seed " + seed + " compared only " + told + " events");
  }

  /**
   * What was heard, a line each. Several watches of one session on one node fire together, in no
   * order that anybody promises.
   */
  private static String comparable(List<String> heard) {
    List<String> lines = new ArrayList<>(heard);
    for (int from = 0, to; from < lines.size(); from = to) {
      String watch = lines.get(from).substring(lines.get(from).indexOf(' '));
      to = from + 1;
      if (watch.startsWith(" watch of ")) {
        while (to < lines.size() && lines.get(to).endsWith(watch)) {
          to++;
        }
        Collections.sort(lines.subList(from, to));
      }
    }
    return String.join("\n", lines);
  }

  // ---- what is asked

  /** Asks a port, and keeps what it hears of it. */
  private interface Request {
    void send(ZooKeeperPort port, List<String> heard);
  }

  private static Request request(SplittableRandom random, String root, int number) {
    String path = root + PATHS.get(random.nextInt(PATHS.size()));
    return switch (random.nextInt(9)) {
      case 4 ->
          (port, heard) ->
              port.sync(path, code -> heard.add(number + " sync " + path + ": " + code));
      case 0 ->
          (port, heard) ->
              port.get(
                  path,
                  (code, data, version) ->
                      heard.add(number + " get " + path + ": " + described(code, data, version)));
      case 1, 2 ->
          (port, heard) ->
              port.exists(
                  path,
                  () -> heard.add(number + " watch of " + path),
                  code -> heard.add(number + " exists " + path + ": " + code));
      case 3 ->
          (port, heard) ->
              port.children(
                  path,
                  (code, names) ->
                      heard.add(
                          number
                              + " children "
                              + path
                              + ": "
                              + code
                              + " "
                              + names.stream().sorted().toList()));
      default -> {
        List<Operation> operations = new ArrayList<>();
        for (int i = random.nextInt(MAX_OPERATIONS); i >= 0; i--) {
          operations.add(operation(random, root));
        }
        yield (port, heard) ->
            port.multi(
                operations,
                result -> heard.add(number + " multi " + operations(operations) + ": " + result));
      }
    };
  }

  private static Operation operation(SplittableRandom random, String root) {
    String path = root + PATHS.get(random.nextInt(PATHS.size()));
    int version = random.nextInt(-1, 3);
    byte[] data = Integer.toString(random.nextInt(100)).getBytes(StandardCharsets.UTF_8);
    return switch (random.nextInt(8)) {
      case 0 -> new Operation.Check(path, version);
      case 1, 2 -> new Operation.SetData(path, data, random.nextBoolean() ? -1 : version);
      case 3, 4 -> new Operation.Delete(path, random.nextBoolean() ? -1 : version);
      default -> new Operation.Create(path, random.nextInt(4) == 0 ? new byte[0] : data);
    };
  }

  private static String operations(List<Operation> operations) {
    List<String> names = new ArrayList<>();
    for (Operation operation : operations) {
      names.add(
          switch (operation) {
            case Operation.Check check -> "check " + check.path() + " v" + check.version();
            case Operation.Create create -> "create " + create.path();
            case Operation.SetData set -> "set " + set.path() + " v" + set.version();
            case Operation.Delete delete -> "delete " + delete.path() + " v" + delete.version();
          });
    }
    return names.toString();
  }

  private static String described(ResultCode code, byte[] data, int version) {
    return code == ResultCode.OK
        ? "v" + version + " '" + new String(data, StandardCharsets.UTF_8) + "'"
        : code.toString();
  }

  // ---- of whom

  /** Sessions with one server, and what each heard, in order. */
  private abstract static class Side {
    final String root;
    final List<ZooKeeperPort> ports = new ArrayList<>();
    final List<List<String>> heard = new ArrayList<>();

    Side(String root) {
      this.root = root;
    }

    /** Returns when everything that was asked is answered and every watch that fired was heard. */
    abstract void settle() throws Exception;
  }

  private final class Real extends Side implements AutoCloseable {
    private final List<ExecutorService> loops = new ArrayList<>();
    private final List<ZooKeeperConnection> connections = new ArrayList<>();

    Real(String name) throws Exception {
      super("/orch/" + name);
      Secret secret = Secret.load(directory.resolve("zookeeper.secret"));
      for (int i = 0; i < SESSIONS; i++) {
        ExecutorService loop = Executors.newSingleThreadExecutor();
        ZooKeeperConnection connection =
            ZooKeeperConnection.open(server.connectString(), secret, true, Duration.ofSeconds(30));
        loops.add(loop);
        connections.add(connection);
        ports.add(new CuratorPort(connection, secret, loop));
        heard.add(new ArrayList<>());
      }
      ports.getFirst().multi(List.of(new Operation.Create(root, new byte[0])), result -> {});
      settle();
    }

    @Override
    void settle() throws Exception {
      // The server answers a session in order, watch events included. The first round of answers
      // says that all requests are done, the second that every watch they fired was heard.
      for (int round = 0; round < 2; round++) {
        for (ZooKeeperPort port : ports) {
          CountDownLatch answered = new CountDownLatch(1);
          port.get(root, (code, data, version) -> answered.countDown());
          assertTrue(answered.await(60, TimeUnit.SECONDS));
        }
      }
    }

    @Override
    public void close() {
      ports.forEach(ZooKeeperPort::close);
      connections.forEach(ZooKeeperConnection::close);
      loops.forEach(ExecutorService::shutdownNow);
    }
  }

  private static final class Modelled extends Side {
    private final World world;

    Modelled(String root, long seed) {
      super(root);
      world = new World(seed, null);
      SimulatedNetwork network = new SimulatedNetwork(world);
      SimulatedZooKeeper ensemble =
          new SimulatedZooKeeper(
              world, List.of(new SimulatedMachine(world, "zookeeper", 0)), operations -> {});
      for (int i = 0; i < SESSIONS; i++) {
        SimulatedMachine machine = new SimulatedMachine(world, "client-" + i, 1 + i);
        SimulatedSession session =
            new SimulatedSession(
                world, new SimulatedProcess(world, machine, machine.name()), network, ensemble);
        session.connect();
        ports.add(session);
        heard.add(new ArrayList<>());
      }
      settle();
      ports.getFirst().multi(List.of(new Operation.Create("/orch", new byte[0])), result -> {});
      ports.getFirst().multi(List.of(new Operation.Create(root, new byte[0])), result -> {});
      settle();
    }

    @Override
    void settle() {
      // Longer than anything can be under way here.
      long until = world.nowNanos() + Duration.ofSeconds(1).toNanos();
      while (world.nowNanos() < until) {
        assertTrue(world.step());
      }
    }
  }
}

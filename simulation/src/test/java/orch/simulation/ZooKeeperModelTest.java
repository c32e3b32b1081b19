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
import orch.controller.zookeeper.ExpiringServer;
import orch.controller.zookeeper.Secret;
import orch.controller.zookeeper.ZooKeeperConnection;
import org.apache.zookeeper.ZooKeeper;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The simulated ZooKeeper against the real server: the same random operations of two sessions lead
 * to the same outcomes, data, versions and watch events, in the same order, and a session that
 * expires or ends takes the same nodes and watches with it. Faults of the network are the
 * simulator's affair; here the network is good.
 */
@Timeout(180)
final class ZooKeeperModelTest {
  private static final int SESSIONS = 2;
  private static final int ROUNDS = 150;

  /** A session expires after every so many rounds. */
  private static final int LIFE = 70;

  private static final int MAX_BATCH = 4;
  private static final int MAX_OPERATIONS = 4;
  private static final List<String> PATHS = List.of("/a", "/b", "/a/x", "/a/y", "/a/x/z", "/b/x");

  @TempDir Path directory;
  private ExpiringServer server;

  @BeforeEach
  void start() throws Exception {
    server = ExpiringServer.start(directory.resolve("zookeeper"));
  }

  @AfterEach
  void stop() throws Exception {
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

  private static void compare(long seed, Real real, Modelled model) throws Exception {
    SplittableRandom random = new SplittableRandom(seed);
    List<Side> sides = List.of(real, model);
    for (Side side : sides) {
      for (int session = 0; session < SESSIONS; session++) {
        side.listen(session);
      }
      side.settle();
      side.heard.forEach(List::clear);
    }
    int told = 0;
    for (int round = 0; round < ROUNDS; round++) {
      int session = random.nextInt(SESSIONS);
      if (round % LIFE == LIFE - 1) {
        String path = real.root + PATHS.get(random.nextInt(PATHS.size()));
        for (Side side : sides) {
          side.expire(session, path);
          side.settle();
          // Whether the session hears of its own nodes before its connection is closed is a matter
          // of luck, and in which order the others hear, nobody promises.
          side.heard.get(session).removeIf(line -> line.contains(" watch of "));
          side.heard.forEach(Collections::sort);
        }
      } else {
        List<Request> batch = new ArrayList<>();
        for (int i = random.nextInt(MAX_BATCH); i >= 0; i--) {
          batch.add(request(random, real.root, round * MAX_BATCH + i));
        }
        for (Side side : sides) {
          batch.forEach(request -> request.send(side, session));
          side.settle();
        }
      }
      told += same(real, model, "seed " + seed + ", round " + round);
    }
    assertTrue(told > ROUNDS, "seed " + seed + " compared only " + told + " events");
    for (Side side : sides) {
      String path = side.root + "/last";
      side.createEphemeral(0, path, code -> side.hears(0, "ephemeral: " + code));
      side.settle();
      side.port(1)
          .exists(path, () -> side.hears(1, "it went"), code -> side.hears(1, "there: " + code));
      side.settle();
      side.end(0);
      side.settle();
      assertEquals(List.of("ephemeral: OK"), side.heard.get(0));
      assertEquals("there: OK", side.heard.get(1).getFirst());
      assertTrue(side.heard.get(1).contains("it went"));
      Collections.sort(side.heard.get(1));
    }
    same(real, model, "seed " + seed + ", at the end");
  }

  /** Compares what either heard, and forgets it. */
  private static int same(Side real, Side model, String when) {
    int told = 0;
    for (int i = 0; i < SESSIONS; i++) {
      assertEquals(
          comparable(real.heard.get(i)),
          comparable(model.heard.get(i)),
          when + ", session " + i + ", real above, model below");
      told += real.heard.get(i).size();
      real.heard.get(i).clear();
      model.heard.get(i).clear();
    }
    return told;
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

  /** Asks in a session, which keeps what it hears of it. */
  private interface Request {
    void send(Side side, int session);
  }

  private static Request request(SplittableRandom random, String root, int number) {
    String path = root + PATHS.get(random.nextInt(PATHS.size()));
    return switch (random.nextInt(10)) {
      case 4 ->
          (side, session) ->
              side.port(session)
                  .sync(path, code -> side.hears(session, number + " sync " + path + ": " + code));
      case 0 ->
          (side, session) ->
              side.port(session)
                  .get(
                      path,
                      (code, data, version) ->
                          side.hears(
                              session,
                              number + " get " + path + ": " + described(code, data, version)));
      case 1, 2 ->
          (side, session) ->
              side.port(session)
                  .exists(
                      path,
                      () -> side.hears(session, number + " watch of " + path),
                      code -> side.hears(session, number + " exists " + path + ": " + code));
      case 3 ->
          (side, session) ->
              side.port(session)
                  .children(
                      path,
                      (code, names) ->
                          side.hears(
                              session,
                              number
                                  + " children "
                                  + path
                                  + ": "
                                  + code
                                  + " "
                                  + names.stream().sorted().toList()));
      case 9 ->
          (side, session) ->
              side.createEphemeral(
                  session,
                  path,
                  code -> side.hears(session, number + " ephemeral " + path + ": " + code));
      default -> {
        List<Operation> operations = new ArrayList<>();
        for (int i = random.nextInt(MAX_OPERATIONS); i >= 0; i--) {
          operations.add(operation(random, root));
        }
        yield (side, session) ->
            side.port(session)
                .multi(
                    operations,
                    result ->
                        side.hears(
                            session, number + " multi " + operations(operations) + ": " + result));
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

    ZooKeeperPort port(int session) {
      return ports.get(session);
    }

    void hears(int session, String line) {
      heard.get(session).add(line);
    }

    /** Keeps what a session hears of itself. */
    void listen(int session) {
      port(session).addSessionListener(event -> hears(session, "session " + event));
    }

    /** Makes an empty node that goes with the session. */
    abstract void createEphemeral(int session, String path, ZooKeeperPort.Callback callback);

    /**
     * The server lets a session expire, and is at once asked by it to make a node. Returns when the
     * client has a new one.
     */
    abstract void expire(int session, String path) throws Exception;

    /** Ends a session by its own wish. */
    abstract void end(int session) throws Exception;

    /** Returns when everything that was asked is answered and every watch that fired was heard. */
    abstract void settle() throws Exception;

    /** The request of a session that is over fails, sooner or later. */
    final void refused(int session, ResultCode code) {
      boolean over = code == ResultCode.SESSION_EXPIRED || code == ResultCode.CONNECTION_LOSS;
      hears(session, "too late: " + (over ? "refused" : code));
    }
  }

  private final class Real extends Side implements AutoCloseable {
    private final List<ExecutorService> loops = new ArrayList<>();
    private final List<ZooKeeperConnection> connections = new ArrayList<>();
    private final Secret secret;
    private final List<Integer> open = new ArrayList<>();

    Real(String name) throws Exception {
      super("/orch/" + name);
      secret = Secret.load(directory.resolve("zookeeper.secret"));
      for (int i = 0; i < SESSIONS; i++) {
        ExecutorService loop = Executors.newSingleThreadExecutor();
        ZooKeeperConnection connection =
            ZooKeeperConnection.open(server.connectString(), secret, true, Duration.ofSeconds(30));
        loops.add(loop);
        connections.add(connection);
        open.add(i);
        ports.add(new CuratorPort(connection, secret, loop));
        heard.add(new ArrayList<>());
      }
      ports.getFirst().multi(List.of(new Operation.Create(root, new byte[0])), result -> {});
      settle();
    }

    @Override
    void createEphemeral(int session, String path, ZooKeeperPort.Callback callback) {
      ExecutorService loop = loops.get(session);
      ExpiringServer.createEphemeral(
          session(session), secret, path, code -> loop.execute(() -> callback.done(code)));
    }

    @Override
    void expire(int session, String path) throws Exception {
      CountDownLatch lost = new CountDownLatch(1);
      CountDownLatch renewed = new CountDownLatch(1);
      port(session)
          .addSessionListener(event -> {
            if (event == ZooKeeperPort.SessionEvent.LOST) {
              lost.countDown();
            } else if (event == ZooKeeperPort.SessionEvent.CONNECTED && lost.getCount() == 0) {
              renewed.countDown();
            }
          });
      ZooKeeper before = session(session);
      server.expire(before);
      CountDownLatch refused = new CountDownLatch(1);
      ExpiringServer.createEphemeral(
          before,
          secret,
          path,
          code ->
              loops
                  .get(session)
                  .execute(() -> {
                    refused(session, code);
                    refused.countDown();
                  }));
      assertTrue(refused.await(60, TimeUnit.SECONDS));
      assertTrue(renewed.await(60, TimeUnit.SECONDS));
    }

    @Override
    void end(int session) {
      port(session).close();
      connections.get(session).close();
      open.remove(Integer.valueOf(session));
    }

    private ZooKeeper session(int number) {
      try {
        return ExpiringServer.session(connections.get(number));
      } catch (Exception e) {
        throw new AssertionError("no session", e);
      }
    }

    @Override
    void settle() throws Exception {
      // The server answers a session in order, watch events included. The first round of answers
      // says that all requests are done, the second that every watch they fired was heard.
      for (int round = 0; round < 2; round++) {
        for (int session : open) {
          CountDownLatch answered = new CountDownLatch(1);
          port(session).get(root, (code, data, version) -> answered.countDown());
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
    private final SimulatedZooKeeper ensemble;
    private final List<SimulatedSession> sessions = new ArrayList<>();

    Modelled(String root, long seed) {
      super(root);
      world = new World(seed, null);
      SimulatedNetwork network = new SimulatedNetwork(world);
      ensemble =
          new SimulatedZooKeeper(
              world, List.of(new SimulatedMachine(world, "zookeeper", 0)), operations -> {});
      for (int i = 0; i < SESSIONS; i++) {
        SimulatedMachine machine = new SimulatedMachine(world, "client-" + i, 1 + i);
        SimulatedSession session =
            new SimulatedSession(
                world, new SimulatedProcess(world, machine, machine.name()), network, ensemble);
        session.connect();
        ports.add(session);
        sessions.add(session);
        heard.add(new ArrayList<>());
      }
      settle();
      ports.getFirst().multi(List.of(new Operation.Create("/orch", new byte[0])), result -> {});
      ports.getFirst().multi(List.of(new Operation.Create(root, new byte[0])), result -> {});
      settle();
    }

    @Override
    void createEphemeral(int session, String path, ZooKeeperPort.Callback callback) {
      sessions.get(session).createEphemeral(path, new byte[0], callback);
    }

    @Override
    void expire(int session, String path) {
      SimulatedSession expired = sessions.get(session);
      ensemble.expire(expired);
      expired.createEphemeral(path, new byte[0], code -> refused(session, code));
      settle();
      while (!expired.connected()) {
        assertTrue(world.step());
      }
    }

    @Override
    void end(int session) {
      port(session).close();
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

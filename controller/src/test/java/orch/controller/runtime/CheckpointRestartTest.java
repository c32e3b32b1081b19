package orch.controller.runtime;

import static java.util.Objects.requireNonNull;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import orch.controller.core.Input;
import orch.controller.core.NodeAvailability;
import orch.controller.core.RequestMeta;
import orch.controller.port.ControllerPort;
import orch.controller.port.Member;
import orch.controller.port.Role;
import orch.controller.store.CheckpointPolicy;
import orch.controller.store.Election;
import orch.controller.store.LogLayout;
import orch.controller.store.Manifest;
import orch.controller.store.ResultCode;
import orch.controller.zookeeper.CuratorPort;
import orch.controller.zookeeper.EmbeddedZooKeeper;
import orch.controller.zookeeper.Secret;
import orch.controller.zookeeper.SoleElection;
import orch.controller.zookeeper.ZooKeeperConnection;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Loops on a real server write many entries, cut the log, and start from what is left. */
@Timeout(120)
final class CheckpointRestartTest {
  private static final int REQUESTS = 1_001;
  private static final CheckpointPolicy OFTEN = new CheckpointPolicy(150, 1 << 30, 5);
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final AtomicLong SEED = new AtomicLong(1);

  @TempDir private Path directory;
  private final TestController.Members members = new TestController.Members();
  private final Deque<AutoCloseable> open = new ArrayDeque<>();

  @BeforeEach
  void start() throws Exception {
    open.push(EmbeddedZooKeeper.start(directory.resolve("zookeeper"), false));
  }

  @AfterEach
  void stop() throws Exception {
    while (!open.isEmpty()) {
      open.pop().close();
    }
  }

  private String address() {
    return ((EmbeddedZooKeeper) open.getLast()).connectString();
  }

  /** A controller's loop on a thread and a connection of its own. */
  private final class Running {
    final List<String> failures = new CopyOnWriteArrayList<>();
    final LogLayout layout;
    final CuratorPort zooKeeper;
    final LoopThread thread;
    final ControllerLoop loop;
    final ControllerPort port;

    Running(String name, boolean leads) throws Exception {
      Secret secret = Secret.load(directory.resolve("zookeeper.secret"));
      ZooKeeperConnection connection = ZooKeeperConnection.open(address(), secret, true, PATIENCE);
      open.push(connection);
      layout = new LogLayout(connection.root());
      thread = new LoopThread((why, cause) -> failures.add(why + cause));
      open.push(thread);
      zooKeeper = new CuratorPort(connection, secret, thread);
      loop =
          new ControllerLoop(
              new ControllerLoop.Seams(
                  zooKeeper,
                  leads ? new SoleElection(thread) : new Never(),
                  members.of(name),
                  thread,
                  thread,
                  thread,
                  SEED::incrementAndGet),
              layout,
              name,
              OFTEN,
              (why, cause) -> failures.add(why));
      open.push(() -> thread.execute(loop::close));
      open.push(zooKeeper::close);
      port = loop.port();
      loop.start(new Member(name, leads, 0, 0, name, name, "test", 1));
    }

    Running leader() throws Exception {
      long deadline = System.nanoTime() + PATIENCE.toNanos();
      while (port.leadership().role() != Role.LEADER) {
        assertTrue(System.nanoTime() < deadline, () -> "no leader: " + failures);
        Thread.sleep(5);
      }
      return this;
    }

    /** Each is an entry of its own. */
    void ask(int requests) throws Exception {
      for (int i = 0; i < requests; i++) {
        RequestMeta meta = RequestMeta.of("local");
        Input.Request request =
            i % 2 == 0
                ? new Input.CordonNode(meta, "n1", "round " + i)
                : new Input.UncordonNode(meta, "n1");
        String answer =
            port.submit(request, (said, view, revision) -> said.getClass().getSimpleName())
                .toCompletableFuture()
                .get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        assertEquals("Node", answer);
      }
    }

    /** The state's hash once it has this revision. */
    long hashAt(long revision) throws Exception {
      CompletableFuture<Long> hash = new CompletableFuture<>();
      look(revision, hash);
      return hash.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    }

    private void look(long revision, CompletableFuture<Long> hash) {
      thread.execute(() -> {
        if (loop.self().appliedRevision() >= revision) {
          hash.complete(loop.state().hash());
        } else {
          thread.after(Duration.ofMillis(5), () -> look(revision, hash));
        }
      });
    }

    long revision() throws Exception {
      return port.<Long>read((view, revision) -> revision)
          .toCompletableFuture()
          .get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    }

    byte @Nullable [] get(String path) throws Exception {
      CompletableFuture<byte @Nullable []> data = new CompletableFuture<>();
      thread.execute(() ->
          zooKeeper.get(
              path, (code, bytes, version) -> data.complete(code == ResultCode.OK ? bytes : null)));
      return data.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    }
  }

  private record Never() implements Election {
    @Override
    public void start(Listener listener) {}

    @Override
    public void close() {}
  }

  @Test
  void aControllerStartsFromCheckpointAndTailAfterTheLogWasCut() throws Exception {
    Running anna = new Running("anna", true).leader();
    TestController.Agent agent = new TestController.Agent();
    agent.session = anna.port.openSession(TestController.hello("n1"), agent);
    anna.ask(REQUESTS);
    long revision = anna.revision();
    assertTrue(revision > REQUESTS);
    Manifest manifest = Manifest.decode(requireNonNull(anna.get(anna.layout.manifest())));
    assertTrue(manifest.index() > REQUESTS / 2, manifest.toString());
    assertFalse(manifest.firstEntry() == 1, manifest.toString());
    assertEquals(null, anna.get(anna.layout.entry(1)));
    assertEquals(null, anna.get(anna.layout.entry(manifest.firstEntry() - 10)));
    // Who comes now has the checkpoint and the tail only.
    Running bert = new Running("bert", false);
    assertEquals(anna.hashAt(revision), bert.hashAt(revision));

    // Everything ends, the server too.
    assertTrue(anna.loop.stop().toCompletableFuture().get(30, TimeUnit.SECONDS));
    stop();
    start();
    Running cora = new Running("cora", true).leader();
    assertTrue(cora.revision() > revision);
    NodeAvailability availability =
        cora.port
            .<NodeAvailability>read((view, at) -> view.nodeNamed("n1").orElseThrow().availability())
            .toCompletableFuture()
            .get(30, TimeUnit.SECONDS);
    // The last request was a cordon.
    assertEquals(NodeAvailability.CORDONED, availability);
    TestController.Agent again = new TestController.Agent();
    again.session = cora.port.openSession(TestController.hello("n1"), again);
    cora.ask(200);
    long last = cora.revision();
    Running dora = new Running("dora", false);
    assertEquals(cora.hashAt(last), dora.hashAt(last));
    Manifest later = Manifest.decode(requireNonNull(cora.get(cora.layout.manifest())));
    assertTrue(later.index() > revision, later.toString());
    for (Running each : List.of(cora, dora)) {
      assertEquals(List.of(), each.failures);
    }
  }
}

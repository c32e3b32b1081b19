package orch.controller.zookeeper;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import orch.api.seam.Clock;
import orch.api.seam.Timers;
import orch.controller.store.Entry;
import orch.controller.store.EpochRecord;
import orch.controller.store.LogClient;
import orch.controller.store.LogLayout;
import orch.controller.store.LogListener;

/** A real server, and members with loops of their own threads. */
final class Cluster implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final AtomicLong SEED = new AtomicLong(1);

  private final Path directory;
  private EmbeddedZooKeeper server;
  private final List<Member> members = new ArrayList<>();

  Cluster(Path directory) throws IOException {
    this.directory = directory;
    this.server = EmbeddedZooKeeper.start(directory.resolve("zookeeper"), false);
  }

  String address() {
    return server.connectString();
  }

  Secret secret() throws IOException {
    return Secret.load(directory.resolve("zookeeper.secret"));
  }

  Member member(String name) throws Exception {
    return member(name, address());
  }

  Member member(String name, String address) throws Exception {
    Member member = new Member(name, address, secret());
    members.add(member);
    return member;
  }

  /** Ends every member and the server, and starts the server anew on the same data. */
  void restart() throws IOException {
    close();
    members.clear();
    server = EmbeddedZooKeeper.start(directory.resolve("zookeeper"), false);
  }

  @Override
  public void close() {
    members.forEach(Member::close);
    server.close();
  }

  /** A log client on its own thread; what it hears comes out of a queue. */
  static final class Member implements LogListener, AutoCloseable {
    final ScheduledExecutorService loop =
        Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("test-loop").factory());
    final LinkedBlockingQueue<String> heard = new LinkedBlockingQueue<>();
    final List<String> records = new ArrayList<>();
    final ZooKeeperConnection connection;
    final LogLayout layout;
    final LogClient log;
    private final CuratorPort port;
    private long committed;
    private long awaited = Long.MAX_VALUE;
    private CountDownLatch arrived = new CountDownLatch(1);

    private Member(String name, String address, Secret secret) throws IOException {
      connection = ZooKeeperConnection.open(address, secret, true, PATIENCE);
      layout = new LogLayout(connection.root());
      port = new CuratorPort(connection, secret, loop);
      Clock clock =
          new Clock() {
            @Override
            public Instant now() {
              return Instant.now();
            }

            @Override
            public long bootNanos() {
              return System.nanoTime();
            }
          };
      Timers timers =
          (delay, action) -> {
            var future = loop.schedule(action, delay.toNanos(), TimeUnit.NANOSECONDS);
            return () -> future.cancel(false);
          };
      log = new LogClient(port, layout, name, clock, timers, SEED::incrementAndGet, this);
    }

    Member reading() throws Exception {
      loop.execute(log::start);
      await("caught up");
      return this;
    }

    Member leader() throws Exception {
      reading();
      loop.execute(log::claim);
      await("leading");
      return this;
    }

    /** Waits for the next thing of this kind; what comes before it is forgotten. */
    String await(String kind) throws InterruptedException, TimeoutException {
      while (true) {
        String next = heard.poll(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        if (next == null) {
          throw new TimeoutException("nothing was heard of \"" + kind + "\"");
        }
        if (next.startsWith(kind)) {
          return next;
        }
      }
    }

    /** Appends each record, flushing after each {@code every}. */
    void append(List<String> added, int every) {
      loop.execute(() -> {
        int sinceFlush = 0;
        for (String record : added) {
          var _ = log.append(record.getBytes(StandardCharsets.UTF_8));
          if (++sinceFlush == every) {
            log.flush();
            sinceFlush = 0;
          }
        }
        log.flush();
      });
    }

    /** Waits until everything that was appended until now has committed. */
    void awaitCommits() throws Exception {
      CountDownLatch done =
          call(() -> {
            arrived = new CountDownLatch(1);
            awaited = log.appendedIndex();
            if (committed >= awaited) {
              arrived.countDown();
            }
            return arrived;
          });
      if (!done.await(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
        throw new TimeoutException("entry " + awaited + " did not commit, only " + committed);
      }
    }

    /** Records that were replayed so far. */
    List<String> replayed() throws Exception {
      return call(() -> List.copyOf(records));
    }

    <T> T call(Supplier<T> action)
        throws InterruptedException, ExecutionException, TimeoutException {
      return CompletableFuture.supplyAsync(action, loop).get(30, TimeUnit.SECONDS);
    }

    @Override
    public void close() {
      loop.shutdownNow();
      port.close();
      connection.close();
    }

    @Override
    public void reset() {
      records.clear();
      heard.add("reset");
    }

    @Override
    public void section(byte[] bytes) {
      records.add(new String(bytes, StandardCharsets.UTF_8));
    }

    @Override
    public void loaded(long index) {
      heard.add("loaded " + index);
    }

    @Override
    public void replayed(Entry entry) {
      for (byte[] record : entry.records()) {
        records.add(new String(record, StandardCharsets.UTF_8));
      }
    }

    @Override
    public void caughtUp(long lastIndex) {
      heard.add("caught up at " + lastIndex);
    }

    @Override
    public void claimLost(EpochRecord other) {
      heard.add("claim lost");
    }

    @Override
    public void leading(long epoch, long lastIndex) {
      committed = lastIndex;
      heard.add("leading epoch " + epoch + " after " + lastIndex);
    }

    @Override
    public void committed(long index) {
      committed = index;
      if (index >= awaited) {
        arrived.countDown();
      }
    }

    @Override
    public void proved() {}

    @Override
    public void deposed(String why) {
      heard.add("deposed");
    }

    @Override
    public void failed(String why) {
      heard.add("failed: " + why);
    }
  }
}

package orch.controller;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import orch.controller.backup.BackupFile;
import orch.controller.backup.LogVerifier;
import orch.controller.backup.Restore;
import orch.controller.runtime.LoopThread;
import orch.controller.store.LogContents;
import orch.controller.store.LogDump;
import orch.controller.store.LogFilter;
import orch.controller.store.LogLayout;
import orch.controller.store.MultiResult;
import orch.controller.store.Operation;
import orch.controller.store.ResultCode;
import orch.controller.zookeeper.CuratorPort;
import orch.controller.zookeeper.EmbeddedZooKeeper;
import orch.controller.zookeeper.Secret;
import orch.controller.zookeeper.ZooKeeperConnection;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * {@code orch-controller check} and {@code restore}: what is done to a log beside the controller.
 */
final class LogToolsMain {
  private static final Duration PATIENCE = Duration.ofSeconds(20);
  private static final int UNSOUND = 1;

  private LogToolsMain() {}

  static boolean isTool(String[] args) {
    return args.length > 0 && (args[0].equals("check") || args[0].equals("restore"));
  }

  /** The exit code: 0 done or sound, 1 not, 2 wrong usage. */
  static int run(String[] args) {
    return new CommandLine(new Tools()).execute(args);
  }

  @Command(
      name = "orch-controller",
      subcommands = {Check.class, RestoreBackup.class})
  static final class Tools {}

  /** Where the cluster's log lies. */
  static final class Place {
    @Option(
        names = "--data-dir",
        paramLabel = "DIR",
        description =
            "The controller's data directory: its secret, and the embedded ZooKeeper's data. The"
                + " controller must not run.")
    private @Nullable Path dataDir;

    @Option(
        names = "--zookeeper",
        paramLabel = "CONNECT",
        description = "HOST:PORT[,HOST:PORT...][/PATH] of the ensemble; DIR has the secret.")
    private @Nullable String zooKeeper;
  }

  @Command(
      name = "check",
      mixinStandardHelpOptions = true,
      description =
          "Verifies a log and its checkpoint, in a backup or in ZooKeeper, and changes nothing.")
  static final class Check implements Callable<Integer> {
    @CommandLine.Mixin private final Place place = new Place();

    @Parameters(arity = "0..1", paramLabel = "FILE", description = "A backup.")
    private @Nullable Path file;

    @Override
    public Integer call() {
      LogVerifier verifier = new LogVerifier();
      try {
        if (file != null) {
          try (InputStream in = new BufferedInputStream(Files.newInputStream(file))) {
            System.out.println(BackupFile.read(in, verifier));
          }
        } else {
          dump(verifier);
        }
      } catch (IOException | RuntimeException e) {
        verifier.findings().forEach(System.out::println);
        System.err.println("orch-controller: unsound: " + e.getMessage());
        return UNSOUND;
      }
      verifier.findings().forEach(System.out::println);
      System.out.println("sound");
      return 0;
    }

    private void dump(LogVerifier verifier) throws IOException {
      try (Access access = Access.to(place)) {
        CompletableFuture<String> end = new CompletableFuture<>();
        LogDump dump =
            new LogDump(
                access.port,
                access.layout,
                access.thread,
                LogDump.Extent.WHOLE,
                new Ended(verifier, () -> end.complete("")),
                () -> true,
                end::complete);
        access.thread.execute(dump::start);
        String why = access.await(end, Duration.ofHours(1));
        if (!why.isEmpty()) {
          throw new IOException(why);
        }
      }
    }
  }

  /** Tells of the end too. */
  private static final class Ended extends LogFilter {
    private final Runnable ended;

    Ended(LogContents to, Runnable ended) {
      super(to);
      this.ended = ended;
    }

    @Override
    public void end() {
      to.end();
      ended.run();
    }
  }

  @Command(
      name = "restore",
      mixinStandardHelpOptions = true,
      description =
          "Puts a backup into an empty data directory or ZooKeeper path, as a new incarnation of"
              + " the cluster. Stop every controller first.")
  static final class RestoreBackup implements Callable<Integer> {
    @CommandLine.Mixin private final Place place = new Place();

    @Parameters(paramLabel = "FILE", description = "A backup.")
    private Path file = Path.of("");

    @Override
    public Integer call() {
      try (Access access = Access.to(place)) {
        List<String> done =
            new Restore(file, access, access.layout, Instant.now(), new SecureRandom().nextLong())
                .run();
        done.forEach(System.out::println);
        return 0;
      } catch (IOException | RuntimeException e) {
        System.err.println("orch-controller: cannot restore: " + e.getMessage());
        return UNSOUND;
      }
    }
  }

  /** ZooKeeper for one thread that waits for each answer. */
  private static final class Access implements Restore.Nodes, AutoCloseable {
    final LoopThread thread;
    final CuratorPort port;
    final LogLayout layout;
    private final Deque<AutoCloseable> open;

    private Access(
        LoopThread thread, CuratorPort port, LogLayout layout, Deque<AutoCloseable> open) {
      this.thread = thread;
      this.port = port;
      this.layout = layout;
      this.open = open;
    }

    static Access to(Place place) throws IOException {
      Path dataDir = place.dataDir;
      if (dataDir == null) {
        throw new IOException("say which: --data-dir DIR");
      }
      Deque<AutoCloseable> open = new ArrayDeque<>();
      boolean ready = false;
      try {
        DataDirectory directory = DataDirectory.open(dataDir);
        open.push(directory);
        Secret secret = Secret.load(directory.resolve("zookeeper.secret"));
        String connect = place.zooKeeper;
        boolean sole = connect == null;
        if (connect == null) {
          EmbeddedZooKeeper server = EmbeddedZooKeeper.start(directory.resolve("zookeeper"), false);
          open.push(server);
          connect = server.connectString();
        }
        ZooKeeperConnection connection = ZooKeeperConnection.open(connect, secret, sole, PATIENCE);
        open.push(connection);
        LoopThread thread =
            new LoopThread((why, cause) -> {
              System.err.println("orch-controller: " + why);
              Runtime.getRuntime().halt(UNSOUND);
            });
        open.push(thread);
        CuratorPort port = new CuratorPort(connection, secret, thread);
        Access access = new Access(thread, port, new LogLayout(connection.root()), open);
        ready = true;
        return access;
      } finally {
        if (!ready) {
          closeAll(open);
        }
      }
    }

    <T> T await(CompletableFuture<T> answer, Duration patience) throws IOException {
      try {
        return answer.get(patience.toMillis(), TimeUnit.MILLISECONDS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IOException("interrupted", e);
      } catch (ExecutionException e) {
        throw new IOException(String.valueOf(e.getMessage()), e);
      } catch (TimeoutException e) {
        throw new IOException("ZooKeeper does not answer", e);
      }
    }

    private <T> T ask(Consumer<CompletableFuture<T>> request) throws IOException {
      CompletableFuture<T> answer = new CompletableFuture<>();
      thread.execute(() -> request.accept(answer));
      return await(answer, PATIENCE);
    }

    @Override
    public MultiResult multi(List<Operation> operations) throws IOException {
      long end = System.nanoTime() + PATIENCE.toNanos();
      while (true) {
        MultiResult result = ask(answer -> port.multi(operations, answer::complete));
        if (!result.code().unknown() || System.nanoTime() > end) {
          return result;
        }
      }
    }

    private record Got(ResultCode code, byte @Nullable [] data) {}

    @Override
    public byte @Nullable [] get(String path) throws IOException {
      Got got =
          ask(answer ->
              port.get(path, (code, data, version) -> answer.complete(new Got(code, data))));
      require(got.code(), path);
      return got.data();
    }

    private record Listed(ResultCode code, List<String> names) {}

    @Override
    public List<String> children(String path) throws IOException {
      Listed listed =
          ask(answer ->
              port.children(path, (code, names) -> answer.complete(new Listed(code, names))));
      require(listed.code(), path);
      return listed.names();
    }

    private static void require(ResultCode code, String path) throws IOException {
      if (code != ResultCode.OK && code != ResultCode.NO_NODE) {
        throw new IOException("cannot read " + path + " of ZooKeeper: " + code);
      }
    }

    @Override
    public void close() {
      closeAll(open);
    }

    private static void closeAll(Deque<AutoCloseable> open) {
      while (!open.isEmpty()) {
        try {
          open.pop().close();
        } catch (Exception e) {
          System.err.println("orch-controller: did not close cleanly: " + e.getMessage());
        }
      }
    }
  }
}

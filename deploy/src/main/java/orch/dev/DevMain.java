package orch.dev;

import java.io.IOException;
import java.io.PrintStream;
import java.io.RandomAccessFile;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** A controller and some agents on this machine, each a process of its own. */
@Command(
    name = "orch-dev",
    description =
        "Runs a controller and N agents on this machine, each a process of its own; Ctrl-C stops"
            + " them and every task.",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    version = "orch-dev 0.1.0")
public final class DevMain implements Callable<Integer> {
  private static final Duration START_LIMIT = Duration.ofSeconds(60);
  private static final Duration STOP_LIMIT = Duration.ofSeconds(10);

  @Option(
      names = "--data-dir",
      paramLabel = "DIR",
      description = "Where everything is kept; the user's data directory unless said.")
  private @Nullable Path dataDirectory;

  @Option(
      names = "--listen",
      paramLabel = "HOST:PORT",
      defaultValue = "localhost:7400",
      description = "Address of the HTTP API; gRPC takes the next port. Default: ${DEFAULT-VALUE}")
  private String listen = "localhost:7400";

  @Option(
      names = "--agents",
      paramLabel = "N",
      defaultValue = "1",
      description =
          "Agents to run; they share this host's capacity. 1 to 64, default: ${DEFAULT-VALUE}")
  private int agents = 1;

  private final PrintStream out = System.out;
  private final List<Child> running = new ArrayList<>();
  private final List<Path> agentDirectories = new ArrayList<>();

  public static void main(String[] arguments) {
    System.exit(new CommandLine(new DevMain()).execute(arguments));
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    long begin = System.nanoTime();
    int colon = listen.lastIndexOf(':');
    if (agents < 1
        || agents > 64
        || colon < 1
        || !listen.substring(colon + 1).matches("\\d{1,5}")) {
      System.err.println(
          "orch-dev: --agents takes 1 to 64, --listen HOST:PORT; see orch-dev --help");
      return 2;
    }
    String host = listen.substring(0, colon);
    int port = Integer.parseInt(listen.substring(colon + 1));
    String grpc = host + ":" + (port + 1);
    Path data = dataDirectory == null ? defaultDirectory() : dataDirectory;
    Files.createDirectories(data);
    try (RandomAccessFile lockFile = new RandomAccessFile(data.resolve("lock").toFile(), "rw");
        FileLock lock = lockFile.getChannel().tryLock()) {
      if (lock == null) {
        System.err.println(
            "orch-dev: another orch-dev uses " + data + "; stop it or give another --data-dir");
        return 1;
      }
      Runtime.getRuntime().addShutdownHook(new Thread(this::stopAll, "stop"));
      if (!start("controller", controllerCommand(data, grpc))) {
        return 1;
      }
      for (int i = 1; i <= agents; i++) {
        if (!start("agent-" + i, agentCommand(data, grpc, i))) {
          return 1;
        }
      }
      out.printf(
          "ready in %.1f s · %d node%s, %d cpu · try: orchctl%s run -- echo hi%n",
          (System.nanoTime() - begin) / 1e9,
          agents,
          agents == 1 ? "" : "s",
          Runtime.getRuntime().availableProcessors(),
          listen.equals("localhost:7400") ? "" : " --address " + listen);
      Thread.currentThread().join();
      return 0;
    }
  }

  private boolean start(String name, List<String> command) throws InterruptedException {
    Child child = new Child(name, command, out);
    synchronized (running) {
      running.add(child);
    }
    child.start();
    if (child.awaitReady(START_LIMIT)) {
      return true;
    }
    System.err.println(
        "orch-dev: the " + name + " did not start: " + child.failure() + "; its words stand above");
    return false;
  }

  private List<String> controllerCommand(Path data, String grpc) {
    return List.of(
        home().resolve("bin/orch-controller").toString(),
        "--data-dir",
        data.resolve("controller").toString(),
        "--listen",
        listen,
        "--grpc-listen",
        grpc);
  }

  private List<String> agentCommand(Path data, String grpc, int number) {
    Path directory = data.resolve("agent-" + number);
    synchronized (running) {
      agentDirectories.add(directory);
    }
    List<String> command =
        new ArrayList<>(
            List.of(
                home().resolve("bin/orch-agent").toString(),
                "--data-dir",
                directory.toString(),
                "--controller",
                grpc,
                "--name",
                "dev-" + number,
                "--allow-missing-limits"));
    if (System.getProperty("user.name").equals("root")) {
      // Root's own cluster on loopback: its caller is root as well.
      command.add("--allow-root");
    }
    if (agents > 1) {
      long millis = Runtime.getRuntime().availableProcessors() * 1000L / agents;
      command.addAll(List.of("--capacity-cpu", millis + "m"));
      long bytes = memoryBytes() / agents;
      if (bytes > 0) {
        command.addAll(List.of("--capacity-memory", Long.toString(bytes)));
      }
    }
    return command;
  }

  /** Agents first, then what they left running, the controller last so that it sees the ends. */
  private void stopAll() {
    List<Child> children;
    List<Path> directories;
    synchronized (running) {
      children = new ArrayList<>(running).reversed();
      directories = new ArrayList<>(agentDirectories);
    }
    try {
      for (Child child : children.subList(0, Math.max(0, children.size() - 1))) {
        child.stop(STOP_LIMIT);
      }
      for (Path directory : directories) {
        new ProcessBuilder(
                home().resolve("bin/orch-agent").toString(),
                "--data-dir",
                directory.toString(),
                "--stop-all")
            .inheritIO()
            .start()
            .waitFor();
      }
      if (!children.isEmpty()) {
        children.getLast().stop(STOP_LIMIT);
      }
    } catch (IOException e) {
      System.err.println("orch-dev: cannot stop the tasks: " + e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static long memoryBytes() {
    try {
      for (String line : Files.readAllLines(Path.of("/proc/meminfo"))) {
        if (line.startsWith("MemTotal:")) {
          return Long.parseLong(line.replaceAll("\\D", "")) * 1024;
        }
      }
    } catch (IOException e) {
      System.err.println("orch-dev: cannot read /proc/meminfo: " + e.getMessage());
    }
    return 0;
  }

  /** The distribution's root; {@code bin/orch-dev} says where it is. */
  private static Path home() {
    String home = System.getProperty("orch.home");
    if (home == null) {
      throw new IllegalStateException("orch.home is not set; start this with bin/orch-dev");
    }
    return Path.of(home);
  }

  private static Path defaultDirectory() {
    String base = System.getenv("XDG_DATA_HOME");
    Path data =
        base == null || base.isEmpty()
            ? Path.of(System.getProperty("user.home"), ".local", "share")
            : Path.of(base);
    return data.resolve("orch-dev");
  }
}

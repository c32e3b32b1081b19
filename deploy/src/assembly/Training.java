import static java.nio.charset.StandardCharsets.UTF_8;
import static java.nio.file.StandardCopyOption.ATOMIC_MOVE;
import static java.nio.file.StandardCopyOption.REPLACE_EXISTING;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.ZipFile;

/**
 * Makes the programs' AOT caches: the classes that a run loads, linked beforehand. The run is a
 * small cluster: a controller, an agent, and the command line talking to them, on loopback, in a
 * directory that is removed afterwards.
 *
 * <p>A cache is made anew when what it depends on has changed. What goes wrong costs start-up time
 * and nothing else, so it is said and not thrown.
 */
final class Training {
  private static final Duration READY_LIMIT = Duration.ofSeconds(30);

  /** Of a program's end, which includes writing the cache. */
  private static final Duration END_LIMIT = Duration.ofSeconds(60);

  /** What orchctl is asked to do, whether or not there is a controller. */
  private static final List<String> COMMANDS =
      List.of(
          "version",
          "--help",
          "run --help",
          "",
          "job list",
          "job list -o json",
          "job list -o yaml",
          "node list",
          "cluster status",
          "no-such-command");

  /** And what, when there is an agent that can run tasks. */
  private static final List<String> COMMANDS_WITH_TASKS =
      List.of(
          "run -- echo trained",
          "run -d -- true",
          "wait last",
          "logs last",
          "status last",
          "ps last",
          "job show last -o json",
          "why last");

  private final Path out;
  private final Path work;
  private final Map<Program, List<Path>> jars = new LinkedHashMap<>();

  /**
   * @param out the distribution
   * @param work where stamps and logs are kept; its data are removed
   */
  Training(Path out, Path work) {
    this.out = out;
    this.work = work;
  }

  /** Adds a program and its class path, relative to the distribution. */
  void add(Program program, List<Path> classPath) {
    jars.put(program, classPath);
  }

  /** Returns the caches that fit, relative to the distribution, after making what is missing. */
  Set<Path> makeCaches(boolean allowed) throws IOException, InterruptedException {
    List<Program> stale = new ArrayList<>();
    for (Program program : jars.keySet()) {
      if (!isFresh(program) && mainClassOf(program).isPresent()) {
        stale.add(program);
      }
    }
    if (allowed && !stale.isEmpty()) {
      remove(work.resolve("data"));
      Files.createDirectories(work.resolve("data"));
      try {
        run(stale);
      } finally {
        remove(work.resolve("data"));
      }
    }
    Set<Path> caches = new TreeSet<>();
    for (Program program : jars.keySet()) {
      if (isFresh(program)) {
        caches.add(cacheOf(program));
      }
    }
    return caches;
  }

  private void run(List<Program> stale) throws IOException, InterruptedException {
    for (Program program : jars.keySet()) {
      Files.deleteIfExists(logOf(program));
    }
    List<Process> running = new ArrayList<>();
    try {
      int http = freePort();
      int grpc = freePort();
      String address = "http://127.0.0.1:" + http;
      Optional<Process> controller =
          start(
              Program.CONTROLLER,
              stale,
              running,
              address,
              "--data-dir",
              data("controller"),
              "--listen",
              "127.0.0.1:" + http,
              "--grpc-listen",
              "127.0.0.1:" + grpc);
      boolean controllerReady =
          controller.isPresent() && isReady(Program.CONTROLLER, controller.get());
      Optional<Process> agent =
          controllerReady
              ? start(
                  Program.AGENT,
                  stale,
                  running,
                  address,
                  "--data-dir",
                  data("agent"),
                  "--controller",
                  "127.0.0.1:" + grpc,
                  "--name",
                  "training",
                  "--allow-missing-limits",
                  "--allow-root")
              : Optional.empty();
      boolean agentReady = agent.isPresent() && isReady(Program.AGENT, agent.get());
      List<String> commands = new ArrayList<>(COMMANDS);
      if (agentReady) {
        commands.addAll(COMMANDS_WITH_TASKS);
      }
      trainClient(Program.ORCHCTL, stale, running, address, commands);
      trainClient(Program.DEV, stale, running, address, List.of("--help"));
      if (agent.isPresent()) {
        agent.get().destroy();
        end(Program.AGENT, agent.get(), agentReady && stale.contains(Program.AGENT));
        // The launcher outlives its agent, as it should; here nothing is to be left.
        start(Program.AGENT, List.of(), running, address, "--data-dir", data("agent"), "--stop-all")
            .orElseThrow()
            .waitFor(END_LIMIT.toSeconds(), TimeUnit.SECONDS);
      }
      if (controller.isPresent()) {
        controller.get().destroy();
        end(
            Program.CONTROLLER,
            controller.get(),
            controllerReady && stale.contains(Program.CONTROLLER));
      }
    } finally {
      running.forEach(Process::destroyForcibly);
    }
  }

  private void trainClient(
      Program client,
      List<Program> stale,
      List<Process> running,
      String address,
      List<String> arguments)
      throws IOException, InterruptedException {
    if (stale.contains(client)) {
      Optional<Process> process =
          start(client, stale, running, address, arguments.toArray(String[]::new));
      if (process.isPresent()) {
        end(client, process.get(), true);
      }
    }
  }

  /** Starts the program, recording what it does if its cache is stale. */
  private Optional<Process> start(
      Program program,
      List<Program> stale,
      List<Process> running,
      String address,
      String... arguments)
      throws IOException {
    Optional<String> main = mainClassOf(program);
    if (main.isEmpty()) {
      return Optional.empty();
    }
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    if (stale.contains(program)) {
      Files.deleteIfExists(recordingOf(program));
      Files.createDirectories(recordingOf(program).getParent());
      command.add("-XX:AOTCacheOutput=" + recordingOf(program));
    }
    program.flags().forEach(flag -> command.add(flag.replace("$home", out.toString())));
    command.add("-cp");
    command.add(
        jars.get(program).stream()
            .map(jar -> out.resolve(jar).toString())
            .collect(Collectors.joining(":")));
    command.add(main.get());
    command.addAll(List.of(arguments));
    ProcessBuilder builder = new ProcessBuilder(command).directory(work.resolve("data").toFile());
    builder.environment().put("ORCH_ADDRESS", address);
    builder.environment().remove(program.optionsVariable());
    Process process =
        builder
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.appendTo(logOf(program).toFile()))
            .start();
    process.getOutputStream().close();
    running.add(process);
    return Optional.of(process);
  }

  /** Waits for the line that a daemon prints when it serves. */
  private boolean isReady(Program program, Process process)
      throws IOException, InterruptedException {
    long deadline = System.nanoTime() + READY_LIMIT.toNanos();
    while (process.isAlive() && System.nanoTime() < deadline) {
      String log = new String(Files.readAllBytes(logOf(program)), UTF_8);
      if (log.startsWith("ready") || log.contains("\nready")) {
        return true;
      }
      Thread.sleep(20);
    }
    say(program, "it did not become ready");
    return false;
  }

  /** Waits for the end of the process, and takes the cache that it wrote. */
  private void end(Program program, Process process, boolean wanted)
      throws IOException, InterruptedException {
    boolean ended = process.waitFor(END_LIMIT.toSeconds(), TimeUnit.SECONDS);
    if (!wanted) {
      return;
    }
    if (!ended || !Files.exists(recordingOf(program))) {
      say(program, ended ? "its run wrote none" : "its run did not end");
      return;
    }
    Path cache = out.resolve(cacheOf(program));
    Files.move(recordingOf(program), cache, ATOMIC_MOVE, REPLACE_EXISTING);
    Files.writeString(stampOf(program), dependenciesOf(program));
  }

  private void say(Program program, String cause) {
    System.err.printf(
        "no AOT cache for %s: %s; its output is in %s%n", program.name(), cause, logOf(program));
  }

  /**
   * The class to run: one called TrainingMain beside the main class where there is one, since it
   * can pass through more than one command; or none where there is no program.
   */
  private Optional<String> mainClassOf(Program program) throws IOException {
    String training =
        program.main().substring(0, program.main().lastIndexOf('.')) + ".TrainingMain";
    try (ZipFile zip = new ZipFile(out.resolve(jars.get(program).getFirst()).toFile())) {
      return Stream.of(training, program.main())
          .filter(name -> zip.getEntry(name.replace('.', '/') + ".class") != null)
          .findFirst();
    }
  }

  private boolean isFresh(Program program) throws IOException {
    return Files.exists(out.resolve(cacheOf(program)))
        && Files.exists(stampOf(program))
        && Files.readString(stampOf(program)).equals(dependenciesOf(program));
  }

  /** What the cache depends on, as text. */
  private String dependenciesOf(Program program) throws IOException {
    StringBuilder text = new StringBuilder();
    text.append(System.getProperty("java.home")).append('\n');
    text.append(System.getProperty("java.vm.version")).append('\n');
    text.append(program).append('\n');
    for (Path jar : jars.get(program)) {
      Path file = out.resolve(jar);
      text.append("%s %s %d%n".formatted(jar, Files.getLastModifiedTime(file), Files.size(file)));
    }
    return text.toString();
  }

  private static Path cacheOf(Program program) {
    return Path.of("lib", program.part(), program.name() + ".aot");
  }

  /** On the file system of the distribution, so that the cache can be moved there. */
  private Path recordingOf(Program program) {
    return work.resolve(program.name() + ".aot");
  }

  private Path stampOf(Program program) {
    return work.resolve(program.name() + ".stamp");
  }

  private Path logOf(Program program) {
    return work.resolve(program.name() + ".log");
  }

  private String data(String name) {
    return work.resolve("data").resolve(name).toString();
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  private static void remove(Path directory) throws IOException {
    if (Files.exists(directory)) {
      try (Stream<Path> files = Files.walk(directory)) {
        for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(file);
        }
      }
    }
  }
}

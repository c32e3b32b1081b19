import static java.nio.charset.StandardCharsets.UTF_8;
import static java.nio.file.StandardCopyOption.ATOMIC_MOVE;
import static java.nio.file.StandardCopyOption.REPLACE_EXISTING;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/**
 * Lays out the distribution from what the modules built. Run by the build: {@code java
 * Assemble.java ROOT VERSION PICOCLI_VERSION}.
 *
 * <p>A file that did not change is left alone, and one that did is replaced by a rename, so that
 * programs that run from here are not disturbed. What does not belong here any more is removed.
 */
final class Assemble {
  private static final String CLIENT_FLAGS =
      "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:+UseCompactObjectHeaders -XX:-UsePerfData"
          + " -Xmx128m -Xlog:disable \"-Dorch.home=$home\"";

  private static final String DAEMON_FLAGS =
      "-XX:+UseCompactObjectHeaders -XX:-UsePerfData -XX:+ExitOnOutOfMemoryError -Xlog:aot=off"
          + " -Xlog:cds=off --enable-native-access=ALL-UNNAMED"
          + " --sun-misc-unsafe-memory-access=allow \"-Dorch.home=$home\"";

  /**
   * A program of bin.
   *
   * @param part the directory below lib that holds its jars, but for those in common
   * @param module the directory of the module that builds it
   * @param main its main class
   * @param flags of its JVM, as the shell reads them
   */
  private record Program(
      String name, String part, String module, String main, String summary, String flags) {}

  private static final List<Program> PROGRAMS =
      List.of(
          new Program(
              "orchctl",
              "orchctl",
              "orchctl",
              "orch.ctl.Main",
              "Orch's command line.",
              CLIENT_FLAGS),
          new Program(
              "orch-dev",
              "dev",
              "deploy",
              "orch.dev.DevMain",
              "A cluster on this machine: a controller and some agents.",
              CLIENT_FLAGS),
          new Program(
              "orch-controller",
              "controller",
              "controller",
              "orch.controller.ControllerMain",
              "Orch's controller; ORCH_CONTROLLER_JAVA_OPTS adds flags of Java.",
              DAEMON_FLAGS + " -XX:+UseG1GC -Xmx1g ${ORCH_CONTROLLER_JAVA_OPTS-}"),
          new Program(
              "orch-agent",
              "agent",
              "node-agent",
              "orch.agent.AgentMain",
              "Orch's node agent; ORCH_AGENT_JAVA_OPTS adds flags of Java.",
              DAEMON_FLAGS
                  + " \"-Djna.boot.library.path=$home/libexec\" -Djna.nounpack=true"
                  + " -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xss512k -Xmx128m"
                  + " ${ORCH_AGENT_JAVA_OPTS-}"));

  private static final Duration TRAINING_LIMIT = Duration.ofSeconds(60);

  private final Path root;
  private final Path out;
  private final String version;
  private final String picocli;

  /** What belongs to the distribution, relative to it. */
  private final Set<Path> kept = new TreeSet<>();

  private Assemble(Path root, String version, String picocliVersion) {
    this.root = root;
    this.out = root.resolve("deploy/target/orch");
    this.version = version;
    this.picocli = "picocli-" + picocliVersion + ".jar";
  }

  public static void main(String[] arguments) throws Exception {
    new Assemble(Path.of(arguments[0]).toRealPath(), arguments[1], arguments[2]).run();
  }

  private void run() throws IOException, InterruptedException {
    Map<Program, List<Path>> classPaths = new LinkedHashMap<>();
    Map<String, Integer> uses = new HashMap<>();
    for (Program program : PROGRAMS) {
      List<Path> classPath = classPathOf(program);
      classPaths.put(program, classPath);
      classPath.forEach(jar -> uses.merge(nameOf(jar), 1, Integer::sum));
    }
    putTree(root.resolve("deploy/src/main/dist"), Path.of(""));
    putTree(root.resolve("docs/examples"), Path.of("share/examples"));
    putNativeParts(classPaths);
    String template = Files.readString(root.resolve("deploy/src/assembly/program.sh"));
    for (Program program : PROGRAMS) {
      List<Path> jars = new ArrayList<>();
      for (Path jar : classPaths.get(program)) {
        String part = uses.get(nameOf(jar)) > 1 ? "common" : program.part();
        jars.add(putJar(jar, Path.of("lib", part, nameOf(jar))));
      }
      put(Path.of("bin", program.name()), scriptOf(program, template, jars).getBytes(UTF_8), true);
      train(program, jars);
    }
    removeWhatIsNotKept();
  }

  /** The jars of the program in the order of its class path: its own, then what Maven named. */
  private List<Path> classPathOf(Program program) throws IOException {
    Path target = root.resolve(program.module()).resolve("target");
    List<Path> jars = new ArrayList<>();
    jars.add(target.resolve("orch-" + program.module() + "-" + version + ".jar"));
    Path listed = target.resolve("classpath.txt");
    if (Files.exists(listed)) {
      for (String jar : Files.readString(listed).strip().split(File.pathSeparator, -1)) {
        // Of what only a compiler reads nothing is needed to run.
        if (!jar.isEmpty() && !nameOf(Path.of(jar)).matches("(jspecify|.*annotations)-.*")) {
          jars.add(Path.of(jar));
        }
      }
    }
    for (Path jar : jars) {
      if (!Files.isRegularFile(jar)) {
        throw new IOException(jar + " is missing; build it with: mvn -pl deploy -am package");
      }
    }
    return jars;
  }

  private void putNativeParts(Map<Program, List<Path>> classPaths) throws IOException {
    Path built = root.resolve("node-agent/target/native");
    if (Files.isDirectory(built)) {
      try (Stream<Path> files = Files.list(built)) {
        for (Path file : files.filter(Files::isExecutable).filter(Files::isRegularFile).toList()) {
          if (nameOf(file).startsWith("orch-")) {
            put(Path.of("libexec", nameOf(file)), Files.readAllBytes(file), true);
          }
        }
      }
    }
    // JNA would unpack its library into a temporary directory at each start.
    String architecture = System.getProperty("os.arch").replace("amd64", "x86-64");
    String entryName = "com/sun/jna/linux-" + architecture + "/libjnidispatch.so";
    for (Path jar : classPaths.values().stream().flatMap(List::stream).distinct().toList()) {
      if (nameOf(jar).startsWith("jna-")) {
        try (ZipFile zip = new ZipFile(jar.toFile())) {
          ZipEntry entry = zip.getEntry(entryName);
          if (entry == null) {
            throw new IOException("%s has no %s".formatted(jar, entryName));
          }
          try (InputStream in = zip.getInputStream(entry)) {
            put(Path.of("libexec/libjnidispatch.so"), in.readAllBytes(), true);
          }
        }
      }
    }
  }

  /** Puts a jar to its place; of picocli the one that was compiled anew. */
  private Path putJar(Path jar, Path place) throws IOException {
    Path source =
        nameOf(jar).equals(picocli)
            ? root.resolve("orchctl/target/orch-orchctl-" + version + "-picocli.jar")
            : jar;
    put(place, Files.readAllBytes(source), false);
    return place;
  }

  private void putTree(Path from, Path to) throws IOException {
    if (Files.isDirectory(from)) {
      try (Stream<Path> files = Files.walk(from)) {
        for (Path file : files.filter(Files::isRegularFile).sorted().toList()) {
          put(
              to.resolve(from.relativize(file).toString()),
              Files.readAllBytes(file),
              Files.isExecutable(file));
        }
      }
    }
  }

  private void put(Path place, byte[] content, boolean executable) throws IOException {
    kept.add(place);
    Path file = out.resolve(place);
    if (Files.isRegularFile(file)
        && Files.isExecutable(file) == executable
        && Arrays.equals(Files.readAllBytes(file), content)) {
      return;
    }
    Files.createDirectories(file.getParent());
    Path written = file.resolveSibling(nameOf(file) + ".new");
    Files.write(written, content);
    Files.setPosixFilePermissions(
        written, PosixFilePermissions.fromString(executable ? "rwxr-xr-x" : "rw-r--r--"));
    Files.move(written, file, ATOMIC_MOVE, REPLACE_EXISTING);
  }

  private static String scriptOf(Program program, String template, List<Path> jars) {
    String classPath = jars.stream().map(jar -> "$home/" + jar).collect(Collectors.joining(":"));
    return template
        .replace("@summary@", program.summary())
        .replace("@part@", program.part())
        .replace("@name@", program.name())
        .replace("@flags@", program.flags())
        .replace("@classpath@", classPath)
        .replace("@main@", program.main());
  }

  /**
   * Makes the program's AOT cache: classes loaded, linked and initialised as a run of it did. What
   * goes wrong here costs start-up time and nothing else, so it is said and not thrown.
   */
  private void train(Program program, List<Path> jars) throws IOException, InterruptedException {
    Path cache = Path.of("lib", program.part(), program.name() + ".aot");
    Path stampFile = root.resolve("deploy/target/" + program.name() + ".aot.stamp");
    String stamp = stampOf(program, jars);
    if (Files.exists(out.resolve(cache))
        && Files.exists(stampFile)
        && Files.readString(stampFile).equals(stamp)) {
      kept.add(cache);
      return;
    }
    Optional<List<String>> run = trainingRun(program, jars.getFirst());
    if (run.isEmpty()) {
      return;
    }
    Path written = out.resolve(cache + ".new");
    Files.deleteIfExists(written);
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-XX:AOTCacheOutput=" + written);
    command.addAll(expanded(program.flags()));
    command.add("-cp");
    command.add(
        jars.stream().map(jar -> out.resolve(jar).toString()).collect(Collectors.joining(":")));
    command.addAll(run.get());
    Path log = root.resolve("deploy/target/" + program.name() + ".aot.log");
    Process process =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start();
    if (!process.waitFor(TRAINING_LIMIT.toSeconds(), TimeUnit.SECONDS)) {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly().waitFor();
    }
    if (!Files.exists(written)) {
      System.err.println("no AOT cache for " + program.name() + "; its training's words: " + log);
      return;
    }
    Files.move(written, out.resolve(cache), ATOMIC_MOVE, REPLACE_EXISTING);
    Files.writeString(stampFile, stamp);
    kept.add(cache);
  }

  /**
   * A short run that passes through what most runs do; or none where there is no program yet. A
   * class called Training beside the main class is the better trainer: it can do more than one
   * command.
   */
  private Optional<List<String>> trainingRun(Program program, Path ownJar) throws IOException {
    String training = program.main().substring(0, program.main().lastIndexOf('.')) + ".Training";
    try (ZipFile zip = new ZipFile(out.resolve(ownJar).toFile())) {
      if (zip.getEntry(training.replace('.', '/') + ".class") != null) {
        return Optional.of(List.of(training));
      }
      return zip.getEntry(program.main().replace('.', '/') + ".class") == null
          ? Optional.empty()
          : Optional.of(List.of(program.main(), "--help"));
    }
  }

  /** What the cache depends on. */
  private String stampOf(Program program, List<Path> jars) throws IOException {
    StringBuilder stamp = new StringBuilder();
    stamp.append(System.getProperty("java.vm.version")).append('\n');
    stamp.append(System.getProperty("java.home")).append('\n');
    stamp.append(program).append('\n');
    for (Path jar : jars) {
      Path file = out.resolve(jar);
      stamp.append("%s %s %d%n".formatted(jar, Files.getLastModifiedTime(file), Files.size(file)));
    }
    return stamp.toString();
  }

  private List<String> expanded(String flags) {
    List<String> words = new ArrayList<>();
    for (String word : flags.split(" ", -1)) {
      if (!word.startsWith("${")) {
        words.add(word.replace("\"", "").replace("$home", out.toString()));
      }
    }
    return words;
  }

  private void removeWhatIsNotKept() throws IOException {
    try (Stream<Path> files = Files.walk(out)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        if (Files.isDirectory(file)) {
          try (Stream<Path> entries = Files.list(file)) {
            if (entries.findAny().isPresent()) {
              continue;
            }
          }
          Files.delete(file);
        } else if (!kept.contains(out.relativize(file))) {
          Files.delete(file);
        }
      }
    }
  }

  private static String nameOf(Path file) {
    return file.getFileName().toString();
  }
}

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.nio.file.StandardCopyOption.ATOMIC_MOVE;
import static java.nio.file.StandardCopyOption.REPLACE_EXISTING;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/**
 * Lays out the distribution from what the modules built. Run by the build: {@code java
 * Assemble.java ROOT VERSION PICOCLI_VERSION TRAIN}.
 *
 * <p>A file that did not change is left alone, and one that did is replaced by a rename, so that
 * programs that run from here are not disturbed. What does not belong here any more is removed.
 */
final class Assemble {
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
    boolean train = Boolean.parseBoolean(arguments[3]);
    new Assemble(Path.of(arguments[0]).toRealPath(), arguments[1], arguments[2]).run(train);
  }

  private void run(boolean train) throws IOException, InterruptedException {
    Map<Program, List<Path>> classPaths = new LinkedHashMap<>();
    Map<String, Integer> uses = new HashMap<>();
    for (Program program : Program.ALL) {
      List<Path> classPath = classPathOf(program);
      classPaths.put(program, classPath);
      classPath.forEach(jar -> uses.merge(nameOf(jar), 1, Integer::sum));
    }
    putTree(root.resolve("deploy/src/main/dist"), Path.of(""));
    putTree(root.resolve("deploy/src/main/systemd"), Path.of("share/systemd"));
    putTree(root.resolve("docs/examples"), Path.of("share/examples"));
    byte[] operations = Files.readAllBytes(root.resolve("docs/operations.md"));
    put(Path.of("share/doc/operations.md"), operations, false);
    byte[] schema = Files.readAllBytes(root.resolve("docs/job-spec.schema.json"));
    put(Path.of("share/job-spec.schema.json"), schema, false);
    putNativeParts(classPaths);
    String template = Files.readString(root.resolve("deploy/src/assembly/program.sh"));
    Training training = new Training(out, root.resolve("deploy/target/training"));
    for (Program program : Program.ALL) {
      List<Path> jars = new ArrayList<>();
      for (Path jar : classPaths.get(program)) {
        String part = uses.get(nameOf(jar)) > 1 ? "common" : program.part();
        jars.add(putJar(jar, Path.of("lib", part, nameOf(jar))));
      }
      put(Path.of("bin", program.name()), scriptOf(program, template, jars).getBytes(UTF_8), true);
      training.add(program, jars);
    }
    kept.addAll(training.makeCaches(train));
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
    String flags =
        program.flags().stream()
            .map(flag -> flag.matches("[\\w:=.+-]+") ? flag : '"' + flag + '"')
            .collect(Collectors.joining(" "));
    String classPath = jars.stream().map(jar -> "$home/" + jar).collect(Collectors.joining(":"));
    return template
        .replace("@summary@", program.summary())
        .replace("@part@", program.part())
        .replace("@name@", program.name())
        .replace("@options@", program.optionsVariable())
        .replace("@flags@", flags)
        .replace("@classpath@", classPath)
        .replace("@main@", program.main());
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

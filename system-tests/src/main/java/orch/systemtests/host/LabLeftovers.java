package orch.systemtests.host;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** Finds and removes what labs leave: processes, network namespaces, directories. */
final class LabLeftovers {
  private static final Path NAMESPACES = Path.of("/run/netns");
  private static final int ATTEMPTS = 50;

  private LabLeftovers() {}

  /** Removes every lab whose owner is dead. */
  static void sweep(Path temporary) throws IOException {
    List<String> names = new ArrayList<>();
    for (Path place : List.of(temporary, NAMESPACES)) {
      if (Files.isDirectory(place)) {
        try (DirectoryStream<Path> found =
            Files.newDirectoryStream(place, HostLab.PREFIX + "*-*-*")) {
          found.forEach(one -> names.add(String.valueOf(one.getFileName())));
        }
      }
    }
    for (String name : names.stream().distinct().toList()) {
      String[] owner = name.substring(HostLab.PREFIX.length()).split("-", -1);
      if (!startOf(Long.parseLong(owner[0])).equals(owner[1])) {
        System.err.println("removing " + name + ", which a test that was killed left behind");
        remove(temporary, name);
      }
    }
  }

  /** When a process began (proc(5), field 22 of stat); empty: there is no such process. */
  static String startOf(long pid) {
    try {
      String stat = Files.readString(Path.of("/proc", Long.toString(pid), "stat"));
      return stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1)[19];
    } catch (IOException gone) {
      return "";
    }
  }

  /** Ends the lab's processes and removes what it made; says on stderr what resisted. */
  static void remove(Path temporary, String name) {
    try {
      kill("umid=" + name + ".");
      if (Files.exists(NAMESPACES.resolve(name))) {
        new ProcessBuilder("/sbin/ip", "netns", "del", name)
            .inheritIO()
            .start()
            .waitFor(10, TimeUnit.SECONDS);
      }
      Path directory = temporary.resolve(name);
      if (Files.isDirectory(directory)) {
        try (Stream<Path> paths = Files.walk(directory)) {
          for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
            Files.deleteIfExists(path);
          }
        }
      }
    } catch (IOException | RuntimeException e) {
      System.err.println("cannot remove all of " + name + ": " + e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /**
   * Ends every process with an argument that begins so, hosts as if their power failed.
   *
   * <p>The programs of a host of user-mode Linux are processes that its kernel traces. When the
   * tracer dies first they run on as ordinary processes of this machine, with root's rights, and
   * what they ask their kernel for this machine's does. So every kernel is stopped, which lets none
   * of its programs past its next system call, and dies after all of them.
   */
  static void kill(String argument) throws IOException, InterruptedException {
    List<Found> kernels = find(argument).stream().filter(one -> one.tracer() == 0).toList();
    if (kernels.isEmpty()) {
      return;
    }
    List<String> stop = new ArrayList<>(List.of("kill", "-STOP"));
    kernels.forEach(kernel -> stop.add(Long.toString(kernel.pid())));
    // One that has just ended by itself is no matter: the code is not looked at.
    new ProcessBuilder(stop).redirectErrorStream(true).start().waitFor();
    killAll(argument, true);
    killAll(argument, false);
  }

  private static void killAll(String argument, boolean traced)
      throws IOException, InterruptedException {
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
      List<Found> found =
          find(argument).stream().filter(one -> !traced || one.tracer() != 0).toList();
      if (found.isEmpty()) {
        return;
      }
      for (Found one : found) {
        ProcessHandle.of(one.pid()).ifPresent(ProcessHandle::destroyForcibly);
      }
      Thread.sleep(20);
    }
    throw new IOException("processes with " + argument + "… do not end");
  }

  /**
   * A process that lives.
   *
   * @param tracer its tracer's process id; 0: it has none
   */
  private record Found(long pid, long tracer) {}

  private static List<Found> find(String argument) throws IOException {
    List<Found> found = new ArrayList<>();
    try (DirectoryStream<Path> processes = Files.newDirectoryStream(Path.of("/proc"), "[1-9]*")) {
      for (Path process : processes) {
        if (has(process, argument)) {
          found.add(
              new Found(Long.parseLong(String.valueOf(process.getFileName())), tracerOf(process)));
        }
      }
    }
    return found;
  }

  /** Field TracerPid of proc(5)'s status. */
  private static long tracerOf(Path process) {
    try (Stream<String> lines = Files.lines(process.resolve("status"))) {
      return lines
          .filter(line -> line.startsWith("TracerPid:"))
          .mapToLong(line -> Long.parseLong(line.substring(line.indexOf(':') + 1).strip()))
          .findFirst()
          .orElse(0);
    } catch (IOException | UncheckedIOException gone) {
      return 0;
    }
  }

  private static boolean has(Path process, String argument) {
    try {
      String command =
          new String(Files.readAllBytes(process.resolve("cmdline")), StandardCharsets.UTF_8);
      for (String word : command.split("\0", -1)) {
        if (word.startsWith(argument)) {
          return true;
        }
      }
      return false;
    } catch (IOException gone) {
      return false;
    }
  }
}

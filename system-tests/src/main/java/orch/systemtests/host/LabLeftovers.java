package orch.systemtests.host;

import java.io.IOException;
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

  /** SIGKILL to every process with an argument that begins so, until there is none. */
  static void kill(String argument) throws IOException, InterruptedException {
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
      boolean found = false;
      try (DirectoryStream<Path> processes = Files.newDirectoryStream(Path.of("/proc"), "[1-9]*")) {
        for (Path process : processes) {
          if (has(process, argument)) {
            found = true;
            long pid = Long.parseLong(String.valueOf(process.getFileName()));
            ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly);
          }
        }
      }
      if (!found) {
        return;
      }
      Thread.sleep(20);
    }
    throw new IOException("processes with " + argument + "… do not end");
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

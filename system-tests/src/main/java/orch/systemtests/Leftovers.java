package orch.systemtests;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Finds what a cluster left on this machine. */
public final class Leftovers {
  private Leftovers() {}

  /** Processes whose command line, directory or environment names {@code directory}. */
  public static List<String> of(Path directory) throws IOException {
    List<String> left = new ArrayList<>();
    String name = directory.toString();
    try (DirectoryStream<Path> processes = Files.newDirectoryStream(Path.of("/proc"), "[1-9]*")) {
      for (Path process : processes) {
        if (process.endsWith(Long.toString(ProcessHandle.current().pid()))) {
          continue;
        }
        String what = read(process.resolve("cmdline")) + " " + read(process.resolve("environ"));
        if (what.contains(name)) {
          left.add(process.getFileName() + ": " + read(process.resolve("cmdline")));
        }
      }
    }
    return left;
  }

  /** Where on this machine there is a cgroup of that name. */
  public static List<String> cgroups(String name) {
    List<String> found = new ArrayList<>();
    for (String root : List.of("/sys/fs/cgroup", "/sys/fs/cgroup/unified")) {
      if (Files.exists(Path.of(root, name))) {
        found.add(root + "/" + name);
      }
    }
    return found;
  }

  /** Of a process that is gone, or another user's: nothing. */
  private static String read(Path file) {
    try {
      return new String(Files.readAllBytes(file), StandardCharsets.UTF_8).replace('\0', ' ');
    } catch (IOException gone) {
      return "";
    }
  }
}

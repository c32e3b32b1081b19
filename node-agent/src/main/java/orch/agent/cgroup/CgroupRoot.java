package orch.agent.cgroup;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedSet;
import org.jspecify.annotations.Nullable;

/**
 * The agent's own subtree of cgroup v2 and the controllers that its leaves can have.
 *
 * @param directory null: this host has none that the agent may write
 * @param missing limits that cannot be enforced: memory, cpu, pids, io, cpuset
 * @param note why, for people; empty: nothing is missing
 */
public record CgroupRoot(@Nullable Path directory, List<String> missing, String note) {
  /** Limits by the controller of their name. */
  private static final long REMOVE_LIMIT_NANOS = 5_000_000_000L;

  private static final List<String> CONTROLLERS = List.of("memory", "cpu", "pids", "io", "cpuset");

  public CgroupRoot {
    missing = List.copyOf(missing);
  }

  /**
   * Makes (or finds) the subtree {@code name} directly below the v2 mount.
   *
   * @param mounts {@code /proc/self/mounts}
   */
  public static CgroupRoot prepare(Path mounts, String name) throws IOException {
    Path mount = mountOf(Files.readAllLines(mounts, StandardCharsets.UTF_8));
    if (mount == null) {
      return none("this host has no cgroup v2 mount");
    }
    Path directory = mount.resolve(name);
    try {
      Files.createDirectories(directory);
    } catch (IOException e) {
      return none("cgroups below " + mount + " cannot be written by this user");
    }
    enable(mount);
    List<String> available = words(directory.resolve("cgroup.controllers"));
    List<String> missing = new ArrayList<>(CONTROLLERS);
    missing.removeAll(available);
    return new CgroupRoot(directory, missing, note(missing, mount));
  }

  /** Path of the subtree as {@code /proc/PID/cgroup} gives it; empty: there is none. */
  public String path() {
    Path of = directory;
    if (of == null) {
      return "";
    }
    try {
      Path mount =
          mountOf(Files.readAllLines(Path.of("/proc/self/mounts"), StandardCharsets.UTF_8));
      return mount == null || !of.startsWith(mount) ? "" : "/" + mount.relativize(of);
    } catch (IOException e) {
      return "";
    }
  }

  private static String note(List<String> missing, Path mount) {
    return missing.isEmpty()
        ? ""
        : "the cgroup v2 controllers "
            + String.join(", ", missing)
            + " are not available below "
            + mount;
  }

  /**
   * The cgroup of a scope of systemd, which makes it when the launcher is started in it.
   *
   * @param mounts {@code /proc/self/mounts}
   */
  public static CgroupRoot scope(Path mounts, String scope) throws IOException {
    Path mount = mountOf(Files.readAllLines(mounts, StandardCharsets.UTF_8));
    if (mount == null) {
      return none("this host has no cgroup v2 mount");
    }
    List<String> missing = new ArrayList<>(CONTROLLERS);
    missing.removeAll(words(mount.resolve("cgroup.controllers")));
    return new CgroupRoot(
        mount.resolve("system.slice").resolve(scope), missing, note(missing, mount));
  }

  /** A host without cgroups: nothing can be limited. */
  public static CgroupRoot none(String why) {
    return new CgroupRoot(null, CONTROLLERS, why);
  }

  /**
   * Names of the leaves of attempts in a subtree.
   *
   * @param but those that are left out
   */
  public static List<String> strays(Path directory, SortedSet<String> but) throws IOException {
    List<String> strays = new ArrayList<>();
    try (DirectoryStream<Path> leaves = Files.newDirectoryStream(directory, "t-*")) {
      for (Path leaf : leaves) {
        String name = String.valueOf(leaf.getFileName());
        if (!but.contains(name)) {
          strays.add(name);
        }
      }
    }
    return strays;
  }

  /** As {@link #remove}, again for some seconds while processes are dying. */
  public static boolean removeAll(Path directory) throws IOException, InterruptedException {
    long deadline = System.nanoTime() + REMOVE_LIMIT_NANOS;
    while (!remove(directory)) {
      if (System.nanoTime() > deadline) {
        return false;
      }
      Thread.sleep(10);
    }
    return true;
  }

  /** Kills what is left in the subtree and removes it. True when nothing is left. */
  public static boolean remove(Path directory) throws IOException {
    if (!Files.isDirectory(directory)) {
      return true;
    }
    try (DirectoryStream<Path> children =
        Files.newDirectoryStream(directory, file -> Files.isDirectory(file))) {
      for (Path child : children) {
        remove(child);
      }
    }
    Path kill = directory.resolve("cgroup.kill");
    if (Files.exists(kill) && !words(directory.resolve("cgroup.procs")).isEmpty()) {
      Files.writeString(kill, "1");
    }
    try {
      Files.delete(directory);
      return true;
    } catch (IOException busy) {
      return false;
    }
  }

  /** Lets the subtree have each controller that the mount has; a refusal shows as missing. */
  private static void enable(Path parent) throws IOException {
    List<String> enabled = words(parent.resolve("cgroup.subtree_control"));
    for (String controller : words(parent.resolve("cgroup.controllers"))) {
      if (CONTROLLERS.contains(controller) && !enabled.contains(controller)) {
        try {
          Files.writeString(parent.resolve("cgroup.subtree_control"), "+" + controller);
        } catch (IOException refused) {
          // Left out of the subtree's controllers, from which the missing limits are read.
        }
      }
    }
  }

  static @Nullable Path mountOf(List<String> mounts) {
    for (String line : mounts) {
      String[] fields = line.split(" ", -1);
      if (fields.length > 2 && fields[2].equals("cgroup2")) {
        return Path.of(fields[1]);
      }
    }
    return null;
  }

  private static List<String> words(Path file) throws IOException {
    if (!Files.exists(file)) {
      return List.of();
    }
    String text = Files.readString(file, StandardCharsets.UTF_8).strip();
    return text.isEmpty() ? List.of() : List.of(text.split("\\s+"));
  }
}

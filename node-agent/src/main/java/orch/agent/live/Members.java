package orch.agent.live;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import orch.agent.process.Guarded;
import org.jspecify.annotations.Nullable;

/**
 * The processes of an attempt. With a cgroup they are what it holds, and zombies whose own files
 * name it ({@code cgroup.procs} lists none); without one all that descend from its shim, which is
 * the adoptive parent of its orphans.
 *
 * @param all every process of the attempt, by pid
 * @param commands those started inside it from outside, and their descendants
 */
record Members(SortedMap<Integer, ProcFile.Stat> all, SortedSet<Integer> commands) {
  /** Cgroups that a task may make inside its own are looked into so deep. */
  private static final int MAX_DEPTH = 16;

  /** Begins the names of cgroups in which commands from outside run. */
  private static final String COMMAND_CGROUP = "x-";

  static Members of(Guarded guarded, ProcFile proc) throws IOException {
    return of(guarded, proc.all(), proc);
  }

  /** The same, of what {@link ProcFile#all} gave. */
  static Members of(Guarded guarded, SortedMap<Integer, ProcFile.Stat> everything, ProcFile proc)
      throws IOException {
    SortedMap<Integer, ProcFile.Stat> found = new TreeMap<>();
    SortedSet<Integer> commands = new TreeSet<>();
    Path leaf = guarded.leaf();
    if (leaf != null) {
      inCgroup(leaf, everything, found, commands, proc);
    } else {
      byDescent(guarded, everything, found, commands);
    }
    return new Members(found, commands);
  }

  /** Those that have ended and that nobody waited for. */
  int zombies() {
    return (int) all.values().stream().filter(ProcFile.Stat::zombie).count();
  }

  private static void inCgroup(
      Path leaf,
      SortedMap<Integer, ProcFile.Stat> everything,
      SortedMap<Integer, ProcFile.Stat> found,
      SortedSet<Integer> commands,
      ProcFile proc)
      throws IOException {
    SortedSet<Integer> pids = new TreeSet<>();
    collect(leaf, 0, false, pids, commands);
    for (int pid : pids) {
      // Also one that was made after /proc was read.
      ProcFile.Stat stat = everything.containsKey(pid) ? everything.get(pid) : proc.stat(pid);
      if (stat != null) {
        found.put(pid, stat);
      }
    }
    String name = String.valueOf(leaf.getFileName());
    for (ProcFile.Stat stat : everything.values()) {
      if (stat.zombie() && !found.containsKey(stat.pid()) && proc.isIn(stat.pid(), name)) {
        found.put(stat.pid(), stat);
        if (commands.contains(stat.parent())) {
          commands.add(stat.pid());
        }
      }
    }
  }

  private static void collect(
      Path cgroup, int depth, boolean command, SortedSet<Integer> to, SortedSet<Integer> commands)
      throws IOException {
    try {
      for (String line :
          Files.readAllLines(cgroup.resolve("cgroup.procs"), StandardCharsets.US_ASCII)) {
        int pid = Integer.parseInt(line);
        to.add(pid);
        if (command) {
          commands.add(pid);
        }
      }
      if (depth == MAX_DEPTH) {
        return;
      }
      try (DirectoryStream<Path> inner =
          Files.newDirectoryStream(cgroup, file -> Files.isDirectory(file))) {
        for (Path child : inner) {
          boolean outside =
              command
                  || (depth == 0 && String.valueOf(child.getFileName()).startsWith(COMMAND_CGROUP));
          collect(child, depth + 1, outside, to, commands);
        }
      }
    } catch (IOException gone) {
      if (depth == 0) {
        throw gone;
      }
      // One that the task removed meanwhile, or a threaded one: its threads belong to processes
      // that are listed above it.
    }
  }

  private static void byDescent(
      Guarded guarded,
      SortedMap<Integer, ProcFile.Stat> everything,
      SortedMap<Integer, ProcFile.Stat> found,
      SortedSet<Integer> commands) {
    for (ProcFile.Stat stat : everything.values()) {
      Integer root = root(guarded, stat, everything);
      if (root != null) {
        found.put(stat.pid(), stat);
        if (guarded.commands().contains(root)) {
          commands.add(stat.pid());
        }
      }
    }
  }

  /** The shim or leader that the process descends from; null: it is none of the attempt's. */
  private static @Nullable Integer root(
      Guarded guarded, ProcFile.Stat stat, SortedMap<Integer, ProcFile.Stat> everything) {
    ProcFile.Stat leader = everything.get(guarded.leaderPid());
    boolean known =
        leader != null
            && (guarded.leaderStart() == 0 || leader.startTicks() == guarded.leaderStart());
    ProcFile.Stat at = stat;
    for (int steps = 0; at != null && steps < everything.size(); steps++) {
      if (known && at.pid() == guarded.leaderPid()) {
        return guarded.leaderPid();
      }
      int parent = at.parent();
      if (parent != 0 && (parent == guarded.shimPid() || guarded.commands().contains(parent))) {
        return parent;
      }
      at = everything.get(parent);
    }
    return guarded.leaderPid() != 0 && stat.session() == guarded.leaderPid()
        ? Integer.valueOf(guarded.leaderPid())
        : null;
  }
}

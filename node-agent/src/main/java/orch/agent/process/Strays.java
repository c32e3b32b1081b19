package orch.agent.process;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.Executor;
import java.util.function.Supplier;
import orch.agent.cgroup.CgroupRoot;
import orch.agent.process.JournalReader.Account;
import orch.api.model.Uid;
import orch.api.seam.Timers;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks for what lives in the agent's cgroups and belongs to no attempt. A leaf is taken for
 * nobody's, and killed and removed, once all of this holds: no attempt that the agent or its
 * launcher has is of its name, in two looks one after the other; and the launcher's journal has no
 * claim of it, or the end of its attempt too. Processes that are in no leaf at all are only told
 * of: nothing proves whose they are.
 */
public final class Strays {
  /** Between two looks. */
  public static final Duration PERIOD = Duration.ofSeconds(15);

  private static final Logger log = LoggerFactory.getLogger(Strays.class);
  private static final String LEAF = "t-";
  private static final String GUARDS = "ctl-";

  private final LauncherClient launcher;
  private final Supplier<Set<Uid>> living;
  private final Executor loop;
  private final Executor background;
  private final Timers timers;
  private final Duration period;
  private final Listener listener;

  // Of the background alone.
  private SortedSet<String> suspects = new TreeSet<>();
  private SortedSet<String> told = new TreeSet<>();

  /** Called on the loop. */
  @FunctionalInterface
  public interface Listener {
    void happened(String type, String message, SortedMap<String, Long> figures);
  }

  /**
   * Looks at nothing before {@link #begin}.
   *
   * @param living attempts that the agent takes for living, asked on the loop
   * @param background for what may wait for a disk
   * @param period {@link #PERIOD} but in tests
   */
  public Strays(
      LauncherClient launcher,
      Supplier<Set<Uid>> living,
      Executor loop,
      Executor background,
      Timers timers,
      Duration period,
      Listener listener) {
    this.launcher = launcher;
    this.living = living;
    this.loop = loop;
    this.background = background;
    this.timers = timers;
    this.period = period;
    this.listener = listener;
  }

  /** Looks again and again. To be called on the loop. */
  public void begin() {
    timers.after(period, this::look);
  }

  private void look() {
    begin();
    Orphans.Place place = launcher.place();
    if (place == null || place.cgroup().isEmpty()) {
      return;
    }
    SortedSet<String> known = new TreeSet<>();
    living.get().forEach(uid -> known.add(Leaves.nameOf(uid)));
    launcher.guardedUids().forEach(uid -> known.add(Leaves.nameOf(uid)));
    background.execute(() -> {
      try {
        look(Path.of(place.cgroup()), place.journal(), known);
      } catch (IOException e) {
        log.warn("cannot look for processes that no attempt claims: {}", e.toString());
      }
    });
  }

  private void look(Path root, Path journal, SortedSet<String> known) throws IOException {
    SortedSet<String> seen = new TreeSet<>();
    SortedMap<String, Integer> outside = new TreeMap<>();
    int direct = processes(root).size();
    if (direct > 0) {
      outside.put(String.valueOf(root.getFileName()), direct);
    }
    try (DirectoryStream<Path> children =
        Files.newDirectoryStream(root, file -> Files.isDirectory(file))) {
      for (Path child : children) {
        String name = String.valueOf(child.getFileName());
        if (name.startsWith(LEAF)) {
          if (!known.contains(name)) {
            seen.add(name);
          }
        } else if (!name.startsWith(GUARDS) && isPopulated(child)) {
          outside.put(name, processes(child).size());
        }
      }
    }
    tellOutside(outside);
    SortedSet<String> twice = new TreeSet<>(seen);
    twice.retainAll(suspects);
    suspects = seen;
    if (!twice.isEmpty()) {
      end(root, twice, JournalReader.read(journal));
    }
  }

  private void end(Path root, SortedSet<String> leaves, Map<Uid, Account> accounts)
      throws IOException {
    for (Account account : accounts.values()) {
      if (!account.ended()) {
        leaves.remove(account.leaf);
      }
    }
    for (String name : leaves) {
      Path leaf = root.resolve(name);
      List<Integer> pids = processes(leaf);
      boolean populated = isPopulated(leaf);
      boolean removed = CgroupRoot.remove(leaf);
      if (populated) {
        tell(
            "ORPHANS_KILLED",
            name
                + " belongs to no attempt: what was in it was killed"
                + (pids.isEmpty() ? "" : " " + pids),
            pids.size());
      } else if (removed) {
        log.info("removed the empty cgroup {}, which belongs to no attempt", name);
      }
    }
  }

  private void tellOutside(SortedMap<String, Integer> outside) {
    told.retainAll(outside.keySet());
    outside.forEach((name, count) -> {
      if (told.add(name)) {
        tell(
            "STRAY_PROCESSES",
            "processes that no attempt claims are in the agent's cgroup, in "
                + name
                + "; they are left alone",
            count);
      }
    });
  }

  private void tell(String type, String message, long processes) {
    SortedMap<String, Long> figures = new TreeMap<>();
    figures.put("processes", processes);
    loop.execute(() -> listener.happened(type, message, figures));
  }

  private static boolean isPopulated(Path cgroup) {
    String events = text(cgroup.resolve("cgroup.events"));
    return events != null && events.contains("populated 1");
  }

  private static List<Integer> processes(Path cgroup) {
    List<Integer> pids = new ArrayList<>();
    String text = text(cgroup.resolve("cgroup.procs"));
    if (text != null) {
      text.lines().forEach(line -> pids.add(Integer.valueOf(line)));
    }
    return pids;
  }

  private static @Nullable String text(Path file) {
    try {
      return Files.readString(file, StandardCharsets.US_ASCII);
    } catch (IOException gone) {
      return null;
    }
  }
}

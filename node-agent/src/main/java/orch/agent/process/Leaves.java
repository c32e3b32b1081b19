package orch.agent.process;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;
import orch.agent.cgroup.CgroupRoot;
import orch.api.model.Uid;
import orch.api.seam.Timers;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The leaf cgroups of attempts, beside what their shims do with them. A shim removes its leaf
 * before it records the end; what stays behind of an attempt that has ended, because nobody guarded
 * it any more or it could not be removed then, is removed here, tried again until it is gone.
 * Belongs to the agent's loop.
 */
final class Leaves {
  private static final Logger log = LoggerFactory.getLogger(Leaves.class);
  private static final Duration FIRST_PAUSE = Duration.ofMillis(20);

  /** The pause doubles up to 10 s: such as with a process that is stuck in the kernel. */
  private static final int MOST_DOUBLINGS = 9;

  private final Timers timers;

  /** Names of leaves to be removed, which no attempt uses any more. */
  private final SortedSet<String> left = new TreeSet<>();

  private @Nullable Path root;
  private int doublings;
  private boolean waiting;

  Leaves(Timers timers) {
    this.timers = timers;
  }

  static String nameOf(Uid uid) {
    return String.format("t-%08x%08x%016x", uid.incarnation(), uid.epoch(), uid.sequence());
  }

  /** A start that hangs in the kernel keeps its shim from hearing the stop; its cgroup does not. */
  static void killBeforeExec(Incoming.@Nullable Welcome of, Uid uid) {
    if (of == null || of.cgroup().isEmpty()) {
      return;
    }
    try {
      Files.writeString(Path.of(of.cgroup(), nameOf(uid), "cgroup.kill"), "1");
    } catch (IOException gone) {
      log.debug("no cgroup of {} to kill: {}", uid, gone.toString());
    }
  }

  /**
   * A launcher was found: kills and removes the leaves in its subtree that no living attempt uses.
   *
   * @param cgroup of the launcher; empty: none
   * @param living names of the leaves of attempts that have not ended
   */
  void begin(String cgroup, SortedSet<String> living) {
    left.clear();
    doublings = 0;
    root = cgroup.isEmpty() ? null : Path.of(cgroup);
    if (root == null) {
      return;
    }
    try {
      List<String> strays = CgroupRoot.strays(root, living);
      if (!strays.isEmpty()) {
        log.warn("removing cgroups that no living attempt uses: {}", strays);
        left.addAll(strays);
        sweep();
      }
    } catch (IOException e) {
      log.warn("cannot look for cgroups that no attempt uses: {}", e.toString());
    }
  }

  /** The attempt has ended: its leaf goes, if it is there still, with all that is in it. */
  void ended(String leaf) {
    Path of = root;
    if (of != null && !leaf.isEmpty() && Files.isDirectory(of.resolve(leaf))) {
      left.add(leaf);
      doublings = 0;
      sweep();
    }
  }

  private void sweep() {
    Path of = root;
    for (Iterator<String> names = left.iterator(); of != null && names.hasNext(); ) {
      String name = names.next();
      try {
        if (CgroupRoot.remove(of.resolve(name))) {
          names.remove();
        }
      } catch (IOException e) {
        log.debug("{} is not removed yet: {}", name, e.toString());
      }
    }
    if (!left.isEmpty() && !waiting) {
      waiting = true;
      Duration pause = FIRST_PAUSE.multipliedBy(1L << Math.min(doublings++, MOST_DOUBLINGS));
      timers.after(
          pause,
          () -> {
            waiting = false;
            sweep();
          });
    }
  }
}

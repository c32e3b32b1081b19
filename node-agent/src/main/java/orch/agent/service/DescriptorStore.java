package orch.agent.service;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.TreeMap;
import orch.agent.linux.LinuxException;
import orch.api.model.Uid;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Descriptors that tasks left with the agent (FDSTORE=1), to be handed to the next attempt of the
 * same task. Not thread-safe.
 */
final class DescriptorStore {
  private static final Logger log = LoggerFactory.getLogger(DescriptorStore.class);

  /** As many as one start can pass on. */
  static final int MAX_OF_A_TASK = 16;

  static final int MAX_IN_ALL = 512;

  /** How long they wait for the task's next attempt. */
  static final long KEEP_NANOS = 600_000_000_000L;

  private static final String UNNAMED = "stored";

  private final WatchedDescriptors descriptors;
  private final TreeMap<TaskKey, Shelf> shelves = new TreeMap<>();
  private int count;

  /** A task, over all its attempts. */
  record TaskKey(Uid job, int index) implements Comparable<TaskKey> {
    @Override
    public int compareTo(TaskKey other) {
      int byJob = job.compareTo(other.job);
      return byJob != 0 ? byJob : Integer.compare(index, other.index);
    }
  }

  /** {@code poll}: it goes when its other end does. */
  record Kept(int fd, String name, boolean poll) {}

  private static final class Shelf {
    final List<Kept> kept = new ArrayList<>();

    /** Boottime of the last attempt's end; 0: an attempt lives. */
    long idleSince;
  }

  DescriptorStore(WatchedDescriptors descriptors) {
    this.descriptors = descriptors;
  }

  /** Answers whether it is kept now; else it was closed. */
  boolean keep(TaskKey task, int fd, String name, boolean poll) {
    Shelf shelf = shelves.computeIfAbsent(task, key -> new Shelf());
    if (shelf.kept.size() >= MAX_OF_A_TASK || count >= MAX_IN_ALL) {
      descriptors.close(fd);
      return false;
    }
    shelf.kept.add(new Kept(fd, name.isEmpty() ? UNNAMED : name, poll));
    count++;
    if (poll) {
      watchForHangUp(fd);
    }
    return true;
  }

  private void watchForHangUp(int fd) {
    try {
      descriptors.watch(fd, 0);
    } catch (LinuxException e) {
      // A regular file: it never hangs up.
      log.debug("descriptor {} is not watched: {}", fd, e.toString());
    }
  }

  /** Closes those of the name; answers how many. */
  int remove(TaskKey task, String name) {
    Shelf shelf = shelves.get(task);
    int removed = 0;
    for (Iterator<Kept> each = shelf == null ? List.<Kept>of().iterator() : shelf.kept.iterator();
        each.hasNext(); ) {
      Kept kept = each.next();
      if (kept.name().equals(name)) {
        each.remove();
        descriptors.close(kept.fd());
        removed++;
      }
    }
    count -= removed;
    return removed;
  }

  /** Its other end is gone. */
  boolean hungUp(int fd) {
    for (Shelf shelf : shelves.values()) {
      if (shelf.kept.removeIf(kept -> kept.fd() == fd)) {
        descriptors.close(fd);
        count--;
        return true;
      }
    }
    return false;
  }

  List<Kept> of(TaskKey task) {
    Shelf shelf = shelves.get(task);
    return shelf == null ? List.of() : List.copyOf(shelf.kept);
  }

  /** An attempt of the task begins. */
  void begun(TaskKey task) {
    Shelf shelf = shelves.get(task);
    if (shelf != null) {
      shelf.idleSince = 0;
    }
  }

  /** The attempt has ended. */
  void ended(TaskKey task, long nowNanos) {
    Shelf shelf = shelves.get(task);
    if (shelf != null) {
      shelf.idleSince = nowNanos;
    }
  }

  /** Closes what no attempt came for. */
  void expire(long nowNanos) {
    for (Iterator<Shelf> each = shelves.values().iterator(); each.hasNext(); ) {
      Shelf shelf = each.next();
      boolean over = shelf.idleSince != 0 && nowNanos - shelf.idleSince >= KEEP_NANOS;
      if (over || (shelf.kept.isEmpty() && shelf.idleSince != 0)) {
        each.remove();
        shelf.kept.forEach(kept -> descriptors.close(kept.fd()));
        count -= shelf.kept.size();
      }
    }
  }

  int count() {
    return count;
  }
}

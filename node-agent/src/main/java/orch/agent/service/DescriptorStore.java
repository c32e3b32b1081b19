package orch.agent.service;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
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
  private final LauncherCopies copies;
  private final TreeMap<TaskKey, Shelf> shelves = new TreeMap<>();
  private long lastId;
  private int count;

  /** A task, over all its attempts. */
  record TaskKey(Uid job, int index) implements Comparable<TaskKey> {
    @Override
    public int compareTo(TaskKey other) {
      int byJob = job.compareTo(other.job);
      return byJob != 0 ? byJob : Integer.compare(index, other.index);
    }
  }

  /**
   * A descriptor.
   *
   * @param poll it goes when its other end does
   * @param id grows from one to the next, over all agents whose things the launcher kept
   */
  record Kept(int fd, String name, boolean poll, long id) {}

  private static final class Shelf {
    final List<Kept> kept = new ArrayList<>();

    /** Boottime of the last attempt's end; 0: an attempt lives. */
    long idleSince;
  }

  DescriptorStore(WatchedDescriptors descriptors, LauncherCopies copies) {
    this.descriptors = descriptors;
    this.copies = copies;
  }

  /** Answers whether it is kept now; else it was closed. */
  boolean keep(TaskKey task, int fd, String name, boolean poll) {
    Shelf shelf = shelves.computeIfAbsent(task, key -> new Shelf());
    if (isFull(shelf)) {
      descriptors.close(fd);
      return false;
    }
    add(task, shelf, new Kept(fd, name.isEmpty() ? UNNAMED : name, poll, ++lastId));
    return true;
  }

  /**
   * Takes what an agent before this one kept, in any order; it waits from now on, unless {@link
   * #begun}. Answers whether it did, else it is still the caller's.
   */
  boolean restore(TaskKey task, Kept kept, long nowNanos) {
    lastId = Math.max(lastId, kept.id());
    Shelf shelf = shelves.computeIfAbsent(task, key -> new Shelf());
    if (isFull(shelf)) {
      return false;
    }
    if (shelf.kept.isEmpty()) {
      shelf.idleSince = nowNanos;
    }
    add(task, shelf, kept);
    shelf.kept.sort(Comparator.comparingLong(Kept::id));
    return true;
  }

  private boolean isFull(Shelf shelf) {
    return shelf.kept.size() >= MAX_OF_A_TASK || count >= MAX_IN_ALL;
  }

  private void add(TaskKey task, Shelf shelf, Kept kept) {
    shelf.kept.add(kept);
    count++;
    if (kept.poll()) {
      watchForHangUp(kept.fd());
    }
    copies.want(KeptNames.stored(task, kept), kept.fd(), false);
  }

  private void close(TaskKey task, Kept kept) {
    copies.unwant(KeptNames.stored(task, kept));
    descriptors.close(kept.fd());
    count--;
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
        close(task, kept);
        removed++;
      }
    }
    return removed;
  }

  /** Its other end is gone. */
  boolean hungUp(int fd) {
    for (Map.Entry<TaskKey, Shelf> each : shelves.entrySet()) {
      for (Kept kept : each.getValue().kept) {
        if (kept.fd() == fd) {
          each.getValue().kept.remove(kept);
          close(each.getKey(), kept);
          return true;
        }
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
    for (Iterator<Map.Entry<TaskKey, Shelf>> each = shelves.entrySet().iterator();
        each.hasNext(); ) {
      Map.Entry<TaskKey, Shelf> entry = each.next();
      Shelf shelf = entry.getValue();
      boolean over = shelf.idleSince != 0 && nowNanos - shelf.idleSince >= KEEP_NANOS;
      if (over || (shelf.kept.isEmpty() && shelf.idleSince != 0)) {
        each.remove();
        shelf.kept.forEach(kept -> close(entry.getKey(), kept));
      }
    }
  }

  int count() {
    return count;
  }
}

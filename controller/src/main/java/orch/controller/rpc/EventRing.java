package orch.controller.rpc;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;
import orch.v1.Event;
import orch.v1.EventKind;
import org.jspecify.annotations.Nullable;

/**
 * The newest events, numbered. Those of tasks have room of their own, so that a large array does
 * not push out what happened to jobs and nodes. Thread-safe.
 */
final class EventRing {
  static final int MAX_OF_TASKS = 16_384;
  static final int MAX_OF_OTHERS = 8_192;

  private final Room tasks;
  private final Room others;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition added = lock.newCondition();

  // Guarded by the lock.
  private long sequence;

  /** Every event of a later revision was heard. */
  private long since = -1;

  private boolean closed;
  private int interruptions;

  record Entry(long sequence, Event event) {}

  /** {@code more}: there may be older ones; {@code compacted}: but they are not kept any more. */
  record Page(List<Entry> entries, boolean more, boolean compacted) {}

  private static final class Room {
    final int most;
    final ArrayDeque<Entry> entries = new ArrayDeque<>();

    /** Number and revision of the newest that was dropped; 0: none. */
    long dropped;

    long droppedRevision;

    Room(int most) {
      this.most = most;
    }

    void add(Entry entry) {
      entries.addLast(entry);
      if (entries.size() > most) {
        Entry oldest = entries.removeFirst();
        dropped = oldest.sequence();
        droppedRevision = Math.max(droppedRevision, oldest.event().getRevision());
      }
    }
  }

  EventRing() {
    this(MAX_OF_TASKS, MAX_OF_OTHERS);
  }

  EventRing(int maxOfTasks, int maxOfOthers) {
    tasks = new Room(maxOfTasks);
    others = new Room(maxOfOthers);
  }

  void add(List<Event> events) {
    if (events.isEmpty()) {
      return;
    }
    lock.lock();
    try {
      for (Event event : events) {
        room(event.getKind()).add(new Entry(++sequence, event));
      }
      added.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private Room room(EventKind kind) {
    return kind == EventKind.EVENT_KIND_TASK ? tasks : others;
  }

  /** What happened until {@code revision} was not heard: what is kept would have a gap. */
  void restart(long revision) {
    lock.lock();
    try {
      for (Room room : List.of(tasks, others)) {
        room.entries.clear();
        room.dropped = sequence;
        room.droppedRevision = revision;
      }
      since = revision;
      added.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Number of the newest. */
  long newest() {
    lock.lock();
    try {
      return sequence;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Newest first.
   *
   * @param below only those with lower numbers; 0: all
   */
  Page page(Predicate<Event> wanted, boolean ofTasks, boolean ofOthers, long below, int most) {
    lock.lock();
    try {
      Iterator<Entry> left = ofTasks ? tasks.entries.descendingIterator() : null;
      Iterator<Entry> right = ofOthers ? others.entries.descendingIterator() : null;
      Entry one = next(left);
      Entry other = next(right);
      List<Entry> found = new ArrayList<>();
      while (one != null || other != null) {
        boolean first = other == null || (one != null && one.sequence() > other.sequence());
        Entry newer = first ? one : other;
        if (first) {
          one = next(left);
        } else {
          other = next(right);
        }
        if (newer != null
            && (below == 0 || newer.sequence() < below)
            && wanted.test(newer.event())) {
          if (found.size() == most) {
            return new Page(found, true, false);
          }
          found.add(newer);
        }
      }
      boolean compacted = (ofTasks && tasks.dropped > 0) || (ofOthers && others.dropped > 0);
      return new Page(found, false, compacted || since > 0);
    } finally {
      lock.unlock();
    }
  }

  private static @Nullable Entry next(@Nullable Iterator<Entry> entries) {
    return entries != null && entries.hasNext() ? entries.next() : null;
  }

  /**
   * Number of the last event up to {@code revision}, from which on a stream of another controller's
   * ring goes on; -1: later ones are not kept any more.
   */
  long afterRevision(long revision) {
    lock.lock();
    try {
      if (revision < Math.max(tasks.droppedRevision, others.droppedRevision) || since > revision) {
        return -1;
      }
      long last = Math.max(tasks.dropped, others.dropped);
      for (Room room : List.of(tasks, others)) {
        for (Entry entry : room.entries) {
          if (entry.event().getRevision() <= revision) {
            last = Math.max(last, entry.sequence());
          }
        }
      }
      return last;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Waits for events after {@code sequence}.
   *
   * @return oldest first, empty when nothing came in time or {@link #interrupt} was called; null:
   *     some of them are not kept any more
   */
  @Nullable List<Entry> after(long after, long nanos) throws InterruptedException {
    lock.lockInterruptibly();
    try {
      long left = nanos;
      int before = interruptions;
      while (sequence <= after && left > 0 && !closed && interruptions == before) {
        left = added.awaitNanos(left);
      }
      if (after < Math.max(tasks.dropped, others.dropped)) {
        return null;
      }
      List<Entry> found = new ArrayList<>();
      for (Room room : List.of(tasks, others)) {
        for (Iterator<Entry> each = room.entries.descendingIterator(); each.hasNext(); ) {
          Entry entry = each.next();
          if (entry.sequence() <= after) {
            break;
          }
          found.add(entry);
        }
      }
      found.sort((left1, right) -> Long.compare(left1.sequence(), right.sequence()));
      return found;
    } finally {
      lock.unlock();
    }
  }

  /** Wakes whoever waits. */
  void interrupt() {
    lock.lock();
    try {
      interruptions++;
      added.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** How often whoever waited was woken. */
  int interruptions() {
    lock.lock();
    try {
      return interruptions;
    } finally {
      lock.unlock();
    }
  }

  boolean closed() {
    lock.lock();
    try {
      return closed;
    } finally {
      lock.unlock();
    }
  }

  void close() {
    lock.lock();
    try {
      closed = true;
      added.signalAll();
    } finally {
      lock.unlock();
    }
  }
}

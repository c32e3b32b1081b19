package orch.controller.store;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.TreeSet;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Deletes what a checkpoint in force has made needless: nodes of older ones, and entries of the
 * log, in ascending order, none above what the manifest covers, and of those not the newest few,
 * for standbys that are a little behind; so never the newest entry of the log, on which the next
 * one stands. Empty directories go too.
 */
final class CheckpointCleaner {
  /** Nodes that are deleted in one multi. */
  static final int BATCH = 100;

  private final FencedPort port;
  private final LogLayout layout;
  private final int keptEntries;
  private final TreeSet<Long> leftovers = new TreeSet<>();
  private final TreeSet<Long> emptied = new TreeSet<>();

  /** Oldest entry of the log that may still be there. */
  private long firstEntry = 1;

  private boolean foundFirst;
  private int pins;
  private @Nullable Runnable pinned;

  CheckpointCleaner(FencedPort port, LogLayout layout, int keptEntries) {
    if (keptEntries < 1) {
      throw new IllegalArgumentException("the newest entry is always kept");
    }
    this.port = port;
    this.layout = layout;
    this.keptEntries = keptEntries;
  }

  long firstEntry() {
    return firstEntry;
  }

  Runnable pin() {
    pins++;
    boolean[] over = {false};
    return () -> {
      if (!over[0]) {
        over[0] = true;
        pins--;
        Runnable waiting = pinned;
        if (pins == 0 && waiting != null) {
          pinned = null;
          waiting.run();
        }
      }
    };
  }

  /** Looks for nodes of checkpoints that never came into force; gives the highest number there. */
  void find(@Nullable Manifest inForce, LongConsumer highest) {
    firstEntry = inForce == null ? 1 : inForce.firstEntry();
    TreeSet<Long> needed = nodesOf(inForce);
    port.children(
        layout.checkpoint(),
        names -> {
          ArrayDeque<Long> directories = new ArrayDeque<>();
          for (String name : names) {
            if (name.chars().allMatch(c -> c >= '0' && c <= '9')) {
              directories.add(Long.parseLong(name));
            }
          }
          find(directories, needed, 0, highest);
        });
  }

  private void find(
      ArrayDeque<Long> directories, TreeSet<Long> needed, long highest, LongConsumer found) {
    if (directories.isEmpty()) {
      found.accept(highest);
      return;
    }
    long directory = directories.remove();
    port.children(
        layout.checkpointDirectory(directory * LogLayout.DIRECTORY_ENTRIES),
        names -> {
          long most = highest;
          for (String name : names) {
            long node = Long.parseLong(name);
            most = Math.max(most, node);
            if (!needed.contains(node)) {
              leftovers.add(node);
            }
          }
          if (names.isEmpty()) {
            emptied.add(directory);
          }
          find(directories, needed, most, found);
        });
  }

  /** Deletes what {@code inForce} has made needless. */
  void clean(@Nullable Manifest before, Manifest inForce, Runnable done) {
    if (pins > 0) {
      pinned = () -> clean(before, inForce, done);
      return;
    }
    TreeSet<Long> needed = nodesOf(inForce);
    TreeSet<Long> unneeded = nodesOf(before);
    unneeded.addAll(leftovers);
    unneeded.removeAll(needed);
    leftovers.clear();
    TreeSet<Long> used = new TreeSet<>();
    needed.forEach(node -> used.add(node / LogLayout.DIRECTORY_ENTRIES));
    // New nodes go there.
    used.add(inForce.nextNode() / LogLayout.DIRECTORY_ENTRIES);
    unneeded.forEach(node -> emptied.add(node / LogLayout.DIRECTORY_ENTRIES));
    List<String> paths = new ArrayList<>();
    unneeded.forEach(node -> paths.add(layout.checkpointNode(node)));
    for (Iterator<Long> each = emptied.iterator(); each.hasNext(); ) {
      long directory = each.next();
      if (!used.contains(directory)) {
        paths.add(layout.checkpointDirectory(directory * LogLayout.DIRECTORY_ENTRIES));
        each.remove();
      }
    }
    long last = inForce.index() - keptEntries;
    delete(paths.iterator(), () -> findFirst(last, () -> truncate(last, done)));
  }

  private static TreeSet<Long> nodesOf(@Nullable Manifest manifest) {
    TreeSet<Long> nodes = new TreeSet<>();
    if (manifest != null) {
      for (Manifest.Stored section : manifest.sections()) {
        for (int i = 0; i < section.nodes(); i++) {
          nodes.add(section.firstNode() + i);
        }
      }
    }
    return nodes;
  }

  /** In the order given, which matters. */
  private void delete(Iterator<String> paths, Runnable done) {
    if (!paths.hasNext()) {
      done.run();
      return;
    }
    List<Operation> batch = new ArrayList<>();
    while (batch.size() < BATCH && paths.hasNext()) {
      batch.add(new Operation.Delete(paths.next(), Operation.ANY_VERSION));
    }
    send(batch, () -> delete(paths, done));
  }

  private void send(List<Operation> batch, Runnable done) {
    if (batch.isEmpty()) {
      done.run();
      return;
    }
    port.multi(
        batch,
        result -> {
          switch (result.code()) {
            case OK -> done.run();
            // Deleted before, by an attempt whose end was unknown or in an earlier life; or a
            // directory that is in use again.
            case NO_NODE, NOT_EMPTY -> {
              List<Operation> rest = new ArrayList<>(batch);
              rest.remove(result.failedOperation());
              send(rest, done);
            }
            default ->
                port.fail(
                    "cannot delete "
                        + batch.get(Math.max(0, result.failedOperation())).path()
                        + ": "
                        + result.code());
          }
        });
  }

  // ---- entries

  /** An earlier truncation may have come some way: what is gone is gone from the oldest on. */
  private void findFirst(long last, Runnable found) {
    if (foundFirst || last < firstEntry) {
      found.run();
      return;
    }
    search(firstEntry, last + 1, found);
  }

  /** The first entry that is there is in {@code [low, high]}, and {@code high} is there. */
  private void search(long low, long high, Runnable found) {
    if (low >= high) {
      firstEntry = low;
      foundFirst = true;
      found.run();
      return;
    }
    long middle = low + (high - low) / 2;
    port.get(
        layout.entry(middle),
        (data, version) -> {
          if (data == null) {
            search(middle + 1, high, found);
          } else {
            search(low, middle, found);
          }
        });
  }

  private void truncate(long last, Runnable done) {
    if (firstEntry > last) {
      done.run();
      return;
    }
    List<Operation> batch = new ArrayList<>();
    long index = firstEntry;
    while (index <= last && batch.size() < BATCH) {
      batch.add(new Operation.Delete(layout.entry(index), Operation.ANY_VERSION));
      if ((index + 1) % LogLayout.DIRECTORY_ENTRIES == 0) {
        batch.add(new Operation.Delete(layout.directory(index), Operation.ANY_VERSION));
      }
      index++;
    }
    long next = index;
    send(
        batch,
        () -> {
          firstEntry = next;
          truncate(last, done);
        });
  }
}

package orch.agent.core;

import java.util.ArrayDeque;
import java.util.List;
import java.util.TreeMap;
import orch.api.model.Uid;
import org.jspecify.annotations.Nullable;

/** Attempts whose ends the controller committed. Bounded; the oldest go first. */
final class Tombstones {
  static final int LIMIT = 100_000;
  static final long KEEP_NANOS = 7L * 24 * 3_600 * 1_000_000_000L;

  private final TreeMap<Uid, Buried> byUid = new TreeMap<>();
  private final ArrayDeque<Buried> oldestFirst = new ArrayDeque<>();
  private final int limit;

  Tombstones(int limit, List<Buried> kept) {
    this.limit = limit;
    kept.forEach(this::add);
  }

  void add(Buried buried) {
    if (byUid.put(buried.uid(), buried) == null) {
      oldestFirst.addLast(buried);
    }
    while (oldestFirst.size() > limit) {
      byUid.remove(oldestFirst.removeFirst().uid());
    }
  }

  @Nullable Buried of(Uid uid) {
    return byUid.get(uid);
  }

  int size() {
    return byUid.size();
  }

  void expire(long wallNanos) {
    while (!oldestFirst.isEmpty()
        && wallNanos - oldestFirst.getFirst().buriedWallNanos() > KEEP_NANOS) {
      byUid.remove(oldestFirst.removeFirst().uid());
    }
  }
}

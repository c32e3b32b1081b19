package orch.controller.core;

import java.time.Duration;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Since when nodes are silent and until when they may hold leases, on the boot clock of this
 * leader: the wall clock decides nothing here. Not replicated; a new leader knows nothing and
 * assumes the worst, so each node gets the whole time anew.
 */
final class Silences {
  /**
   * A silent node.
   *
   * @param heardNanos last sign of it
   * @param leaseNanos when this leader granted it a lease last; null: it never did
   */
  private record Silent(long heardNanos, @Nullable Long leaseNanos) {}

  private final TreeMap<Integer, Silent> silent = new TreeMap<>();
  private @Nullable Long beganNanos;
  private long nowNanos;

  /** A leadership begins. */
  void begin() {
    silent.clear();
    beganNanos = null;
  }

  /** Time passes; the first word of it is where the leadership began. */
  void at(long bootNanos) {
    nowNanos = bootNanos;
    if (beganNanos == null) {
      beganNanos = bootNanos;
    }
  }

  void fellSilent(Node node, long heardNanos, @Nullable Long leaseNanos) {
    silent.put(node.number, new Silent(heardNanos, leaseNanos));
  }

  void spoke(Node node) {
    silent.remove(node.number);
  }

  /** For how long the node was not heard, as far as this leader knows. */
  Duration silence(Node node) {
    return beganNanos == null ? Duration.ZERO : Duration.ofNanos(nowNanos - heard(node));
  }

  private long heard(Node node) {
    long began = beganNanos == null ? nowNanos : beganNanos;
    Silent of = silent.get(node.number);
    return of == null ? began : Math.max(began, of.heardNanos());
  }

  /** Whether the node was silent for so long that a task of mode {@code keep} is given up. */
  boolean longerThan(Node node, Duration lostAfter) {
    Duration least = lostAfter.compareTo(LeaseTimes.GRACE) > 0 ? lostAfter : LeaseTimes.GRACE;
    return silence(node).compareTo(least) >= 0;
  }

  /** Whether no lease of the node can keep a task of mode {@code stop} alive any more. */
  boolean leaseOver(Node node, Duration stopAfter, Duration grace) {
    Long began = beganNanos;
    if (began == null || !longerThan(node, LeaseTimes.GRACE)) {
      return false;
    }
    Silent of = silent.get(node.number);
    long last = began + LeaseTimes.PROOF_AGE.toNanos();
    if (of != null && of.leaseNanos() != null) {
      last = Math.max(last, of.leaseNanos());
    }
    Duration rest = stopAfter.plus(grace).plus(LeaseTimes.KILL_MARGIN);
    return Duration.ofNanos(nowNanos - last).compareTo(rest) >= 0;
  }

  /** Whether it fell silent lately. */
  boolean lately(Node node) {
    return silence(node).compareTo(LeaseTimes.AT_ONCE) < 0;
  }
}

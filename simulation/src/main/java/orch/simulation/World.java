package orch.simulation;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.PriorityQueue;
import java.util.SplittableRandom;
import orch.api.seam.Clock;
import orch.api.seam.Randomness;
import orch.api.seam.Timers;

/**
 * A virtual world: time passes from event to event, every choice comes from one seed, and every
 * step goes into a hash, so that two runs of a seed can be compared, in whichever JVM they were
 * made. Single-threaded.
 */
public final class World {
  private static final long FNV_OFFSET = 0xcbf29ce484222325L;
  private static final long FNV_PRIME = 0x100000001b3L;
  private static final long NANOS = 1_000_000_000L;
  private static final Instant START = Instant.parse("2026-01-01T00:00:00Z");

  private final SplittableRandom random;
  private final PriorityQueue<Event> events = new PriorityQueue<>();
  private long nowNanos;
  private long sequence;
  private long steps;
  private long traceHash = FNV_OFFSET;

  private static final class Event implements Comparable<Event>, Timers.Timer {
    final long atNanos;
    final long sequence;
    final String what;
    final Runnable action;
    boolean cancelled;

    Event(long atNanos, long sequence, String what, Runnable action) {
      this.atNanos = atNanos;
      this.sequence = sequence;
      this.what = what;
      this.action = action;
    }

    @Override
    public void cancel() {
      cancelled = true;
    }

    @Override
    public int compareTo(Event other) {
      int byTime = Long.compare(atNanos, other.atNanos);
      return byTime != 0 ? byTime : Long.compare(sequence, other.sequence);
    }

    @Override
    public boolean equals(Object other) {
      return this == other;
    }

    @Override
    public int hashCode() {
      return Long.hashCode(sequence);
    }
  }

  public World(long seed) {
    random = new SplittableRandom(seed);
  }

  /** Runs {@code action} after {@code delay}; {@code what} names it in the trace. */
  public Timers.Timer after(Duration delay, String what, Runnable action) {
    Event event = new Event(nowNanos + delay.toNanos(), sequence++, what, action);
    events.add(event);
    return event;
  }

  /** Runs the next event; false when there is none. */
  public boolean step() {
    while (true) {
      Event next = events.poll();
      if (next == null) {
        return false;
      }
      if (next.cancelled) {
        continue;
      }
      nowNanos = Math.max(nowNanos, next.atNanos);
      steps++;
      record(next.what);
      next.action.run();
      return true;
    }
  }

  /** Adds a fact to the trace: the present time and {@code fact}. */
  public void record(String fact) {
    mix(nowNanos);
    for (byte b : fact.getBytes(StandardCharsets.UTF_8)) {
      traceHash = (traceHash ^ (b & 0xFF)) * FNV_PRIME;
    }
  }

  /** Adds a number to the trace. */
  public void record(String fact, long value) {
    record(fact);
    mix(value);
  }

  /** Hash over everything that was recorded so far. */
  public long traceHash() {
    return traceHash;
  }

  public long steps() {
    return steps;
  }

  /** Nanoseconds since the world began. */
  public long nowNanos() {
    return nowNanos;
  }

  /** True with probability {@code share}. */
  public boolean chance(double share) {
    return random.nextDouble() < share;
  }

  /** A number from 0 to {@code bound}-1. */
  public int below(int bound) {
    return random.nextInt(bound);
  }

  /** A length of time from {@code least} to {@code most}. */
  public Duration between(Duration least, Duration most) {
    return Duration.ofNanos(random.nextLong(least.toNanos(), most.toNanos() + 1));
  }

  /** The clock of a part of this world. */
  public Clock clock() {
    return new Clock() {
      @Override
      public Instant now() {
        return START.plus(Duration.ofNanos(nowNanos));
      }

      @Override
      public long bootNanos() {
        // Not 0, which means "none" in some records.
        return NANOS + nowNanos;
      }
    };
  }

  public Randomness randomness() {
    return random::nextLong;
  }

  private void mix(long value) {
    for (int shift = 0; shift < 64; shift += 8) {
      traceHash = (traceHash ^ ((value >>> shift) & 0xFF)) * FNV_PRIME;
    }
  }
}

package orch.simulation;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.PriorityQueue;
import java.util.SplittableRandom;
import orch.api.seam.Randomness;
import orch.api.seam.Timers;
import org.jspecify.annotations.Nullable;

/**
 * A virtual world: time passes from event to event, every choice comes from one seed, and every
 * step goes into a hash, so that two runs of a seed can be compared, in whichever JVM they were
 * made. Single-threaded.
 */
final class World {
  static final Instant START = Instant.parse("2026-01-01T00:00:00Z");

  private static final long FNV_OFFSET = 0xcbf29ce484222325L;
  private static final long MIX = 0x9e3779b97f4a7c15L;

  private final long seed;
  private final SplittableRandom random;
  private final PriorityQueue<Event> events = new PriorityQueue<>();
  private final @Nullable TraceSink trace;
  private long nowNanos;
  private long sequence;
  private long steps;
  private long traceHash = FNV_OFFSET;
  private @Nullable Violation broken;

  /** Gets every step and fact of a run as a line for people. */
  @FunctionalInterface
  interface TraceSink {
    void line(long nowNanos, long step, String text);
  }

  private static final class Event implements Comparable<Event>, Timers.Timer {
    final long atNanos;
    final long sequence;
    final String who;
    final String what;
    final Runnable action;
    boolean cancelled;

    Event(long atNanos, long sequence, String who, String what, Runnable action) {
      this.atNanos = atNanos;
      this.sequence = sequence;
      this.who = who;
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
    public boolean equals(@Nullable Object other) {
      return this == other;
    }

    @Override
    public int hashCode() {
      return Long.hashCode(sequence);
    }
  }

  /**
   * @param trace null: nobody looks
   */
  World(long seed, @Nullable TraceSink trace) {
    this.seed = seed;
    this.random = new SplittableRandom(seed);
    this.trace = trace;
  }

  long seed() {
    return seed;
  }

  /** Runs {@code action} after {@code delay}; who does what goes into the trace. */
  Timers.Timer after(Duration delay, String who, String what, Runnable action) {
    long nanos = Math.max(0, delay.toNanos());
    Event event = new Event(nowNanos + nanos, sequence++, who, what, action);
    events.add(event);
    return event;
  }

  /** Runs the next event; false when there is none. */
  boolean step() {
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
      mix(nowNanos);
      mix(next.who.hashCode());
      mix(next.what.hashCode());
      if (trace != null) {
        trace.line(nowNanos, steps, next.who + ": " + next.what);
      }
      next.action.run();
      if (broken != null) {
        throw broken;
      }
      return true;
    }
  }

  /** Adds a fact to the trace. */
  void record(String who, String fact) {
    mix(who.hashCode());
    mix(fact.hashCode());
    if (trace != null) {
      trace.line(nowNanos, steps, "    " + who + " " + fact);
    }
  }

  /** Adds a fact with a number to the trace. */
  void record(String who, String fact, long value) {
    mix(who.hashCode());
    mix(fact.hashCode());
    mix(value);
    if (trace != null) {
      trace.line(nowNanos, steps, "    " + who + " " + fact + " " + value);
    }
  }

  /** The run ends after this step: for places whose exceptions others catch. */
  void broken(Violation violation) {
    if (broken == null) {
      broken = violation;
    }
  }

  /** Whether somebody reads the trace: only then is it worth making long texts. */
  boolean traced() {
    return trace != null;
  }

  /** A line for people that is no part of the hash. */
  void comment(String who, String text) {
    if (trace != null) {
      trace.line(nowNanos, steps, "    " + who + " " + text);
    }
  }

  /** Hash over everything that was recorded so far. */
  long traceHash() {
    return traceHash;
  }

  long steps() {
    return steps;
  }

  /** Nanoseconds since the world began. */
  long nowNanos() {
    return nowNanos;
  }

  /** True with probability {@code share}. */
  boolean chance(double share) {
    return random.nextDouble() < share;
  }

  /** A number from 0 to {@code bound}-1. */
  int below(int bound) {
    return random.nextInt(bound);
  }

  /** One of them, each as likely as the others. */
  <T> T pick(List<T> choices) {
    return choices.get(random.nextInt(choices.size()));
  }

  /** A length of time from {@code least} to {@code most}. */
  Duration between(Duration least, Duration most) {
    return Duration.ofNanos(random.nextLong(least.toNanos(), most.toNanos() + 1));
  }

  /** A length of time in milliseconds from {@code least} to {@code most}. */
  Duration millis(long least, long most) {
    return Duration.ofNanos(random.nextLong(least * 1_000_000, most * 1_000_000 + 1));
  }

  Randomness randomness() {
    return random::nextLong;
  }

  private void mix(long value) {
    long mixed = (traceHash ^ value) * MIX;
    traceHash = mixed ^ (mixed >>> 29);
  }
}

package orch.agent.runtime;

import java.time.Duration;
import java.util.TreeSet;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingDeque;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import orch.api.seam.Clock;
import orch.api.seam.Timers;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One thread that runs what it is given, in order, and timers when their time has come. Timers may
 * be set from any thread.
 */
public final class LoopThread implements Executor, Timers, AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(LoopThread.class);
  private static final long NOTHING_DUE_NANOS = TimeUnit.MINUTES.toNanos(1);

  private final Clock clock;
  private final Thread thread;
  private final LinkedBlockingDeque<Runnable> queue = new LinkedBlockingDeque<>();
  private final TreeSet<Alarm> alarms = new TreeSet<>();
  private final AtomicLong sequence = new AtomicLong();
  private final Thread.UncaughtExceptionHandler failed;
  private volatile boolean closed;

  private final class Alarm implements Timer, Comparable<Alarm> {
    final long at;
    final long sequence;
    private volatile @Nullable Runnable action;

    Alarm(long at, long sequence, Runnable action) {
      this.at = at;
      this.sequence = sequence;
      this.action = action;
    }

    @Override
    public void cancel() {
      action = null;
      if (Thread.currentThread() == thread) {
        alarms.remove(this);
      } else {
        execute(() -> alarms.remove(this));
      }
    }

    @Override
    public int compareTo(Alarm other) {
      // Only differences of such times mean something.
      int byTime = Long.signum(at - other.at);
      return byTime != 0 ? byTime : Long.compare(sequence, other.sequence);
    }
  }

  /**
   * Starts the thread.
   *
   * @param failed hears of what a task throws; the loop has a broken invariant then
   */
  public LoopThread(String name, Clock clock, Thread.UncaughtExceptionHandler failed) {
    this.clock = clock;
    this.failed = failed;
    this.thread = Thread.ofPlatform().name(name).unstarted(this::run);
    thread.start();
  }

  @Override
  public void execute(Runnable task) {
    if (!closed) {
      queue.add(task);
    }
  }

  @Override
  public Timer after(Duration delay, Runnable action) {
    Alarm alarm =
        new Alarm(clock.bootNanos() + delay.toNanos(), sequence.incrementAndGet(), action);
    // Through the queue: the thread may be waiting for an alarm that comes later.
    if (Thread.currentThread() == thread) {
      alarms.add(alarm);
    } else {
      execute(() -> alarms.add(alarm));
    }
    return alarm;
  }

  /** Ends the thread after what it is at; nothing that waits is run. */
  @Override
  public void close() {
    closed = true;
    queue.addFirst(() -> {});
    if (Thread.currentThread() == thread) {
      return;
    }
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void run() {
    try {
      while (!closed) {
        Runnable task = queue.poll(untilNextAlarm(), TimeUnit.NANOSECONDS);
        if (task != null && !closed) {
          task.run();
        }
        ring();
      }
    } catch (InterruptedException e) {
      log.debug("the loop was interrupted", e);
    } catch (RuntimeException | Error e) {
      failed.uncaughtException(thread, e);
    }
  }

  private @Nullable Alarm first() {
    return alarms.isEmpty() ? null : alarms.first();
  }

  private long untilNextAlarm() {
    Alarm next = first();
    return next == null ? NOTHING_DUE_NANOS : Math.max(0, next.at - clock.bootNanos());
  }

  private void ring() {
    for (Alarm next = first();
        next != null && !closed && (next.action == null || next.at <= clock.bootNanos());
        next = first()) {
      alarms.remove(next);
      Runnable action = next.action;
      if (action != null) {
        action.run();
      }
    }
  }
}

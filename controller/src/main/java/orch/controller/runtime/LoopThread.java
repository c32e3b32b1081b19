package orch.controller.runtime;

import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import orch.api.seam.Clock;
import orch.api.seam.Timers;

/** The thread that drives the loop in earnest, and the clocks of this machine. */
public final class LoopThread implements Executor, Clock, Timers, AutoCloseable {
  private final LinkedBlockingQueue<Runnable> actions = new LinkedBlockingQueue<>();
  private final ScheduledThreadPoolExecutor timers;
  private final Thread thread;
  private final ControllerLoop.Failure failure;
  private volatile boolean closed;

  /**
   * Starts the thread.
   *
   * @param failure told, on the thread, of whatever an action throws
   */
  public LoopThread(ControllerLoop.Failure failure) {
    this.failure = failure;
    timers =
        new ScheduledThreadPoolExecutor(
            1, Thread.ofPlatform().daemon().name("orch-timers").factory());
    timers.setRemoveOnCancelPolicy(true);
    thread = Thread.ofPlatform().daemon().name("orch-loop").start(this::run);
  }

  @Override
  public void execute(Runnable action) {
    if (!closed) {
      actions.add(action);
    }
  }

  @Override
  public Timer after(Duration delay, Runnable action) {
    AtomicBoolean cancelled = new AtomicBoolean();
    if (closed) {
      return () -> cancelled.set(true);
    }
    // A timer that has fired may wait behind other actions, and be cancelled by one of them.
    ScheduledFuture<?> future =
        timers.schedule(
            () ->
                execute(() -> {
                  if (!cancelled.get()) {
                    action.run();
                  }
                }),
            delay.toNanos(),
            TimeUnit.NANOSECONDS);
    return () -> {
      cancelled.set(true);
      future.cancel(false);
    };
  }

  @Override
  public Instant now() {
    return Instant.now();
  }

  /** CLOCK_MONOTONIC: a controller that slept finds its epoch taken, and need not know how long. */
  @Override
  public long bootNanos() {
    return System.nanoTime();
  }

  /** Runs no more actions; returns when the one that runs has ended, unless called by it. */
  @Override
  public void close() {
    closed = true;
    timers.shutdownNow();
    actions.clear();
    actions.add(() -> {});
    if (Thread.currentThread() != thread) {
      boolean interrupted = false;
      while (true) {
        try {
          thread.join(Duration.ofSeconds(5));
          break;
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private void run() {
    while (!closed) {
      try {
        actions.take().run();
      } catch (InterruptedException e) {
        return;
      } catch (RuntimeException | Error e) {
        failure.stop("an action on the loop failed: " + e.getMessage(), e);
      }
    }
  }
}

package orch.simulation;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Runs many seeds on several threads, one in twenty once more in another JVM. */
final class SeedRunner {
  /** One seed in so many is run again elsewhere. */
  static final int AGAIN = 20;

  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

  private final int threads;
  private final Consumer<String> printer;

  /** What was run. */
  record Summary(
      long seeds,
      long again,
      long steps,
      long revisions,
      long epochs,
      long faults,
      long forks,
      long jobs,
      Duration virtualTime,
      Duration cpuTime,
      Duration realTime) {
    String sentence() {
      return String.format(
          "%d seeds in %.1f s (%.3f s of processor time each), %d of them in a second JVM too:"
              + " %d steps, %d log entries, %d epochs, %d faults, %d processes forked,"
              + " %d jobs, %.1f hours of virtual time",
          seeds,
          realTime.toMillis() / 1e3,
          seeds == 0 ? 0.0 : cpuTime.toMillis() / 1e3 / seeds,
          again,
          steps,
          revisions,
          epochs,
          faults,
          forks,
          jobs,
          virtualTime.toSeconds() / 3_600.0);
    }
  }

  SeedRunner(int threads, Consumer<String> printer) {
    this.threads = threads;
    this.printer = printer;
  }

  /**
   * Runs {@code first}, {@code first + 1} and so on until a limit is reached, or one breaks: then
   * its {@link FailedRun} is thrown.
   *
   * @param most seeds
   * @param longest time
   */
  Summary run(long first, long most, Duration longest) throws IOException, InterruptedException {
    long began = System.nanoTime();
    AtomicLong next = new AtomicLong();
    AtomicReference<@Nullable FailedRun> broken = new AtomicReference<>();
    List<Tally> tallies = new ArrayList<>();
    try (OtherJvm other = new OtherJvm();
        ExecutorService pool = Executors.newFixedThreadPool(threads)) {
      List<Future<?>> runs = new ArrayList<>();
      for (int i = 0; i < threads; i++) {
        Tally tally = new Tally();
        tallies.add(tally);
        runs.add(
            pool.submit(() -> {
              while (broken.get() == null && System.nanoTime() - began < longest.toNanos()) {
                long number = next.getAndIncrement();
                if (number >= most) {
                  return;
                }
                try {
                  run(first + number, number % AGAIN == 0 ? other : null, tally);
                } catch (FailedRun e) {
                  broken.compareAndSet(null, e);
                }
                if (number > 0 && number % 1_000 == 0) {
                  printer.accept(number + " seeds so far");
                }
              }
            }));
      }
      for (Future<?> run : runs) {
        run.get();
      }
    } catch (ExecutionException e) {
      throw new IllegalStateException("a run could not be made", e.getCause());
    }
    FailedRun failure = broken.get();
    if (failure != null) {
      throw failure;
    }
    Tally sum = new Tally();
    tallies.forEach(sum::add);
    return sum.summary(Duration.ofNanos(System.nanoTime() - began));
  }

  private static void run(long seed, @Nullable OtherJvm other, Tally tally) {
    long began = THREADS.getCurrentThreadCpuTime();
    Simulation.Outcome outcome = new Simulation(seed).run();
    tally.add(outcome, THREADS.getCurrentThreadCpuTime() - began);
    if (other != null) {
      try {
        other.compare(outcome);
      } catch (IOException e) {
        throw new UncheckedIOException("the second JVM ended", e);
      }
      tally.again++;
    }
  }

  /** Of one thread. */
  private static final class Tally {
    private long seeds;
    private long again;
    private long steps;
    private long revisions;
    private long epochs;
    private long faults;
    private long forks;
    private long jobs;
    private Duration virtualTime = Duration.ZERO;
    private long nanos;

    void add(Simulation.Outcome of, long ran) {
      seeds++;
      steps += of.steps();
      revisions += of.revisions();
      epochs += of.epochs();
      faults += of.faults();
      forks += of.forks();
      jobs += of.jobs();
      virtualTime = virtualTime.plus(of.virtualTime());
      nanos += ran;
    }

    void add(Tally of) {
      seeds += of.seeds;
      again += of.again;
      steps += of.steps;
      revisions += of.revisions;
      epochs += of.epochs;
      faults += of.faults;
      forks += of.forks;
      jobs += of.jobs;
      virtualTime = virtualTime.plus(of.virtualTime);
      nanos += of.nanos;
    }

    Summary summary(Duration real) {
      return new Summary(
          seeds,
          again,
          steps,
          revisions,
          epochs,
          faults,
          forks,
          jobs,
          virtualTime,
          Duration.ofNanos(nanos),
          real);
    }
  }
}

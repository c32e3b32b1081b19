package orch.dev;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A daemon in a process and a session of its own (so that a Ctrl-C on the terminal does not reach
 * it), its output prefixed with its name, started again when it dies.
 */
final class Child {
  private static final Duration RESTART_DELAY = Duration.ofSeconds(1);

  private final String name;
  private final List<String> command;
  private final PrintStream out;
  private final CountDownLatch ready = new CountDownLatch(1);
  private final CountDownLatch ended = new CountDownLatch(1);
  private volatile boolean stopping;
  private volatile @Nullable Process process;
  private volatile String failure = "";

  Child(String name, List<String> command, PrintStream out) {
    this.name = name;
    this.command = List.copyOf(command);
    this.out = out;
  }

  void start() {
    Thread.ofPlatform().name(name).daemon().start(this::guard);
  }

  /**
   * Waits until the daemon has said that it is ready; false when it ended first or took too long.
   */
  boolean awaitReady(Duration limit) throws InterruptedException {
    long deadline = System.nanoTime() + limit.toNanos();
    while (System.nanoTime() < deadline) {
      if (ready.await(20, TimeUnit.MILLISECONDS)) {
        return true;
      }
      if (ended.getCount() == 0) {
        return false;
      }
    }
    failure = "it was not ready after " + limit.toSeconds() + " s";
    return false;
  }

  /** Why it did not become ready. */
  String failure() {
    return failure;
  }

  /** Asks the daemon to end (SIGTERM), kills it when it takes longer than {@code limit}. */
  void stop(Duration limit) throws InterruptedException {
    stopping = true;
    Process running = process;
    if (running == null) {
      return;
    }
    running.destroy();
    if (!running.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
      running.destroyForcibly().waitFor();
    }
  }

  private void guard() {
    try {
      while (!stopping) {
        int code = run();
        if (stopping) {
          return;
        }
        if (ready.getCount() > 0) {
          failure = "it ended with code " + code;
          return;
        }
        out.println(name + " | ended with code " + code + "; starting it again");
        Thread.sleep(RESTART_DELAY.toMillis());
      }
    } catch (IOException e) {
      failure = String.valueOf(e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      ended.countDown();
    }
  }

  private int run() throws IOException, InterruptedException {
    List<String> inOwnSession = new ArrayList<>(List.of("setsid"));
    inOwnSession.addAll(command);
    Process started = new ProcessBuilder(inOwnSession).redirectErrorStream(true).start();
    process = started;
    started.getOutputStream().close();
    try (BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(started.getInputStream(), StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (line.startsWith("ready")) {
          ready.countDown();
        }
        out.println(name + " | " + line);
      }
    }
    return started.waitFor();
  }
}

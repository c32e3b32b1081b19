package orch.systemtests;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** A controller or an agent of the distribution in a process of its own. */
public final class Daemon {
  private static final Duration READY_LIMIT = Duration.ofSeconds(60);

  private final String name;
  private final Process process;
  private final CountDownLatch ready = new CountDownLatch(1);
  private final CountDownLatch ended = new CountDownLatch(1);
  private final List<String> output = new ArrayList<>();

  private Daemon(String name, Process process) {
    this.name = name;
    this.process = process;
  }

  /** Starts it and waits for its ready line; throws with its output when it ends before. */
  public static Daemon start(String name, List<String> command)
      throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    process.getOutputStream().close();
    Daemon daemon = new Daemon(name, process);
    Thread.ofPlatform().daemon().name(name).start(daemon::pump);
    long deadline = System.nanoTime() + READY_LIMIT.toNanos();
    while (!daemon.ready.await(20, TimeUnit.MILLISECONDS)) {
      if (daemon.ended.getCount() == 0 || System.nanoTime() > deadline) {
        process.destroyForcibly();
        throw new IOException(name + " did not become ready:\n" + daemon.output());
      }
    }
    return daemon;
  }

  public long pid() {
    return process.pid();
  }

  /** What it printed so far, both streams. */
  public String output() {
    synchronized (output) {
      return String.join("\n", output);
    }
  }

  /** SIGKILL; returns when it is dead. */
  public void kill() throws InterruptedException {
    process.destroyForcibly();
    process.waitFor();
  }

  /** SIGTERM; returns its exit code, throws when it does not end in 20 s. */
  public int terminate() throws InterruptedException {
    process.destroy();
    if (!process.waitFor(20, TimeUnit.SECONDS)) {
      process.destroyForcibly().waitFor();
      throw new IllegalStateException(name + " did not end on SIGTERM:\n" + output());
    }
    return process.exitValue();
  }

  public boolean alive() {
    return process.isAlive();
  }

  private void pump() {
    try (BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        synchronized (output) {
          output.add(line);
        }
        if (line.startsWith("ready")) {
          ready.countDown();
        }
      }
    } catch (IOException e) {
      synchronized (output) {
        output.add("(output broke off: " + e.getMessage() + ")");
      }
    } finally {
      ended.countDown();
    }
  }
}

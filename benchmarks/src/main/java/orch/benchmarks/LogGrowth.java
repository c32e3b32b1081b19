package orch.benchmarks;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import orch.benchmarks.http.ApiCalls;
import orch.systemtests.Cluster;
import orch.systemtests.CommandResult;
import orch.systemtests.Shell;

/**
 * What a long log costs while the state stays as it is: heap after a full collection of the
 * controller and the ZooKeeper in it, and ZooKeeper's files, over so many entries. Both have to
 * stay below a bound, as checkpoints cut the log.
 */
final class LogGrowth {
  private static final int CALLERS = 8;
  private static final int STEPS = 10;
  private static final Pattern LIVE = Pattern.compile("(?m)^Total +\\d+ +(\\d+)");

  private LogGrowth() {}

  static void measure(Cluster cluster, ApiCalls api, long entries)
      throws IOException, InterruptedException {
    System.out.printf(
        "controller with its embedded ZooKeeper over %,d entries of the log%n", entries);
    long first = api.revision();
    long begin = System.nanoTime();
    try (ExecutorService callers = Executors.newFixedThreadPool(CALLERS)) {
      print(cluster, 0, 0);
      for (int step = 1; step <= STEPS; step++) {
        long until = first + entries * step / STEPS;
        while (api.revision() < until) {
          round(api, cluster.node(), callers, until - api.revision());
        }
        print(cluster, api.revision() - first, System.nanoTime() - begin);
      }
    }
  }

  /** Changes of one node, which alter nothing for long. */
  private static void round(ApiCalls api, String node, ExecutorService callers, long missing)
      throws IOException, InterruptedException {
    List<Future<?>> calls = new ArrayList<>();
    for (int caller = 0; caller < CALLERS; caller++) {
      boolean first = caller % 2 == 0;
      long each = Math.clamp(missing / CALLERS, 1, 1_000);
      calls.add(
          callers.submit(() -> {
            for (long i = 0; i < each; i++) {
              api.cordon(node, first == (i % 2 == 0));
            }
            return null;
          }));
    }
    try {
      for (Future<?> call : calls) {
        call.get();
      }
    } catch (ExecutionException e) {
      throw new IOException("a call failed", e);
    }
  }

  private static void print(Cluster cluster, long entries, long nanos)
      throws IOException, InterruptedException {
    System.out.printf(
        Locale.ROOT,
        "  %,9d entries, %4d s: heap %.1f MB live, ZooKeeper's files %.1f MB%n",
        entries,
        nanos / 1_000_000_000,
        live(cluster.controller().pid()) / 1e6,
        bytes(cluster.controllerData().resolve("zookeeper")) / 1e6);
  }

  /** Bytes of living objects; counting them collects the others first. */
  private static long live(long pid) throws IOException, InterruptedException {
    CommandResult result =
        Shell.run(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "jcmd").toString(),
                Long.toString(pid),
                "GC.class_histogram"),
            Map.of(),
            Path.of("."),
            new byte[0]);
    Matcher total = LIVE.matcher(result.text());
    if (!total.find()) {
      throw new IOException("jcmd: " + result);
    }
    return Long.parseLong(total.group(1));
  }

  private static long bytes(Path directory) throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      return files.filter(Files::isRegularFile).mapToLong(LogGrowth::size).sum();
    }
  }

  private static long size(Path file) {
    try {
      return Files.size(file);
    } catch (NoSuchFileException e) {
      // Just purged.
      return 0;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}

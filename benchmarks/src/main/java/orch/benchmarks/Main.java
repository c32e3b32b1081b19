package orch.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import orch.benchmarks.http.ApiCalls;
import orch.benchmarks.http.Throughput;
import orch.systemtests.Cluster;
import orch.systemtests.CommandResult;
import orch.systemtests.Shell;

/**
 * Every figure of the project in one run, as ratios to something bare that is measured in the same
 * run. {@code benchmarks/run} starts it; {@code benchmarks/run log} measures a long log instead.
 */
public final class Main {
  private static final int ROUNDS = 3;
  private static final int STARTS = 15;

  private Main() {}

  public static void main(String[] arguments) throws IOException, InterruptedException {
    if (arguments.length > 0 && arguments[0].equals("log")) {
      long entries = arguments.length > 1 ? Long.parseLong(arguments[1]) : 100_000;
      try (Cluster cluster = Cluster.start();
          ApiCalls api = new ApiCalls(cluster.address())) {
        LogGrowth.measure(cluster, api, entries);
      }
      return;
    }
    int count = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 10_000;
    Path natives = Path.of(System.getProperty("orch.benchmarks.native", "target/native"));
    try (Cluster cluster = Cluster.start();
        ApiCalls api = new ApiCalls(cluster.address())) {
      throughput(api, natives, count);
      startUp(cluster);
    }
  }

  private static void throughput(ApiCalls api, Path natives, int count)
      throws IOException, InterruptedException {
    System.out.printf(
        "array of %d x /bin/true, from submit to the last durable result, against a bare"
            + " posix_spawn+wait loop on all processors%n",
        count);
    Throughput.measure(api, Math.min(count, 2_000), List.of("/bin/true"));
    List<Double> ratios = new ArrayList<>();
    Throughput.Figures last = null;
    for (int round = 1; round <= ROUNDS; round++) {
      double bare = bare(natives, 4_000);
      last = Throughput.measure(api, count, List.of("/bin/true"));
      double after = bare(natives, 4_000);
      double ratio = last.tasksPerSecond() / ((bare + after) / 2);
      ratios.add(ratio);
      System.out.printf(
          Locale.ROOT,
          "  round %d: bare %.0f/s and %.0f/s, orch %.0f/s, ratio %.2f%n",
          round,
          bare,
          after,
          last.tasksPerSecond(),
          ratio);
    }
    System.out.printf(Locale.ROOT, "  ratio, median: %.2f%n", median(ratios));
    if (last != null) {
      last.stages().forEach(System.out::println);
    }
  }

  private static double bare(Path natives, int runs) throws IOException, InterruptedException {
    CommandResult result =
        Shell.run(
            List.of(natives.resolve("bare-loop").toString(), Integer.toString(runs)),
            Map.of(),
            Path.of("."),
            new byte[0]);
    return Double.parseDouble(result.text().substring(0, result.text().indexOf(' ')));
  }

  /** orchctl against a bare JVM hello of the same runtime, in turn. */
  private static void startUp(Cluster cluster) throws IOException, InterruptedException {
    Path directory = Files.createTempDirectory("orch-benchmark-");
    Path source = directory.resolve("Hello.java");
    Path javaHome = Path.of(System.getProperty("java.home"));
    try {
      Files.writeString(
          source,
          "class Hello { public static void main(String[] a) { System.out.println(\"hello\"); } }");
      Shell.run(
          List.of(javaHome.resolve("bin/javac").toString(), source.toString()),
          Map.of(),
          directory,
          new byte[0]);
      List<String> hello =
          List.of(
              javaHome.resolve("bin/java").toString(),
              "-XX:+UseSerialGC",
              "-XX:TieredStopAtLevel=1",
              "-XX:+UseCompactObjectHeaders",
              "-cp",
              directory.toString(),
              "Hello");
      System.out.println("start-up against a bare JVM hello of the same runtime");
      compare(cluster, "orchctl version", hello, cluster.orchctlCommand("version"));
      compare(cluster, "orchctl job list", hello, cluster.orchctlCommand("job", "list"));
      compare(cluster, "orchctl run -- true", hello, cluster.orchctlCommand("run", "--", "true"));
    } finally {
      Files.deleteIfExists(source);
      Files.deleteIfExists(directory.resolve("Hello.class"));
      Files.delete(directory);
    }
  }

  private static void compare(Cluster cluster, String name, List<String> bare, List<String> command)
      throws IOException, InterruptedException {
    double[] bareMillis = new double[STARTS];
    double[] millis = new double[STARTS];
    for (int i = -2; i < STARTS; i++) {
      double first = time(cluster, bare);
      double second = time(cluster, command);
      if (i >= 0) {
        bareMillis[i] = first;
        millis[i] = second;
      }
    }
    Arrays.sort(bareMillis);
    Arrays.sort(millis);
    System.out.printf(
        Locale.ROOT,
        "  %-20s %4.0f ms, hello %3.0f ms, ratio of the medians %.2f%n",
        name,
        millis[STARTS / 2],
        bareMillis[STARTS / 2],
        millis[STARTS / 2] / bareMillis[STARTS / 2]);
  }

  private static double time(Cluster cluster, List<String> command)
      throws IOException, InterruptedException {
    long begin = System.nanoTime();
    CommandResult result =
        Shell.run(command, cluster.environment(), cluster.directory(), new byte[0]);
    double millis = (System.nanoTime() - begin) / 1e6;
    if (result.code() != 0) {
      throw new IOException(command + ": " + result);
    }
    return millis;
  }

  private static double median(List<Double> values) {
    return values.stream().sorted().toList().get(values.size() / 2);
  }
}

package orch.simulation;

import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;

/**
 * A second JVM that runs seeds again, to see whether they give the same trace there: the order of
 * hash tables and of whatever else changes with every start of a JVM must not matter.
 */
final class OtherJvm implements AutoCloseable {
  private static final String MAIN = OtherJvm.class.getPackageName() + ".SimulationMain";

  private final Process process;
  private final BufferedWriter seeds;
  private final BufferedReader hashes;

  OtherJvm() throws IOException {
    process =
        new ProcessBuilder(
                List.of(
                    Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "-XX:+UseSerialGC",
                    // It runs too few seeds to earn back what the optimizing compiler costs.
                    "-XX:TieredStopAtLevel=1",
                    "-Xmx512m",
                    "-cp",
                    System.getProperty("java.class.path"),
                    MAIN,
                    "--again"))
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    seeds = process.outputWriter(StandardCharsets.UTF_8);
    hashes = process.inputReader(StandardCharsets.UTF_8);
  }

  /** Runs a seed there, and compares. */
  synchronized void compare(Simulation.Outcome here) throws IOException {
    seeds.write(here.seed() + "\n");
    seeds.flush();
    String there = hashes.readLine();
    String expected = line(here);
    if (!expected.equals(there)) {
      throw new FailedRun(
          here.seed(),
          here.steps(),
          here.virtualTime().toNanos(),
          new Violation(0, "another JVM runs it otherwise: " + there + " and not " + expected));
    }
  }

  private static String line(Simulation.Outcome outcome) {
    return outcome.steps() + " " + Long.toHexString(outcome.traceHash());
  }

  /** What the other JVM does: for each seed that it reads, a line. */
  static void serve() throws IOException {
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    BufferedWriter out =
        new BufferedWriter(new OutputStreamWriter(System.out, StandardCharsets.UTF_8));
    for (String seed = in.readLine(); seed != null; seed = in.readLine()) {
      String line;
      try {
        line = line(new Simulation(Long.parseLong(seed)).run());
      } catch (FailedRun e) {
        line = String.valueOf(e.getMessage()).replace('\n', ' ');
      }
      out.write(line + "\n");
      out.flush();
    }
  }

  @Override
  public void close() throws IOException {
    seeds.close();
    process.destroy();
  }
}

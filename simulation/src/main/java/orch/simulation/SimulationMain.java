package orch.simulation;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import java.io.PrintStream;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;

/** Runs seeds from a command line; {@link #USAGE} says how. */
public final class SimulationMain {
  private static final String USAGE =
      """
      usage: run [--seeds N | --minutes M] [--seed FIRST] [--threads T]
             run --seed S --trace        shows one run, event by event

      Runs a simulated cluster under faults for each seed and holds all invariants against it; see
      docs/simulation.md. Without --seed the first seed is a fresh one, and is printed. Ends with 1
      when a seed breaks, having said which, why, and how to see it again.
      """;

  private long seeds = 1_000;
  private Duration longest = Duration.ofDays(1);
  private @Nullable Long first;
  private int threads = Runtime.getRuntime().availableProcessors();
  private boolean trace;

  private SimulationMain() {}

  public static void main(String[] arguments) throws Exception {
    silence();
    if (Arrays.asList(arguments).contains("--again")) {
      OtherJvm.serve();
      return;
    }
    SimulationMain main = new SimulationMain();
    try {
      main.parse(new ArrayDeque<>(Arrays.asList(arguments)));
    } catch (IllegalArgumentException e) {
      System.err.println(e.getMessage());
      System.err.print(USAGE);
      System.exit(2);
    }
    System.exit(main.run(System.out));
  }

  /** What controllers and agents log would cost more than the rest. */
  static void silence() {
    ((Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME)).setLevel(Level.OFF);
  }

  private void parse(ArrayDeque<String> arguments) {
    while (!arguments.isEmpty()) {
      String flag = arguments.remove();
      switch (flag) {
        case "--seeds" -> seeds = number(flag, arguments);
        case "--minutes" -> {
          longest = Duration.ofMinutes(number(flag, arguments));
          seeds = Long.MAX_VALUE;
        }
        case "--seed" -> first = number(flag, arguments);
        case "--threads" -> threads = (int) number(flag, arguments);
        case "--trace" -> trace = true;
        default -> throw new IllegalArgumentException("unknown argument " + flag);
      }
    }
    if (trace && first == null) {
      throw new IllegalArgumentException("--trace shows one run: say which by --seed");
    }
  }

  private static long number(String flag, ArrayDeque<String> arguments) {
    String value = arguments.poll();
    try {
      return Long.parseLong(String.valueOf(value));
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(flag + " needs a number, not " + value, e);
    }
  }

  private int run(PrintStream out) throws Exception {
    long from = first == null ? ThreadLocalRandom.current().nextLong(1L << 48) : first;
    try {
      if (trace) {
        World.TraceSink lines =
            (now, step, text) -> out.printf("%12.6f %7d  %s%n", now / 1e9, step, text);
        out.println(new Simulation(from, PlantedBugs.NONE, lines).run());
        return 0;
      }
      long most = first != null && seeds == 1_000 ? 1 : seeds;
      out.println("first seed " + from);
      out.println(new SeedRunner(threads, out::println).run(from, most, longest).sentence());
      return 0;
    } catch (FailedRun e) {
      e.printStackTrace(out);
      return 1;
    }
  }
}

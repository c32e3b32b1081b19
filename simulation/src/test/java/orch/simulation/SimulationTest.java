package orch.simulation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * The same seeds at each run, so that a build does not depend on luck, and fresh ones in a soak:
 * what fails prints its seed, and runs the same way again.
 */
class SimulationTest {
  private static final int SOAK_SEEDS = 10_000;

  private static final int SEEDS = 73;
  private static final Duration LIMIT = Duration.ofHours(10);

  @BeforeAll
  static void silence() {
    SimulationMain.silence();
  }

  @Test
  void everyInvariantHoldsUnderFaults() throws Exception {
    boolean soak = Boolean.getBoolean("soak");
    long first = soak ? ThreadLocalRandom.current().nextLong(1L << 48) : 1;
    System.out.println("simulation: seeds from " + first + " on");
    SeedRunner runner =
        new SeedRunner(Runtime.getRuntime().availableProcessors(), System.out::println);
    SeedRunner.Summary summary = runner.run(first, soak ? SOAK_SEEDS : SEEDS, LIMIT);
    System.out.println("simulation: " + summary.sentence());
    assertTrue(summary.again() > 0, "no seed was run in a second JVM");
  }

  @Test
  void aSeedIsReplayedEventByEvent() {
    List<String> first = trace(42);
    assertTrue(first.size() > 1_000, first.size() + " lines");
    assertEquals(first, trace(42));
  }

  @Test
  void anotherSeedGivesAnotherTrace() {
    assertNotEquals(new Simulation(1).run().traceHash(), new Simulation(2).run().traceHash());
  }

  private static List<String> trace(long seed) {
    List<String> lines = new ArrayList<>();
    new Simulation(seed, PlantedBugs.NONE, (now, step, text) -> lines.add(now + " " + text)).run();
    return lines;
  }
}

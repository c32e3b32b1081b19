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

/** Fresh seeds at each run: what fails prints its seed, and runs the same way again. */
class SimulationTest {
  private static final int SOAK_SEEDS = 10_000;

  /** Seconds for fresh seeds; {@code -Dsoak=true} runs {@value #SOAK_SEEDS} seeds instead. */
  private static final int SECONDS = Integer.getInteger("simulation.seconds", 60);

  @BeforeAll
  static void silence() {
    SimulationMain.silence();
  }

  @Test
  void everyInvariantHoldsUnderFaultsForFreshSeeds() throws Exception {
    boolean soak = Boolean.getBoolean("soak");
    long first = ThreadLocalRandom.current().nextLong(1L << 48);
    System.out.println("simulation: seeds from " + first + " on");
    SeedRunner runner =
        new SeedRunner(Runtime.getRuntime().availableProcessors(), System.out::println);
    SeedRunner.Summary summary =
        soak
            ? runner.run(first, SOAK_SEEDS, Duration.ofHours(10))
            : runner.run(first, Long.MAX_VALUE, Duration.ofSeconds(SECONDS));
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

package orch.simulation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * The same seeds at each run of a commit, so that a build does not depend on luck: some for ever,
 * and fresh ones for each commit, which {@code ./verify} counts from the commit's id. Fresh ones of
 * each run in a soak. What fails prints its seed, and runs the same way again.
 */
class SimulationTest {
  private static final int SOAK_SEEDS = 10_000;
  private static final int COMMIT_SEEDS = 1_000;
  private static final int SEEDS = 73;
  private static final Duration SOAK_LIMIT = Duration.ofHours(10);
  private static final Duration LIMIT = Duration.ofMinutes(3);

  @BeforeAll
  static void silence() {
    SimulationMain.silence();
  }

  @Test
  void everyInvariantHoldsUnderFaults() throws Exception {
    run(1, SEEDS, LIMIT);
  }

  @Test
  void everyInvariantHoldsUnderTheSeedsOfThisCommit() throws Exception {
    Long first = Long.getLong("simulation.first");
    assumeTrue(first != null, "no -Dsimulation.first, which ./verify gives");
    run(first, COMMIT_SEEDS, LIMIT);
  }

  @Test
  void everyInvariantHoldsUnderFreshSeeds() throws Exception {
    assumeTrue(Boolean.getBoolean("soak"), "only in a soak: it takes long");
    run(ThreadLocalRandom.current().nextLong(1L << 48), SOAK_SEEDS, SOAK_LIMIT);
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

  private static void run(long first, int seeds, Duration limit) throws Exception {
    System.out.println("simulation: seeds from " + first + " on");
    SeedRunner runner =
        new SeedRunner(Runtime.getRuntime().availableProcessors(), System.out::println);
    SeedRunner.Summary summary = runner.run(first, seeds, limit);
    System.out.println("simulation: " + summary.sentence());
    assertTrue(summary.again() > 0, "no seed was run in a second JVM");
  }

  private static List<String> trace(long seed) {
    List<String> lines = new ArrayList<>();
    new Simulation(seed, PlantedBugs.NONE, (now, step, text) -> lines.add(now + " " + text)).run();
    return lines;
  }
}

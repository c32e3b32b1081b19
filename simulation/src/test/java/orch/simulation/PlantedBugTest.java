package orch.simulation;

import static org.junit.jupiter.api.Assertions.fail;

import java.util.concurrent.ThreadLocalRandom;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Whether the simulator finds bugs: each one that was planted, and how many seeds it takes. A build
 * tries the same seeds each time, a soak fresh ones.
 */
class PlantedBugTest {
  private static final int MOST_SEEDS = 300;

  @BeforeAll
  static void silence() {
    SimulationMain.silence();
  }

  @ParameterizedTest
  @EnumSource
  void thePlantedBugIsFound(PlantedBug bug) {
    long first = Boolean.getBoolean("soak") ? ThreadLocalRandom.current().nextLong(1L << 48) : 1;
    for (int i = 0; i < MOST_SEEDS; i++) {
      try {
        new Simulation(first + i, bug.plant(), null).run();
      } catch (FailedRun found) {
        // The same seed without the bug is sound: it is the bug that was found.
        new Simulation(first + i).run();
        System.out.printf(
            "simulation: %-30s found after %d seeds: %s%n",
            bug, i + 1, brief(String.valueOf(found.getCause().getMessage())));
        return;
      }
    }
    fail(bug + " was not found by " + MOST_SEEDS + " seeds from " + first + " on");
  }

  private static String brief(String text) {
    return text.length() > 140 ? text.substring(0, 140) + "…" : text;
  }
}

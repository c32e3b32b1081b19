package orch.simulation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class SimulationTest {
  @Test
  void jobsRunUnderFaultsAndNoAttemptForksTwice() {
    for (int i = 0; i < 20; i++) {
      long seed = System.nanoTime();
      try {
        Simulation simulation = new Simulation(seed);
        simulation.run(10_000);
        assertTrue(simulation.forks() > 10, "seed " + seed + ": " + simulation.forks() + " forks");
      } catch (RuntimeException e) {
        throw new AssertionError("seed " + seed + ": " + e.getMessage(), e);
      }
    }
  }

  @Test
  void sameSeedGivesTheSameTraceInTwoJvms() throws Exception {
    String seed = Long.toString(System.nanoTime());
    String first = run(seed);
    assertTrue(first.matches("seed \\d+: \\d+ forks, trace [0-9a-f]{16}"), first);
    assertEquals(first, run(seed));
  }

  @Test
  void anotherSeedGivesAnotherTrace() {
    Simulation one = new Simulation(1);
    one.run(1_000);
    Simulation two = new Simulation(2);
    two.run(1_000);
    assertTrue(one.traceHash() != two.traceHash());
  }

  private static String run(String seed) throws Exception {
    Process process =
        new ProcessBuilder(
                List.of(
                    Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "-XX:TieredStopAtLevel=1",
                    "-cp",
                    System.getProperty("java.class.path"),
                    SimulationMain.class.getName(),
                    seed,
                    "1000"))
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), "seed " + seed + ": " + output);
    // The loops log before it.
    return output.lines().toList().getLast();
  }
}

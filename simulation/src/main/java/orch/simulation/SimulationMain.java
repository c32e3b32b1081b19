package orch.simulation;

/** Runs one seed and prints its trace hash: {@code SimulationMain SEED STEPS}. */
public final class SimulationMain {
  private SimulationMain() {}

  public static void main(String[] arguments) {
    long seed = Long.parseLong(arguments[0]);
    Simulation simulation = new Simulation(seed);
    simulation.run(Long.parseLong(arguments[1]));
    System.out.printf(
        "seed %d: %d forks, trace %016x%n", seed, simulation.forks(), simulation.traceHash());
  }
}

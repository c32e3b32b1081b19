package orch.api.seam;

/** Seeded in the simulation, unpredictable elsewhere. */
@FunctionalInterface
public interface Randomness {
  /** Any 64 bits with equal probability. */
  long nextLong();
}

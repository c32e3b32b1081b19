package orch.api.model;

/** io.weight (1-10000) and io.max of a task; 0: no limit. */
public record IoLimits(
    int weight,
    long readBytesPerSecond,
    long writeBytesPerSecond,
    long readOperationsPerSecond,
    long writeOperationsPerSecond) {
  public static final IoLimits NONE = new IoLimits(100, 0, 0, 0, 0);
}

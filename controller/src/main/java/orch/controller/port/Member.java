package orch.controller.port;

/**
 * A controller that is alive.
 *
 * @param leader whether it led when it last said so; of several, the one with the highest epoch
 *     does
 * @param epoch of its newest leadership, else of the newest that it saw
 * @param appliedRevision when it last said so
 * @param httpAddress {@code host:port} for clients
 * @param grpcAddress {@code host:port} for programs and agents
 * @param maxFormatLevel newest format of the log that it reads
 */
public record Member(
    String name,
    boolean leader,
    long epoch,
    long appliedRevision,
    String httpAddress,
    String grpcAddress,
    String version,
    int maxFormatLevel) {}

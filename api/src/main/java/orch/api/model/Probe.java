package orch.api.model;

import java.util.List;

/** One way to ask a task for its health. */
public sealed interface Probe {
  /** GET that answers 200 to 399. */
  record Http(String port, String path) implements Probe {}

  /** A connection that opens. */
  record Tcp(String port) implements Probe {}

  /** grpc.health.v1 that answers SERVING. */
  record Grpc(String port, String service) implements Probe {}

  /** A command that exits 0. */
  record Exec(List<String> command) implements Probe {
    public Exec {
      command = List.copyOf(command);
    }
  }

  /** READY=1 (sd_notify). */
  record Notify() implements Probe {}
}

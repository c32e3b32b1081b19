package orch.api.model;

import java.util.List;

/**
 * Paths beneath which a task may act; all others are closed to it.
 *
 * @param read absolute paths: read, list and execute
 * @param write absolute paths: read, list, execute, write, make and remove
 */
public record FileAccess(List<String> read, List<String> write) {
  public FileAccess {
    read = List.copyOf(read);
    write = List.copyOf(write);
  }
}

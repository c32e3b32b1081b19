package orch.agent.pressure;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import orch.agent.linux.Linux;
import orch.api.model.Uid;
import org.jspecify.annotations.Nullable;

/**
 * A FIFO for each task that is to be told of memory pressure without a signal, by the protocol that
 * systemd has for it: MEMORY_PRESSURE_WATCH names it, whatever can be read from it means pressure.
 */
public final class PressureFifos {
  private final Linux linux;
  private final Path directory;

  /** Makes the directory; others may pass through it. */
  public PressureFifos(Linux linux, Path directory) throws IOException {
    this.linux = linux;
    this.directory = directory;
    Files.createDirectories(directory);
    Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwx--x--x"));
  }

  /** Makes one; {@code owner} user and group that may read, null: the agent's own. */
  public String make(Uid uid, int @Nullable [] owner) throws IOException {
    String path = path(uid).toString();
    Files.deleteIfExists(path(uid));
    linux.makeFifo(path);
    if (owner != null) {
      linux.changeOwner(path, owner[0], owner[1]);
    }
    return path;
  }

  Path path(Uid uid) {
    return directory.resolve(uid.toString());
  }

  /** Its task has ended. */
  public void remove(Uid uid) throws IOException {
    Files.deleteIfExists(path(uid));
  }
}

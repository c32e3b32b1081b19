package orch.systemtests;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The launchers and shims of an agent as their tables show them (docs/launcher-protocol.md, "Shim
 * table").
 */
public final class Guards {
  private static final int HEAD = 128;
  private static final int SLOT = 512;
  private static final int IDLE = 1;
  private static final int RETIRED = 6;

  private final Path run;

  private Guards(Path run) {
    this.run = run;
  }

  /**
   * One shim.
   *
   * @param task pid of the leader of what it guards; 0: none
   */
  public record Shim(long pid, boolean busy, long task) {}

  /** Those of the agent whose data directory it is. */
  public static Guards of(Path agentData) throws IOException {
    Path remembered = agentData.resolve("run-directory");
    return new Guards(Path.of(Files.readString(remembered, StandardCharsets.UTF_8).strip()));
  }

  public Path run() {
    return run;
  }

  /** Pids of living launchers: one, or for a moment none after its death. */
  public List<Long> launchers() throws IOException {
    List<Long> pids = new ArrayList<>();
    for (ByteBuffer table : tables()) {
      long pid = table.getInt(16);
      if (mine(pid)) {
        pids.add(pid);
      }
    }
    return pids;
  }

  /** The living shims of all generations. */
  public List<Shim> shims() throws IOException {
    List<Shim> shims = new ArrayList<>();
    for (ByteBuffer table : tables()) {
      for (int at = HEAD; at + SLOT <= table.limit(); at += SLOT) {
        int state = table.getInt(at);
        long pid = table.getInt(at + 4);
        if (state >= IDLE && state < RETIRED && mine(pid)) {
          shims.add(new Shim(pid, state > IDLE, state > IDLE ? table.getInt(at + 40) : 0));
        }
      }
    }
    return shims;
  }

  /** Whether a process is a launcher or a shim of this run directory, and no stranger's. */
  private boolean mine(long pid) {
    try {
      return pid > 0
          && new String(
                  Files.readAllBytes(Path.of("/proc", Long.toString(pid), "cmdline")),
                  StandardCharsets.UTF_8)
              .contains("\0" + run + "\0");
    } catch (IOException gone) {
      return false;
    }
  }

  private List<ByteBuffer> tables() throws IOException {
    List<ByteBuffer> tables = new ArrayList<>();
    if (!Files.isDirectory(run)) {
      return tables;
    }
    try (DirectoryStream<Path> generations = Files.newDirectoryStream(run, "g*")) {
      for (Path generation : generations) {
        try {
          byte[] bytes = Files.readAllBytes(generation.resolve("table"));
          if (bytes.length >= HEAD) {
            tables.add(ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN));
          }
        } catch (IOException gone) {
          // A launcher that is just being cleared away.
        }
      }
    }
    return tables;
  }
}

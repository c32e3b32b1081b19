package orch.agent.host;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.UUID;

/**
 * Who this node is: a random uid, kept in the agent's data directory and bound to the machine id,
 * so that a data directory copied to another machine (a cloned image) makes another node.
 */
public record NodeIdentity(String uid, String machineId, String bootId) {
  private static final Path BOOT_ID = Path.of("/proc/sys/kernel/random/boot_id");
  private static final List<Path> MACHINE_IDS =
      List.of(Path.of("/etc/machine-id"), Path.of("/var/lib/dbus/machine-id"));

  /** Reads the identity, or makes one at the first start. */
  public static NodeIdentity of(Path dataDirectory) throws IOException {
    String machine = readMachineId();
    String boot = Files.readString(BOOT_ID, StandardCharsets.US_ASCII).strip();
    Path file = dataDirectory.resolve("node");
    if (Files.exists(file)) {
      List<String> lines = Files.readAllLines(file, StandardCharsets.UTF_8);
      if (lines.size() >= 2 && lines.get(1).equals(machine)) {
        return new NodeIdentity(UUID.fromString(lines.get(0)).toString(), machine, boot);
      }
    }
    String uid = UUID.randomUUID().toString();
    Path fresh = dataDirectory.resolve("node.new");
    Files.writeString(fresh, uid + "\n" + machine + "\n", StandardCharsets.UTF_8);
    Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    return new NodeIdentity(uid, machine, boot);
  }

  /** First part of the uid, for names of directories. */
  public String shortUid() {
    return uid.substring(0, 8);
  }

  private static String readMachineId() throws IOException {
    for (Path file : MACHINE_IDS) {
      if (Files.isReadable(file)) {
        String id = Files.readString(file, StandardCharsets.US_ASCII).strip();
        if (!id.isEmpty()) {
          return id;
        }
      }
    }
    return "";
  }
}

package orch.systemtests;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * A throw-away Linux host with systemd, journald and cgroup v2: user-mode Linux on this machine,
 * its root a copy-on-write view of this machine's.
 */
public final class RealHost {
  private static final Path BOOT_HOST = Path.of("src/main/host/boot-host").toAbsolutePath();

  private RealHost() {}

  /** What a real host needs and this machine lacks; empty: hosts can be booted. */
  public static String missing() {
    if (!System.getProperty("user.name").equals("root")) {
      return "real hosts need root";
    }
    if (!Files.isExecutable(Path.of("/usr/bin/linux.uml"))) {
      return "real hosts need user-mode Linux: apt-get install user-mode-linux";
    }
    if (!Files.isExecutable(Path.of("/lib/systemd/systemd"))) {
      return "real hosts need systemd: apt-get install systemd";
    }
    return Files.isExecutable(Path.of("/sbin/insmod"))
        ? ""
        : "real hosts need insmod: apt-get install kmod";
  }

  /**
   * Boots a host, runs a bash script on it as root, and returns how it ended.
   *
   * @param memory of the host, such as 1G
   */
  public static CommandResult run(String name, String memory, String script)
      throws IOException, InterruptedException {
    Path share = Files.createTempDirectory("orch-real-host-");
    Path file = share.resolve("script");
    try {
      Files.writeString(file, script, StandardCharsets.UTF_8);
      return Shell.run(
          List.of(
              BOOT_HOST.toString(),
              name,
              "-m",
              memory,
              "-s",
              share.toString(),
              "--",
              "bash",
              "/mnt/share/script"),
          Map.of("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
          Path.of("/"),
          new byte[0]);
    } finally {
      Files.deleteIfExists(file);
      Files.deleteIfExists(share);
    }
  }
}

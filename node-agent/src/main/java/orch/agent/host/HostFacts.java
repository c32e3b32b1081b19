package orch.agent.host;

import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.SortedMap;
import java.util.TreeMap;

/** What this host is and has. */
public final class HostFacts {
  private HostFacts() {}

  /** The host's name, without a domain. */
  public static String hostName() {
    try {
      String name = Files.readString(Path.of("/proc/sys/kernel/hostname")).strip();
      int dot = name.indexOf('.');
      return dot < 0 ? name : name.substring(0, dot);
    } catch (IOException e) {
      try {
        return InetAddress.getLocalHost().getHostName();
      } catch (UnknownHostException unknown) {
        return "localhost";
      }
    }
  }

  /** A node name made of the host's: lower case, other characters than a-z, 0-9, . and - gone. */
  public static String nodeName() {
    String name =
        hostName()
            .toLowerCase(Locale.ROOT)
            .replaceAll("[^a-z0-9.-]", "-")
            .replaceAll("^[^a-z]+", "")
            .replaceAll("[.-]+$", "");
    return name.isEmpty() ? "node" : name.substring(0, Math.min(63, name.length()));
  }

  /** Thousandths of a CPU. */
  public static long cpuMillis() {
    return Runtime.getRuntime().availableProcessors() * 1_000L;
  }

  /** Bytes of main memory. */
  public static long memoryBytes() throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/meminfo"), StandardCharsets.US_ASCII)) {
      if (line.startsWith("MemTotal:")) {
        return Long.parseLong(line.replaceAll("\\D", "")) * 1_024;
      }
    }
    throw new IOException("/proc/meminfo has no MemTotal");
  }

  /** Attributes that constraints can name. */
  public static SortedMap<String, String> attributes() {
    SortedMap<String, String> attributes = new TreeMap<>();
    attributes.put("arch", System.getProperty("os.arch"));
    attributes.put("cpus", Integer.toString(Runtime.getRuntime().availableProcessors()));
    attributes.put("hostname", hostName());
    attributes.put("kernel", System.getProperty("os.version"));
    attributes.put("os", os());
    return attributes;
  }

  /** {@code debian-12}, from os-release(5). */
  private static String os() {
    try {
      String id = "linux";
      String version = "";
      for (String line : Files.readAllLines(Path.of("/etc/os-release"))) {
        if (line.startsWith("ID=")) {
          id = line.substring(3).replace("\"", "");
        } else if (line.startsWith("VERSION_ID=")) {
          version = "-" + line.substring("VERSION_ID=".length()).replace("\"", "");
        }
      }
      return id + version;
    } catch (IOException none) {
      return "linux";
    }
  }
}

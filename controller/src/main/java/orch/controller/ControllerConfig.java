package orch.controller;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.regex.Pattern;
import orch.api.config.HostAndPort;
import org.jspecify.annotations.Nullable;

/**
 * Settings of a controller, checked.
 *
 * @param dataDirectory where the secret and the embedded ZooKeeper's data lie
 * @param listen for HTTP
 * @param grpcListen for gRPC
 * @param zooKeeper connect string of an ensemble; null: embedded
 * @param name unique among the controllers of the cluster
 */
record ControllerConfig(
    Path dataDirectory,
    InetSocketAddress listen,
    InetSocketAddress grpcListen,
    @Nullable String zooKeeper,
    String name) {
  private static final Pattern NAME = Pattern.compile("[a-z]([a-z0-9.-]{0,61}[a-z0-9])?");
  private static final Path HOSTNAME = Path.of("/proc/sys/kernel/hostname");

  /**
   * Checks what the flags say.
   *
   * @param name null: the host's
   * @param insecureListen whether others than this host may connect
   * @throws IllegalArgumentException with a sentence for the operator
   */
  static ControllerConfig of(
      Path dataDirectory,
      HostAndPort listen,
      HostAndPort grpcListen,
      @Nullable String zooKeeper,
      @Nullable String name,
      boolean insecureListen) {
    if (listen.port() != 0 && listen.equals(grpcListen)) {
      throw new IllegalArgumentException(
          "--listen and --grpc-listen are both " + listen + "; give each a port of its own");
    }
    if (zooKeeper != null && !zooKeeper.matches("[^/,\\s]+:\\d+(,[^/,\\s]+:\\d+)*(/[^\\s]*)?")) {
      throw new IllegalArgumentException(
          "--zookeeper '"
              + zooKeeper
              + "' is no connect string; write HOST:PORT[,HOST:PORT...][/PATH]");
    }
    if (name != null && !NAME.matcher(name).matches()) {
      throw new IllegalArgumentException(
          "--name '"
              + name
              + "' is no name; use small letters, digits, '-' and '.', and begin with a letter");
    }
    return new ControllerConfig(
        dataDirectory.toAbsolutePath().normalize(),
        address("--listen", listen, insecureListen),
        address("--grpc-listen", grpcListen, insecureListen),
        zooKeeper,
        name == null ? hostname() : name);
  }

  private static InetSocketAddress address(
      String flag, HostAndPort wanted, boolean insecureListen) {
    InetAddress address;
    try {
      address = InetAddress.getByName(wanted.host());
    } catch (UnknownHostException e) {
      throw new IllegalArgumentException(
          flag + " " + wanted + ": the host '" + wanted.host() + "' is not known here", e);
    }
    if (!address.isLoopbackAddress() && !insecureListen) {
      throw new IllegalArgumentException(
          flag
              + " "
              + wanted
              + " would let other hosts in, and this version has no TLS and no tokens yet: whoever"
              + " connects could run anything on every node. Listen on localhost, or give"
              + " --insecure-listen if a firewall or a VPN keeps strangers out");
    }
    return new InetSocketAddress(address, wanted.port());
  }

  /** The host's name, with what a name may not hold replaced. */
  private static String hostname() {
    String host;
    try {
      host = Files.readString(HOSTNAME, StandardCharsets.UTF_8).strip();
    } catch (IOException e) {
      host = "";
    }
    String name =
        host.toLowerCase(Locale.ROOT)
            .replaceAll("[^a-z0-9.-]", "-")
            .replaceAll("^[^a-z]+", "")
            .replaceAll("[.-]+$", "");
    if (name.length() > 63) {
      name = name.substring(0, 63).replaceAll("[.-]+$", "");
    }
    return name.isEmpty() ? "controller" : name;
  }
}

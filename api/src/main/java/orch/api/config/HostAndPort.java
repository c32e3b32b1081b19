package orch.api.config;

/**
 * An address as flags have it: {@code host:port}, {@code [::1]:port}.
 *
 * @param host name or address, without brackets
 * @param port 0 to 65535; 0 to listen on any free one
 */
public record HostAndPort(String host, int port) {
  public HostAndPort {
    if (host.isEmpty() || port < 0 || port > 65_535) {
      throw new IllegalArgumentException("no address: '" + host + "' port " + port);
    }
  }

  /** Reads the forms above; throws IllegalArgumentException with a sentence on any other. */
  public static HostAndPort parse(String text) {
    int colon = text.lastIndexOf(':');
    String host = colon < 0 ? "" : text.substring(0, colon);
    boolean bracketed = host.startsWith("[") && host.endsWith("]");
    if (host.isEmpty() || (host.indexOf(':') >= 0 && !bracketed)) {
      throw new IllegalArgumentException(
          "'"
              + text
              + "' is no address; write HOST:PORT, for example localhost:7401 or [::1]:7401");
    }
    String port = text.substring(colon + 1);
    if (!port.matches("[0-9]{1,5}") || Integer.parseInt(port) > 65_535) {
      throw new IllegalArgumentException(
          "'" + text + "': '" + port + "' is no port; ports are 0 to 65535");
    }
    return new HostAndPort(
        bracketed ? host.substring(1, host.length() - 1) : host, Integer.parseInt(port));
  }

  @Override
  public String toString() {
    return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + port;
  }
}

package orch.ctl.http;

import java.util.ArrayList;
import java.util.List;

/**
 * Where a controller listens.
 *
 * @param secure whether TLS is spoken
 * @param host name or address; of IPv6 without brackets
 * @param port 1 to 65535
 */
public record Address(boolean secure, String host, int port) {
  /** The controller's HTTP port. */
  public static final int DEFAULT_PORT = 7400;

  /**
   * Reads {@code http://host:port}, {@code https://host:port}, {@code host:port} or {@code host}.
   *
   * @throws IllegalArgumentException with a sentence that says what is wrong
   */
  public static Address parse(String text) {
    String rest = text.strip();
    boolean secure = rest.startsWith("https://");
    if (secure || rest.startsWith("http://")) {
      rest = rest.substring(secure ? 8 : 7);
    } else if (rest.contains("://")) {
      throw wrong(text, "begins with neither http:// nor https://");
    }
    if (rest.endsWith("/")) {
      rest = rest.substring(0, rest.length() - 1);
    }
    if (rest.indexOf('/') >= 0) {
      throw wrong(text, "has a path");
    }
    String host = rest;
    String port = "";
    int bracket = rest.indexOf(']');
    int colon = rest.lastIndexOf(':');
    if (rest.startsWith("[") && bracket > 0) {
      host = rest.substring(1, bracket);
      if (colon == bracket + 1) {
        port = rest.substring(colon + 1);
      } else if (bracket != rest.length() - 1) {
        throw wrong(text, "has text after the ]");
      }
    } else if (colon >= 0 && rest.indexOf(':') == colon) {
      host = rest.substring(0, colon);
      port = rest.substring(colon + 1);
      if (port.isEmpty()) {
        throw wrong(text, "has no port after the colon");
      }
    }
    if (host.isEmpty() || host.indexOf(' ') >= 0) {
      throw wrong(text, "has no host");
    }
    return new Address(secure, host, port.isEmpty() ? DEFAULT_PORT : portOf(text, port));
  }

  /**
   * Reads one address or several, separated by commas.
   *
   * @throws IllegalArgumentException with a sentence that says what is wrong
   */
  public static List<Address> parseList(String text) {
    List<Address> addresses = new ArrayList<>();
    for (int from = 0; from <= text.length(); ) {
      int comma = text.indexOf(',', from);
      int end = comma < 0 ? text.length() : comma;
      addresses.add(parse(text.substring(from, end)));
      from = end + 1;
    }
    return addresses;
  }

  private static int portOf(String text, String port) {
    try {
      int number = Integer.parseInt(port);
      if (number > 0 && number < 65536) {
        return number;
      }
    } catch (NumberFormatException notANumber) {
      // Said below, as for a number out of range.
    }
    throw wrong(text, "has the port '" + port + "', which is no number from 1 to 65535");
  }

  private static IllegalArgumentException wrong(String text, String why) {
    return new IllegalArgumentException(
        "the address '" + text + "' " + why + "; write http://HOST:PORT or HOST:PORT");
  }

  /** {@code host:port}, as the Host header has it. */
  String authority() {
    return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + port;
  }

  @Override
  public String toString() {
    return (secure ? "https://" : "http://") + authority();
  }
}

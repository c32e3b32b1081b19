package orch.controller.http;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Refuses requests that a web page of elsewhere could make a browser on this machine send (DNS
 * rebinding, cross-origin posts) while the port is open to this machine only and asks for no proof.
 */
final class HostGuard {
  private HostGuard() {}

  /**
   * Why the request is refused, or null.
   *
   * @param host of the Host header, without the port; null: none
   * @param authority of the Host header, with the port
   * @param origin header of browsers; null: none
   */
  static @Nullable String refusal(
      @Nullable String host, @Nullable String authority, @Nullable String origin) {
    if (host != null && !isLocalName(host) && !isAddress(host)) {
      return "this port is open to this machine only, and the Host header names '"
          + host
          + "'; use localhost or an IP address";
    }
    if (origin != null && !sameOrigin(origin, authority)) {
      return "requests of web pages from " + origin + " are refused";
    }
    return null;
  }

  /**
   * Whether a web page of another origin asks. A browser lets any page open a WebSocket anywhere,
   * so this is looked at on every address.
   */
  static boolean crossesOrigins(@Nullable String origin, @Nullable String authority) {
    return origin != null && !sameOrigin(origin, authority);
  }

  private static boolean isLocalName(String host) {
    String name = host.toLowerCase(Locale.ROOT);
    return name.equals("localhost") || name.endsWith(".localhost");
  }

  private static boolean isAddress(String host) {
    if (host.startsWith("[") || host.indexOf(':') >= 0) {
      return host.matches("\\[?[0-9A-Fa-f:.%]+]?");
    }
    return host.matches("[0-9]{1,3}(\\.[0-9]{1,3}){3}");
  }

  private static boolean sameOrigin(String origin, @Nullable String authority) {
    return authority != null
        && (origin.equalsIgnoreCase("http://" + authority)
            || origin.equalsIgnoreCase("https://" + authority));
  }
}

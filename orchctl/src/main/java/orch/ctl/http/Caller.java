package orch.ctl.http;

/**
 * Who calls, for the headers of a request.
 *
 * @param user login name of the caller
 * @param token bearer token; empty: none
 * @param traceParent W3C trace context of the caller; empty: none
 * @param agent product and version
 */
public record Caller(String user, String token, String traceParent, String agent) {
  /** The header lines that say so; what could break out of a header is refused. */
  String headers() {
    StringBuilder lines = new StringBuilder(192);
    line(lines, "User-Agent", agent);
    line(lines, "orch-user", user);
    line(lines, "Authorization", token.isEmpty() ? "" : "Bearer " + token);
    line(lines, "traceparent", traceParent);
    return lines.toString();
  }

  private static void line(StringBuilder lines, String name, String value) {
    if (value.isEmpty()) {
      return;
    }
    for (int i = 0; i < value.length(); i++) {
      if (value.charAt(i) < 0x20 || value.charAt(i) == 0x7f) {
        throw new IllegalArgumentException(
            "the value for the header "
                + name
                + " has a control character; correct ORCH_TOKEN, TRACEPARENT or the login name");
      }
    }
    lines.append(name).append(": ").append(value).append("\r\n");
  }
}

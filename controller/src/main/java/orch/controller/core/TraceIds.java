package orch.controller.core;

import java.util.Locale;
import orch.api.model.Uid;
import org.jspecify.annotations.Nullable;

/** Trace and span ids that are hashes of identities, and those that callers bring. */
final class TraceIds {
  private static final int TRACEPARENT_LENGTH = 55;
  private static final String HEX = "0123456789abcdef";

  private TraceIds() {}

  /** The trace id of a W3C traceparent (version 00 or later); null when it is none. */
  static @Nullable String ofTraceparent(String traceparent) {
    if (traceparent.length() < TRACEPARENT_LENGTH
        || traceparent.charAt(2) != '-'
        || traceparent.charAt(35) != '-'
        || traceparent.charAt(52) != '-') {
      return null;
    }
    String version = traceparent.substring(0, 2);
    String traceId = traceparent.substring(3, 35);
    boolean valid =
        isHex(version)
            && !version.equals("ff")
            && (version.equals("00")
                ? traceparent.length() == TRACEPARENT_LENGTH
                : traceparent.length() == TRACEPARENT_LENGTH
                    || traceparent.charAt(TRACEPARENT_LENGTH) == '-')
            && isHex(traceId)
            && !traceId.equals("0".repeat(32))
            && isHex(traceparent.substring(36, 52))
            && !traceparent.substring(36, 52).equals("0".repeat(16));
    return valid ? traceId : null;
  }

  private static boolean isHex(String text) {
    return text.chars().allMatch(c -> HEX.indexOf(c) >= 0);
  }

  /** Of a job whose caller brought none. */
  static String ofJob(String clusterId, Uid uid) {
    return hex(hash("trace", clusterId, uid)) + hex(hash("trace2", clusterId, uid));
  }

  /** Of an attempt. */
  static String spanOf(String clusterId, Uid uid) {
    return hex(hash("span", clusterId, uid));
  }

  /** Never zero, which W3C forbids. */
  private static long hash(String kind, String clusterId, Uid uid) {
    CanonicalWriter to = new CanonicalWriter();
    to.text(kind);
    to.text(clusterId);
    to.number(uid.incarnation());
    to.number(uid.epoch());
    to.number(uid.sequence());
    return to.hash() == 0 ? 1 : to.hash();
  }

  private static String hex(long value) {
    return String.format(Locale.ROOT, "%016x", value);
  }
}

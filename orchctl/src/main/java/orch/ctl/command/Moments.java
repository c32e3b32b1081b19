package orch.ctl.command;

import orch.ctl.output.Times;

/** Moments in the past, as people give them. */
final class Moments {
  private Moments() {}

  /** {@code 10m} (ago), or a time, as RFC 3339 in UTC. */
  static String parse(String text, Session session) throws UsageException {
    long millis = Times.parseHuman(text);
    if (millis == Long.MIN_VALUE) {
      try {
        millis = session.nowMillis() - Units.durationNanos(text) / 1_000_000;
      } catch (UsageException neither) {
        throw new UsageException(
            "'" + text + "' is no time; write 10m (ago), 2026-11-24 08:00 or 2026-11-24T08:00:00Z");
      }
    }
    return Times.rfc3339(millis);
  }
}

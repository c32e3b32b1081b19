package orch.ctl.command;

import java.math.BigDecimal;

/** Quantities with units, as the job spec's dialect has them. */
final class Units {
  private static final BigDecimal LIMIT = BigDecimal.valueOf(Long.MAX_VALUE);

  private Units() {}

  /** Thousandths of a CPU: {@code 500m}, {@code 2}, {@code 0.5}. */
  static long cpuMillis(String text) throws UsageException {
    int unitAt = unitAt(text);
    String unit = text.substring(unitAt);
    if (unitAt == 0 || !unit.isEmpty() && !unit.equals("m")) {
      throw new UsageException("'" + text + "' is no amount of CPU; write 500m, 2 or 0.5");
    }
    return whole(number(text, unitAt), unit.isEmpty() ? 1000 : 1, text, "thousandths of a CPU");
  }

  /** Bytes: {@code 256Mi}, {@code 1G}, {@code 1048576}. */
  static long bytes(String text) throws UsageException {
    int unitAt = unitAt(text);
    long factor = unitAt == 0 ? 0 : byteUnit(text.substring(unitAt));
    if (factor == 0) {
      throw new UsageException(
          "'"
              + text
              + "' is no amount of memory; write 256Mi (Ki Mi Gi Ti: powers of 1024) or 256M"
              + " (k M G T: powers of 1000)");
    }
    return whole(number(text, unitAt), factor, text, "bytes");
  }

  private static long byteUnit(String unit) {
    return switch (unit) {
      case "" -> 1;
      case "k", "K" -> 1000;
      case "M" -> 1000_000;
      case "G" -> 1000_000_000;
      case "T" -> 1000_000_000_000L;
      case "P" -> 1000_000_000_000_000L;
      case "Ki" -> 1L << 10;
      case "Mi" -> 1L << 20;
      case "Gi" -> 1L << 30;
      case "Ti" -> 1L << 40;
      case "Pi" -> 1L << 50;
      default -> 0;
    };
  }

  /** Nanoseconds: {@code 90s}, {@code 1h30m}, {@code 500ms}, {@code 1.5h}. */
  static long durationNanos(String text) throws UsageException {
    long sum = 0;
    int at = 0;
    long previous = Long.MAX_VALUE;
    while (at < text.length()) {
      int unitAt = at + unitAt(text.substring(at));
      int end = unitAt;
      while (end < text.length() && Character.isLetter(text.charAt(end))) {
        end++;
      }
      long factor = unitAt == at ? 0 : timeUnit(text.substring(unitAt, end));
      if (factor == 0 || factor >= previous) {
        throw noDuration(text);
      }
      previous = factor;
      sum += whole(number(text.substring(at), unitAt - at), factor, text, "nanoseconds");
      at = end;
    }
    if (previous == Long.MAX_VALUE || sum < 0) {
      throw noDuration(text);
    }
    return sum;
  }

  private static UsageException noDuration(String text) {
    boolean bare = !text.isEmpty() && unitAt(text) == text.length();
    return new UsageException(
        bare
            ? "'" + text + "' has no unit; write " + text + "s, " + text + "m or " + text + "h"
            : "'" + text + "' is no duration; write 90s, 1h30m or 500ms (d h m s ms us ns)");
  }

  /** A duration as proto3 JSON has it, {@code 1.500s}. */
  static String durationJson(String text) throws UsageException {
    long nanos = durationNanos(text);
    return BigDecimal.valueOf(nanos, 9).stripTrailingZeros().toPlainString() + "s";
  }

  private static long timeUnit(String unit) {
    return switch (unit) {
      case "ns" -> 1;
      case "us" -> 1_000;
      case "ms" -> 1_000_000;
      case "s" -> 1_000_000_000L;
      case "m" -> 60_000_000_000L;
      case "h" -> 3_600_000_000_000L;
      case "d" -> 86_400_000_000_000L;
      default -> 0;
    };
  }

  /** Where the digits end. */
  private static int unitAt(String text) {
    int at = 0;
    while (at < text.length()
        && (text.charAt(at) >= '0' && text.charAt(at) <= '9' || text.charAt(at) == '.')) {
      at++;
    }
    return at;
  }

  private static BigDecimal number(String text, int end) throws UsageException {
    try {
      return new BigDecimal(text.substring(0, end));
    } catch (NumberFormatException notANumber) {
      throw new UsageException("'" + text.substring(0, end) + "' is no number");
    }
  }

  private static long whole(BigDecimal number, long factor, String text, String smallest)
      throws UsageException {
    BigDecimal product = number.multiply(BigDecimal.valueOf(factor));
    if (product.compareTo(LIMIT) > 0) {
      throw new UsageException("'" + text + "' is too large");
    }
    if (product.stripTrailingZeros().scale() > 0) {
      throw new UsageException("'" + text + "' is no whole number of " + smallest);
    }
    return product.longValue();
  }

  /** A whole number in a range. */
  static long integer(String text, long least, long most, String option) throws UsageException {
    try {
      long number = Long.parseLong(text);
      if (number >= least && number <= most) {
        return number;
      }
    } catch (NumberFormatException notANumber) {
      // Said below.
    }
    throw new UsageException(
        option
            + " wants a whole number "
            + (most == Long.MAX_VALUE ? "of at least " + least : "from " + least + " to " + most)
            + ", not '"
            + text
            + "'");
  }
}

package orch.api.model;

import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Amounts as people write them, and back: CPUs ({@code 500m}, {@code 2}, {@code 0.5}), bytes
 * ({@code 256Mi}, {@code 1G}) and durations ({@code 1h30m}, {@code 500ms}). Parsing is exact and
 * throws IllegalArgumentException with a sentence that says how to write what was probably meant;
 * formatting loses nothing: {@code parse(format(x)) == x}.
 */
public final class Quantity {
  private static final Pattern NUMBER_AND_UNIT =
      Pattern.compile("([0-9]+(?:\\.[0-9]+)?)\\s*(\\S.*)?");

  private static final Pattern DURATION = Pattern.compile("(?:[0-9]+(?:\\.[0-9]+)?[a-z]+)+");

  private static final Pattern DURATION_PART = Pattern.compile("([0-9]+(?:\\.[0-9]+)?)([a-z]+)");

  private static final long NOT_WHOLE = -1;

  /** A unit and what it stands for, in the smallest unit. */
  private record Unit(String name, long factor) {}

  private static final List<Unit> BINARY =
      List.of(
          new Unit("Ei", 1L << 60),
          new Unit("Pi", 1L << 50),
          new Unit("Ti", 1L << 40),
          new Unit("Gi", 1L << 30),
          new Unit("Mi", 1L << 20),
          new Unit("Ki", 1L << 10));

  private static final List<Unit> DECIMAL =
      List.of(
          new Unit("E", 1_000_000_000_000_000_000L),
          new Unit("P", 1_000_000_000_000_000L),
          new Unit("T", 1_000_000_000_000L),
          new Unit("G", 1_000_000_000L),
          new Unit("M", 1_000_000L),
          new Unit("k", 1_000L));

  private static final List<Unit> TIME =
      List.of(
          new Unit("d", 86_400_000_000_000L),
          new Unit("h", 3_600_000_000_000L),
          new Unit("m", 60_000_000_000L),
          new Unit("s", 1_000_000_000L),
          new Unit("ms", 1_000_000L),
          new Unit("us", 1_000L),
          new Unit("ns", 1L));

  private Quantity() {}

  /** Thousandths of a CPU: {@code 500m} is 500, {@code 2} is 2000, {@code 0.5} is 500. */
  public static long parseCpuMillis(String text) {
    Matcher parts = NUMBER_AND_UNIT.matcher(text.strip());
    if (!parts.matches()) {
      throw new IllegalArgumentException(
          "expected an amount of CPU such as 500m, 2 or 0.5, got '" + text + "'");
    }
    String number = parts.group(1);
    String unit = parts.group(2) == null ? "" : parts.group(2);
    return switch (unit) {
      case "" -> exact(number, 1_000, text, "thousandths of a CPU");
      case "m" -> exact(number, 1, text, "thousandths of a CPU");
      case "%" ->
          throw new IllegalArgumentException(
              "'" + text + "': write thousandths of a CPU, as 50% is 500m");
      default ->
          throw new IllegalArgumentException(
              "'"
                  + text
                  + "': there is no unit '"
                  + unit
                  + "' for CPU; write "
                  + number
                  + " for whole CPUs or "
                  + number
                  + "m for thousandths");
    };
  }

  /** {@code 500m}, {@code 2}. */
  public static String formatCpu(long millis) {
    return millis % 1_000 == 0 ? Long.toString(millis / 1_000) : millis + "m";
  }

  /** Bytes: {@code Ki Mi Gi Ti Pi Ei} are powers of 1024, {@code k M G T P E} of 1000. */
  public static long parseBytes(String text) {
    Matcher parts = NUMBER_AND_UNIT.matcher(text.strip());
    if (!parts.matches()) {
      throw new IllegalArgumentException(
          "expected a number of bytes such as 256Mi or 1G, got '" + text + "'");
    }
    String number = parts.group(1);
    String unit = parts.group(2) == null ? "" : parts.group(2);
    if (unit.isEmpty()) {
      return exact(number, 1, text, "bytes");
    }
    if (unit.equals("K")) {
      return exact(number, 1_000, text, "bytes");
    }
    for (List<Unit> units : List.of(BINARY, DECIMAL)) {
      for (Unit known : units) {
        if (known.name().equals(unit)) {
          return exact(number, known.factor(), text, "bytes");
        }
      }
    }
    throw new IllegalArgumentException(
        "'" + text + "': there is no unit '" + unit + "' for bytes; " + bytesRemedy(number, unit));
  }

  /** The shortest exact form: {@code 256Mi}, {@code 1G}, {@code 1500}. */
  public static String formatBytes(long bytes) {
    if (bytes == 0) {
      return "0";
    }
    String plain = Long.toString(bytes);
    String binary = inUnits(bytes, BINARY);
    String decimal = inUnits(bytes, DECIMAL);
    String shorter = decimal.length() < binary.length() ? decimal : binary;
    return shorter.length() < plain.length() ? shorter : plain;
  }

  /** {@code 1h30m}, {@code 500ms}, {@code 1.5h}; units d, h, m, s, ms, us, ns; plain {@code 0}. */
  public static Duration parseDuration(String text) {
    String stripped = text.strip();
    if (stripped.equals("0")) {
      return Duration.ZERO;
    }
    if (stripped.matches("[0-9]+(\\.[0-9]+)?")) {
      throw new IllegalArgumentException(
          "a duration needs a unit: write "
              + stripped
              + "s, "
              + stripped
              + "m or "
              + stripped
              + "h");
    }
    String compact = stripped.replaceAll("(?<=[a-z]) +(?=[0-9])", "");
    if (!DURATION.matcher(compact).matches()) {
      throw new IllegalArgumentException(
          "expected a duration such as 90s, 1h30m or 500ms, got '" + text + "'");
    }
    Duration sum = Duration.ZERO;
    Matcher parts = DURATION_PART.matcher(compact);
    long previous = Long.MAX_VALUE;
    while (parts.find()) {
      Unit unit = timeUnit(parts.group(1), parts.group(2), text);
      if (unit.factor() >= previous) {
        throw new IllegalArgumentException(
            "'" + text + "': name each unit once, the largest first, as in 1h30m");
      }
      previous = unit.factor();
      sum = sum.plus(durationOf(parts.group(1), unit, text));
    }
    return sum;
  }

  /** {@code 1h30m}, {@code 500ms}, {@code 0s}. */
  public static String formatDuration(Duration duration) {
    if (duration.isZero()) {
      return "0s";
    }
    if (duration.isNegative()) {
      return "-" + formatDuration(duration.negated());
    }
    StringBuilder text = new StringBuilder();
    append(text, duration.toDays(), "d");
    append(text, duration.toHoursPart(), "h");
    append(text, duration.toMinutesPart(), "m");
    append(text, duration.toSecondsPart(), "s");
    int nanos = duration.toNanosPart();
    append(text, nanos / 1_000_000, "ms");
    append(text, nanos / 1_000 % 1_000, "us");
    append(text, nanos % 1_000, "ns");
    return text.toString();
  }

  private static void append(StringBuilder text, long amount, String unit) {
    if (amount > 0) {
      text.append(amount).append(unit);
    }
  }

  private static String inUnits(long bytes, List<Unit> units) {
    for (Unit unit : units) {
      if (bytes % unit.factor() == 0) {
        return bytes / unit.factor() + unit.name();
      }
    }
    return Long.toString(bytes);
  }

  private static long exact(String number, long factor, String text, String smallest) {
    long value;
    try {
      value = times(number, factor);
    } catch (ArithmeticException e) {
      throw new IllegalArgumentException("'" + text + "' is too large", e);
    }
    if (value == NOT_WHOLE) {
      throw new IllegalArgumentException(
          "'" + text + "' is not a whole number of " + smallest + "; write a coarser one");
    }
    return value;
  }

  /**
   * A decimal number times a factor, exactly; NOT_WHOLE when a fraction is left. Throws
   * ArithmeticException when it is too large.
   */
  private static long times(String number, long factor) {
    int point = number.indexOf('.');
    String digits = number.replace(".", "");
    int decimals = point < 0 ? 0 : number.length() - point - 1;
    while (decimals > 0 && digits.endsWith("0")) {
      digits = digits.substring(0, digits.length() - 1);
      decimals--;
    }
    digits = digits.replaceFirst("^0+(?=[0-9])", "");
    String most = Long.toString(Long.MAX_VALUE);
    if (digits.length() > most.length()
        || (digits.length() == most.length() && digits.compareTo(most) > 0)) {
      throw new ArithmeticException("more than a long holds");
    }
    if (decimals > 18) {
      return NOT_WHOLE;
    }
    long numerator = Long.parseLong(digits);
    long denominator = 1;
    for (int i = 0; i < decimals; i++) {
      denominator *= 10;
    }
    long common = greatestCommonDivisor(factor, denominator);
    if (numerator % (denominator / common) != 0) {
      return NOT_WHOLE;
    }
    return Math.multiplyExact(numerator / (denominator / common), factor / common);
  }

  private static long greatestCommonDivisor(long left, long right) {
    return right == 0 ? left : greatestCommonDivisor(right, left % right);
  }

  private static String bytesRemedy(String number, String unit) {
    String letter = unit.substring(0, 1).toUpperCase(Locale.ROOT);
    if (unit.equals("m")) {
      return "write " + number + "M or " + number + "Mi (m means thousandths, and is for cpu)";
    }
    if (unit.toLowerCase(Locale.ROOT).matches("[kmgtpe](i?b?|b?ytes?|eg|ega|iga|ega?bytes?)")) {
      String decimal = letter.equals("K") ? "k" : letter;
      String power = letter.equals("K") ? "" : power(letter);
      if (unit.toLowerCase(Locale.ROOT).startsWith("i", 1)) {
        return "write " + number + letter + "i";
      }
      return "write " + number + letter + "i (1024" + power + ") or " + number + decimal + " (1000"
          + power + ")";
    }
    if (unit.toLowerCase(Locale.ROOT).matches("b|bytes?")) {
      return "write " + number + " alone";
    }
    return "units are Ki Mi Gi Ti (powers of 1024) and k M G T (powers of 1000)";
  }

  private static String power(String letter) {
    return switch (letter) {
      case "M" -> "²";
      case "G" -> "³";
      case "T" -> "⁴";
      case "P" -> "⁵";
      default -> "⁶";
    };
  }

  private static Unit timeUnit(String number, String name, String text) {
    for (Unit unit : TIME) {
      if (unit.name().equals(name)) {
        return unit;
      }
    }
    String meant =
        switch (name) {
          case "sec", "secs", "second", "seconds" -> "s";
          case "min", "mins", "minute", "minutes" -> "m";
          case "hr", "hrs", "hour", "hours" -> "h";
          case "day", "days" -> "d";
          case "msec", "millis", "milliseconds" -> "ms";
          case "usec", "micros" -> "us";
          default -> "";
        };
    String remedy =
        meant.isEmpty() ? "units are d, h, m, s, ms, us, ns" : "write " + number + meant;
    if (name.equals("w") || name.equals("week") || name.equals("weeks")) {
      remedy = "write days: a week is 7d";
    }
    throw new IllegalArgumentException(
        "'" + text + "': there is no unit '" + name + "' for durations; " + remedy);
  }

  private static Duration durationOf(String number, Unit unit, String text) {
    long nanos;
    try {
      nanos = times(number, unit.factor());
    } catch (ArithmeticException e) {
      throw new IllegalArgumentException(
          "'" + text + "' is too long; at most 100 years (36500d)", e);
    }
    if (nanos == NOT_WHOLE) {
      throw new IllegalArgumentException("'" + text + "' is finer than a nanosecond");
    }
    return Duration.ofNanos(nanos);
  }
}

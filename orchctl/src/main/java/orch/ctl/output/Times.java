package orch.ctl.output;

import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.format.DateTimeParseException;

/** Times as people read them, from the RFC 3339 of the API. */
public final class Times {
  private static final long NANOS_PER_MILLI = 1_000_000;
  private static final long SECOND = 1_000;
  private static final long MINUTE = 60 * SECOND;
  private static final long HOUR = 60 * MINUTE;
  private static final long DAY = 24 * HOUR;

  private Times() {}

  /**
   * Nanoseconds since the epoch of an RFC 3339 time, or {@link Long#MIN_VALUE} when it is none. In
   * place of java.time's parser, which would take longer to load than a command takes.
   */
  public static long parseNanos(String time) {
    try {
      if (time.length() < 20 || time.charAt(10) != 'T') {
        return Long.MIN_VALUE;
      }
      long days = daysFromCivil(digits(time, 0, 4), digits(time, 5, 7), digits(time, 8, 10));
      long millis =
          days * DAY
              + digits(time, 11, 13) * HOUR
              + digits(time, 14, 16) * MINUTE
              + digits(time, 17, 19) * SECOND;
      int at = 19;
      long nanos = 0;
      if (time.charAt(at) == '.') {
        long scale = 100_000_000;
        for (at++; Character.isDigit(time.charAt(at)); at++) {
          nanos += (time.charAt(at) - '0') * scale;
          scale /= 10;
        }
      }
      return (millis - offsetMillis(time, at)) * NANOS_PER_MILLI + nanos;
    } catch (NumberFormatException | IndexOutOfBoundsException noTime) {
      return Long.MIN_VALUE;
    }
  }

  /** The same in milliseconds. */
  public static long parseMillis(String time) {
    long nanos = parseNanos(time);
    return nanos == Long.MIN_VALUE ? nanos : Math.floorDiv(nanos, NANOS_PER_MILLI);
  }

  private static long offsetMillis(String time, int at) {
    char sign = time.charAt(at);
    if (sign == 'Z') {
      return 0;
    }
    long offset = digits(time, at + 1, at + 3) * HOUR + digits(time, at + 4, at + 6) * MINUTE;
    return sign == '-' ? -offset : offset;
  }

  private static long digits(String text, int from, int to) {
    return Integer.parseInt(text, from, to, 10);
  }

  private static long daysFromCivil(long year, long month, long day) {
    // The year begins in March here, so that the leap day is its last.
    long shifted = month <= 2 ? year - 1 : year;
    long era = Math.floorDiv(shifted, 400);
    long yearOfEra = shifted - era * 400;
    long dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    long dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear;
    return era * 146_097 + dayOfEra - 719_468;
  }

  /** How long ago: {@code 5s}, {@code 12m}, {@code 3h}, {@code 4d}; empty for no time. */
  public static String age(String time, long nowMillis) {
    long then = parseMillis(time);
    if (then == Long.MIN_VALUE) {
      return "";
    }
    long age = Math.max(0, nowMillis - then);
    if (age < 2 * MINUTE) {
      return age / SECOND + "s";
    }
    if (age < 2 * HOUR) {
      return age / MINUTE + "m";
    }
    return age < 2 * DAY ? age / HOUR + "h" : age / DAY + "d";
  }

  /** From one time to another, or to now when it is not there; empty when it has no begin. */
  public static String between(String start, String end, long nowMillis) {
    long from = parseMillis(start);
    if (from == Long.MIN_VALUE) {
      return "";
    }
    long to = end.isEmpty() ? nowMillis : parseMillis(end);
    return to == Long.MIN_VALUE ? "" : duration(Math.max(0, to - from));
  }

  /** {@code 12ms}, {@code 1.2s}, {@code 45s}, {@code 3m12s}, {@code 2h05m}, {@code 3d04h}. */
  public static String duration(long millis) {
    if (millis < SECOND) {
      return millis + "ms";
    }
    if (millis < 10 * SECOND) {
      return millis / SECOND + "." + millis % SECOND / 100 + "s";
    }
    if (millis < MINUTE) {
      return millis / SECOND + "s";
    }
    if (millis < HOUR) {
      return millis / MINUTE + "m" + twoDigits(millis % MINUTE / SECOND) + "s";
    }
    return millis < DAY
        ? millis / HOUR + "h" + twoDigits(millis % HOUR / MINUTE) + "m"
        : millis / DAY + "d" + twoDigits(millis % DAY / HOUR) + "h";
  }

  /** {@code 2026-11-24 08:12:03} on the clock of this machine; empty for no time. */
  public static String local(String time) {
    return local(time, false);
  }

  /** The same with milliseconds. */
  public static String localMillis(String time) {
    return local(time, true);
  }

  private static String local(String time, boolean withMillis) {
    long millis = parseMillis(time);
    if (millis == Long.MIN_VALUE) {
      return "";
    }
    LocalDateTime local =
        LocalDateTime.ofInstant(Instant.ofEpochMilli(millis), ZoneId.systemDefault());
    String text =
        local.getYear()
            + "-"
            + twoDigits(local.getMonthValue())
            + "-"
            + twoDigits(local.getDayOfMonth())
            + " "
            + twoDigits(local.getHour())
            + ":"
            + twoDigits(local.getMinute())
            + ":"
            + twoDigits(local.getSecond());
    if (!withMillis) {
      return text;
    }
    long rest = Math.floorMod(millis, SECOND);
    return text + "." + (rest < 100 ? "0" : "") + twoDigits(rest);
  }

  /** An RFC 3339 time in UTC. */
  public static String rfc3339(long epochMillis) {
    return Instant.ofEpochMilli(epochMillis).toString();
  }

  /**
   * Reads a time that a person wrote: RFC 3339, or {@code 2026-11-24}, {@code 2026-11-24 08:12} or
   * {@code 2026-11-24 08:12:03} on the clock of this machine.
   *
   * @return milliseconds since the epoch, or {@link Long#MIN_VALUE} when it is none of them
   */
  public static long parseHuman(String text) {
    long exact = parseMillis(text);
    if (exact != Long.MIN_VALUE) {
      return exact;
    }
    String iso = text.strip().replace(' ', 'T');
    if (iso.length() == 10) {
      iso += "T00:00";
    }
    try {
      LocalDateTime local = LocalDateTime.parse(iso);
      ZoneOffset offset = ZoneId.systemDefault().getRules().getOffset(local);
      return local.toInstant(offset).toEpochMilli();
    } catch (DateTimeParseException noTime) {
      return Long.MIN_VALUE;
    }
  }

  private static String twoDigits(long number) {
    return number < 10 ? "0" + number : Long.toString(number);
  }
}

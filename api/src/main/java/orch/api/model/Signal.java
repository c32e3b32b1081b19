package orch.api.model;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Numbers and names of Linux signals (signal(7)), 1 to 64. Names stand without {@code SIG}; the
 * real-time ones are {@code RTMIN}, {@code RTMIN+1}, … as the C library numbers them (34 to 64).
 */
public final class Signal {
  public static final int HUP = 1;
  public static final int INT = 2;
  public static final int KILL = 9;
  public static final int TERM = 15;
  public static final int MAX = 64;

  private static final int RTMIN = 34;

  private static final List<String> NAMES =
      List.of(
          "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
          "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG",
          "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS");

  private Signal() {}

  /** The names that {@link #parse} knows beside {@code RTMIN+n} and numbers. */
  public static List<String> names() {
    return NAMES;
  }

  /** The name of {@code number}, or the number as text where it has none (32, 33). */
  public static String name(int number) {
    if (number >= 1 && number <= NAMES.size()) {
      return NAMES.get(number - 1);
    }
    if (number >= RTMIN && number <= MAX) {
      return number == RTMIN ? "RTMIN" : "RTMIN+" + (number - RTMIN);
    }
    return Integer.toString(number);
  }

  /**
   * Reads {@code TERM}, {@code SIGTERM}, {@code term}, {@code 15} or {@code RTMIN+2}; throws
   * IllegalArgumentException with a sentence on anything else.
   */
  public static int parse(String text) {
    String name = text.strip().toUpperCase(Locale.ROOT);
    if (!name.isEmpty() && name.length() <= 9 && name.chars().allMatch(c -> c >= '0' && c <= '9')) {
      int number = Integer.parseInt(name);
      if (number < 1 || number > MAX) {
        throw new IllegalArgumentException("signals are 1 to 64, not " + number);
      }
      return number;
    }
    if (name.startsWith("SIG")) {
      name = name.substring(3);
    }
    int index = NAMES.indexOf(name);
    if (index >= 0) {
      return index + 1;
    }
    if (name.equals("RTMIN") || name.matches("RTMIN\\+[0-9]{1,2}")) {
      int offset = name.length() > 6 ? Integer.parseInt(name.substring(6)) : 0;
      if (RTMIN + offset <= MAX) {
        return RTMIN + offset;
      }
      throw new IllegalArgumentException(
          "the last real-time signal is RTMIN+" + (MAX - RTMIN) + ", not " + name);
    }
    List<String> known = new ArrayList<>(NAMES);
    known.add("RTMIN");
    throw new IllegalArgumentException(
        "there is no signal '"
            + text
            + "'"
            + NearestName.hint(name, known)
            + (NearestName.of(name, known).isPresent()
                ? ""
                : "; names are TERM, INT, HUP, USR1, … (kill -l lists them), numbers 1 to 64"));
  }
}
